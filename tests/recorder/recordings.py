"""Recordings made for tests, what is in them, and ways to damage them."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

import recorder
from otelstream.frame import StreamFrame, frame_json
from recorder.session_row import SessionEnd, SessionStart
from recorder.writer import Writer
from tests.conftest import frames_of
from tests.contract.programs import frame
from tests.recorder.test_writer import END, START

FROZEN: Final = Path(__file__).parents[1] / "golden" / "recordings"
NOTICED: Final = datetime(2026, 11, 20, 8, 30, 30)


class Content(NamedTuple):
    """What a session gives: its state, its frames as JSON, its result and error as recorded, its gaps."""

    state: str
    frames: list[str]
    result: str | None
    error: str | None
    gaps: list[tuple[int, int, str]]


def session_id(number: int) -> uuid.UUID:
    """The id of a session, by its number."""
    return uuid.UUID(int=START.session_id.int + number)


def start(number: int) -> SessionStart:
    """How it started; one second after the other."""
    at = START.started_at.replace(second=0) + timedelta(seconds=number)
    return replace(START, session_id=session_id(number), started_at=at)


def end(frames: int, state: str = "completed", **changes: object) -> SessionEnd:
    """How it ended."""
    known = replace(END, state=state, frame_count=frames, frames_dropped=0, redactions=None, result='"done"')
    known = replace(known, error=None, error_type=None, error_message=None)
    return replace(known, **changes)  # type: ignore[arg-type]  # fields by name


def record(
    writer: Writer,
    number: int,
    frames: Sequence[StreamFrame],
    state: str | None = "completed",
    commit_each: int = 10,
) -> None:
    """Record a session in commits of so many frames; without a state it does not end."""
    writer.begin(start(number))
    for ordinal, each in enumerate(frames):
        writer.add(session_id(number), ordinal, ordinal * 1_000, each)
        if (ordinal + 1) % commit_each == 0:
            writer.flush()
    if state is not None:
        writer.end(session_id(number), end(len(frames), state))
    writer.flush()


def tokens(count: int) -> list[StreamFrame]:
    """Token frames of one call."""
    return [frame(number) for number in range(count)]


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A writer that is closed afterwards."""
    writer = Writer(path)
    try:
        yield writer
    finally:
        writer.close()


def finished(path: Path, frames: int = 30) -> Path:
    """A recording of two sessions, a crew and tokens, in commits of ten frames."""
    return _copy(_finish, frames, path)


def killed(path: Path, frames: int = 30) -> Path:
    """What a process leaves that is killed: a session in the file, one in its WAL, and one without an end."""
    return _copy(_kill, frames, path)


def _copy(make: Callable[[Path, int], None], frames: int, path: Path) -> Path:
    for suffix, data in _made(make, frames).items():
        Path(f"{path}{suffix}").write_bytes(data)
    return path


@cache
def _made(make: Callable[[Path, int], None], frames: int) -> dict[str, bytes]:
    """What is made once and then copied, by suffix."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        make(path, frames)
        return {each.removeprefix("x"): data for each, data in bytes_of(path).items()}


def _finish(path: Path, frames: int) -> None:
    with writing(path) as writer:
        record(writer, 0, frames_of("08_method_raises"), "failed")
        record(writer, 1, tokens(frames))


def _kill(path: Path, frames: int) -> None:
    alive = path.with_name(f"alive-{path.name}")
    with writing(alive) as writer:
        record(writer, 0, frames_of("08_method_raises"), "failed")
    with writing(alive) as writer:
        record(writer, 1, tokens(frames))
        record(writer, 2, frames_of("04_crew_streaming")[:20], None)
        for suffix in (".wal", ""):
            shutil.copyfile(f"{alive}{suffix}", f"{path}{suffix}")


def content(path: Path) -> dict[str, Content]:
    """What a recording gives, by session."""
    with recorder.open(path) as recording:
        return {
            session.id: Content(
                session.state,
                [frame_json(each) for each in recording.frames(session)],
                None if session.end is None else session.end.result,
                None if session.end is None else session.end.error,
                [(gap.ordinal, gap.frames, gap.reason) for gap in recording.gaps(session)],
            )
            for session in recording.sessions()
        }


def change(path: Path, *statements: str) -> None:
    """Change a recording as no writer would."""
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def thaw(name: str, folder: Path) -> Path:
    """A frozen recording, unpacked into a folder."""
    for packed in FROZEN.glob(f"{name}.duckdb*.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder / f"{Path(name).name}.duckdb"


def bytes_of(path: Path) -> dict[str, bytes]:
    """A file, and what is beside it under its name, byte for byte."""
    return {each.name: each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*"))}
