"""Damaged recordings: each is recovered and verified, or refused with a reason; the input stays as it is.

By default each kind of damage to each part once; `OTELSTREAM_CORRUPTIONS=500` tries as many cases of
chance, for the figures.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import recorder
from otelstream.bridge.recovery import Recovery, recover
from otelstream.errors import RecordingError
from otelstream.frame import frame_json
from recorder.doctor import examine
from tests.conftest import frames_of
from tests.contract.programs import consume
from tests.recorder.recordings import bytes_of, content, killed, record, writing

CASES: Final = int(os.environ.get("OTELSTREAM_CORRUPTIONS", "18"))


class Case(NamedTuple):
    """One damage: of which recording, to the file or its WAL, of which kind, and by which chance."""

    recording: str
    part: str
    kind: str
    seed: int


def truncated(data: bytes, chance: random.Random) -> bytes:
    """Without its end, from anywhere on."""
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """With one wrong bit."""
    at = chance.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]


def zeroed(data: bytes, chance: random.Random) -> bytes:
    """With a sector of zeros."""
    at = chance.randrange(len(data)) // 512 * 512
    return data[:at] + bytes(len(data[at : at + 512])) + data[at + 512 :]


def scribbled(data: bytes, chance: random.Random) -> bytes:
    """With 64 bytes of noise."""
    at = chance.randrange(len(data))
    return data[:at] + chance.randbytes(len(data[at : at + 64])) + data[at + 64 :]


def lengthened(data: bytes, chance: random.Random) -> bytes:
    """With garbage behind its end."""
    return data + chance.randbytes(chance.randrange(1, 100_000))


def emptied(data: bytes, chance: random.Random) -> bytes:
    """Without a byte."""
    return b""


DAMAGES: Final[dict[str, Callable[[bytes, random.Random], bytes]]] = {
    function.__name__: function for function in (truncated, flipped, zeroed, scribbled, lengthened, emptied)
}
PARTS: Final = (("finished", ""), ("killed", ""), ("killed", ".wal"))


def cases() -> list[Case]:
    """Every kind of damage to every part, again and again by another chance."""
    every = [(recording, part, kind) for kind in DAMAGES for recording, part in PARTS]
    return [Case(*every[number % len(every)], number) for number in range(CASES)]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A recording that was finished, and what a process left that was killed."""
    folder = tmp_path_factory.mktemp("corruption")
    path = folder / "finished.duckdb"
    with writing(path) as writer:
        record(writer, 0, frames_of("05_crew_two_agents_tools"))
        record(writer, 1, frames_of("20_long_5000_chunks")[:200])
        record(writer, 2, frames_of("08_method_raises"), "failed")
    return {"finished": path, "killed": killed(folder / "killed.duckdb", 200)}


def damaged(case: Case, originals: dict[str, Path], folder: Path) -> Path:
    """A copy of a recording with that damage."""
    original = originals[case.recording]
    path = folder / "run.duckdb"
    for each in bytes_of(original):
        shutil.copyfile(original.with_name(each), folder / each.replace(original.name, path.name))
    part = Path(f"{path}{case.part}")
    part.write_bytes(DAMAGES[case.kind](part.read_bytes(), random.Random(case.seed)))
    return path


@cache
def whole(original: Path) -> dict[str, list[str]]:
    """The frames of each session before the damage."""
    return {key: each.frames for key, each in content(original).items()}


def wrong(recovery: Recovery, output: Path, original: Path) -> list[str]:
    """What is told of a recovery and not so, or recovered and not what was recorded."""
    before, problems = whole(original), []
    everything = {frame for frames in before.values() for frame in frames}
    for session in recovery.sessions:
        replayed = [frame_json(each) for each in consume(recorder.replay(output, session.session))]
        lost = {number for first, last in session.lost for number in range(first, last + 1)}
        expected = [each for number, each in enumerate(before.get(session.session, [])) if number not in lost]
        if session.session in before and replayed != expected[: len(replayed)]:
            problems.append(f"{session.session} is not what was recorded")
        if not everything.issuperset(replayed):
            problems.append(f"{session.session} has frames that were never recorded")
        if len(replayed) != session.frames:
            problems.append(f"{session.session} has {len(replayed)} frames and not {session.frames}")
    return problems


def attempted(path: Path, output: Path) -> Recovery | str:
    """What is told of a recovery, or the reason why there is none."""
    try:
        return recover(path, output)
    except RecordingError as error:
        return str(error)


@pytest.mark.parametrize("case", cases(), ids=lambda case: "-".join(map(str, case)))
def test_a_damaged_recording_is_recovered_or_refused(
    case: Case, originals: dict[str, Path], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """What is recovered replays as it was recorded and is vouched for; a refusal names file and reason."""
    path, output = damaged(case, originals, tmp_path), tmp_path / "out" / "new.duckdb"
    before = bytes_of(path)
    outcome = attempted(path, output)
    if isinstance(outcome, Recovery):
        found = examine(output)
        record_property("outcome", "complete" if outcome.is_complete else "with loss")

        assert wrong(outcome, output, originals[case.recording]) == []
        assert (found.is_sound, found.vouched) == (True, found.frames)
    else:
        record_property("outcome", "refused")

        assert (outcome.startswith(f"{path} "), output.exists()) == (True, False)
    assert bytes_of(path) == before
