"""Writing a recording in either of its forms, which its name tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from otelstream.frame import FrameLike
from recorder.database import PATIENCE_S
from recorder.names import is_text
from recorder.session_row import SessionEnd, SessionStart, SpanRow
from recorder.text.writer import TextWriter
from recorder.writer import Writer


class AnyWriter(Protocol):
    """What appends to a recording; see `recorder.writer.Writer`."""

    @property
    def keeps_spans(self) -> bool:
        """Whether spans are stored."""

    @property
    def pending(self) -> int:
        """Frames that were added and are not committed yet."""

    @property
    def is_in_place(self) -> bool:
        """Whether the file still has its name: it was not moved or replaced."""

    def begin(self, start: SessionStart) -> None:
        """Add how a session started; what else is added of it comes after this."""

    def add(self, session_id: UUID, ordinal: int, offset_ns: int, frame: FrameLike) -> None:
        """Add a frame."""

    def adding_to(self, session_id: UUID) -> tuple[Callable[..., Any], Callable[[Any], None]]:
        """Return what encodes a frame of a session, and what adds that to the next commit."""

    def add_gap(self, session_id: UUID, frames: int, reason: str, noticed_at: datetime) -> None:
        """Say that frames are missing between the last frame that was added and the next one."""

    def add_spans(self, session_id: UUID, spans: Iterable[SpanRow]) -> None:
        """Add spans that have ended, where they are kept."""

    def end(self, session_id: UUID, end: SessionEnd) -> None:
        """Add how a session ended; nothing of it comes after this."""

    def flush(self) -> bool:
        """Commit everything added so far; return whether it was anything. Raises `RecordingError`."""

    def checkpoint(self) -> None:
        """Tidy up after commits, if it is time. Raises `RecordingError` if that fails."""

    def close(self, *, abandoned: bool = False) -> None:
        """Give the file back to other processes; what was not flushed is not stored."""


def writer_of(path: Path, *, patience_s: float = PATIENCE_S) -> AnyWriter:
    """Open a recording for writing, made if it is missing.

    Args:
        path: The file; one that ends in `.jsonl` is text, every other one a database.
        patience_s: How many seconds to wait for somebody who has it open.

    Raises:
        RecordingError: The file cannot be written.
    """
    return (TextWriter if is_text(path) else Writer)(path, patience_s=patience_s)
