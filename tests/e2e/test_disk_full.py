"""Disks that fill up, and recordings that go away: the run goes on, and what is lost is counted."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import recorder
from otelstream.frame import frame_json
from tests.e2e.chains import broken_links
from tests.e2e.programs.filling import FAULT_AT, FRAMES, RESULT
from tests.e2e.programs.made import made_json
from tests.e2e.runs import run_python

SESSIONS: Final = 2
"""Sessions that go to the file at fault: one that is going on, and one after it."""


FULL: Final = ["limit", "full", "full while checkpointing"]
GONE: Final = ["no directory", "no file", "another file"]


@dataclass(frozen=True)
class Fault:
    """What a program says in whose recording something went wrong, and what is left.

    Attributes:
        told: What it says.
        file: The recording at fault.
        numbers: Which frames are stored there.
    """

    told: dict[str, Any]
    file: Path
    numbers: list[int | None]


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A file system of its own that holds 20 MB; None where none can be mounted."""
    path = tmp_path_factory.mktemp("disk") / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.fixture(scope="module", params=[*FULL, *GONE])
def fault(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, small_disk: Path | None
) -> Fault:
    """A recording that meets a fault in the middle: no more room, or it is removed or replaced."""
    name = request.param
    folder = tmp_path_factory.mktemp("fault") / "d"
    if name.startswith("full"):
        if small_disk is None:
            pytest.skip("a small file system cannot be mounted here")
        for left in small_disk.iterdir():
            left.unlink()
        folder = small_disk
    folder.mkdir(exist_ok=True)
    path = folder / "x.duckdb"
    done = run_python(
        ["-W", "ignore", "-m", "tests.e2e.programs.filling", name, str(path)], tmp_path_factory.mktemp("cwd")
    )
    assert done.returncode == 0, done.stderr
    return Fault(json.loads(done.stdout), path, stored(path) if name in FULL else list(range(FAULT_AT)))


def stored(path: Path) -> list[int | None]:
    """Return the numbers of the frames of a recording's only session."""
    with recorder.open(path) as recording:
        (session,) = recording.sessions()
        with recording.connection() as connection:
            assert (session.state, broken_links(connection, session.number)) == ("crashed", [])
        return [frame.seq for frame in recording.frames(session)]


full_only = pytest.mark.parametrize("fault", FULL, indirect=True)


def test_the_program_goes_on(fault: Fault) -> None:
    """It gets every frame and the results of its runs."""
    assert (fault.told["whole"], fault.told["results"]) == (True, [RESULT] * SESSIONS)


def test_it_is_said_once(fault: Fault) -> None:
    """One log line tells that nothing more is recorded there."""
    assert [str(fault.file) in line for line in fault.told["said"]] == [True]


def test_what_is_lost_is_what_was_emitted_and_is_not_stored(fault: Fault) -> None:
    """`losses()` counts the rest of the run and the next one; what was flushed before is not among it."""
    assert fault.told["losses"] == {"recording": SESSIONS * FRAMES - len(fault.numbers)}


def test_recording_elsewhere_is_not_affected(fault: Fault) -> None:
    """A session in another file, which went on before and after the fault, is complete."""
    with recorder.open(fault.told["elsewhere"]) as recording:
        (session,) = recording.sessions()
        lines = [frame_json(frame) for frame in recording.frames(session)]

    assert (session.state, lines) == ("completed", made_json("elsewhere", FRAMES))


@full_only
def test_what_was_committed_stays_readable(fault: Fault) -> None:
    """The frames are a prefix of those emitted, with no less than was flushed."""
    assert (fault.numbers, len(fault.numbers) >= FAULT_AT) == (list(range(len(fault.numbers))), True)


@full_only
def test_what_was_committed_replays(fault: Fault) -> None:
    """A replay yields the frames that are stored, and is cancelled then."""
    replayed = recorder.replay(fault.file)
    numbers = [frame.seq for frame in replayed]

    assert (numbers, replayed.is_cancelled) == (fault.numbers, True)


@pytest.mark.parametrize("fault", ["another file"], indirect=True)
def test_a_file_of_somebody_else_is_left_alone(fault: Fault) -> None:
    """What was put in the place of the recording is still there, and nothing beside it."""
    left = {path.name: path.read_text() for path in fault.file.parent.iterdir()}

    assert left == {"x.duckdb": "not ours", "x.duckdb.wal": "not ours either"}
