"""Text recordings made for tests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from otelstream.frame import StreamFrame
from recorder.session_row import StoredGap
from recorder.text.lines import frame_line, header_line, outcome_line, session_line
from recorder.text.writer import TextWriter
from tests.contract.programs import frame
from tests.recorder.recordings import NOTICED, end, session_id, start

GAP = StoredGap(3, "queue_full", NOTICED)


def frames(count: int, first: int = 0) -> list[StreamFrame]:
    """Token frames."""
    return [frame(number) for number in range(first, first + count)]


def text_of(number: int, count: int, state: str | None = "completed") -> bytes:
    """A session as text, its frames a microsecond after each other; without a state it has no end."""
    lines = [header_line(start(number)), *lines_of(count)]
    return b"".join([*lines, *([] if state is None else [outcome_line(end(count, state))])])


def lines_of(count: int, first: int = 0) -> list[bytes]:
    """The lines of frames."""
    return [frame_line(each, (first + at) * 1_000) for at, each in enumerate(frames(count, first))]


def belonging_to(number: int) -> bytes:
    """The line that says that what follows belongs to a session."""
    return session_line(session_id(number))


def written(path: Path, *counts: int) -> Path:
    """A text recording of sessions that have so many frames each."""
    with closing(TextWriter(path)) as writer:
        for number, count in enumerate(counts):
            add(writer, number, frames(count))
            writer.end(session_id(number), end(count))
            writer.flush()
    return path


def add(writer: TextWriter, number: int, some: Sequence[StreamFrame]) -> None:
    """Begin a session and add frames to it, and commit."""
    writer.begin(start(number))
    for ordinal, each in enumerate(some):
        writer.add(session_id(number), ordinal, ordinal * 1_000, each)
    writer.flush()
