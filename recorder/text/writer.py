"""Sessions and frames into a text recording: lines are buffered, and appended together by `flush`.

Not thread-safe and never slow on purpose: its caller owns the thread and decides when to commit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from otelstream.errors import RecordingError
from otelstream.frame import FrameLike
from recorder.creation import make_place
from recorder.database import PATIENCE_S
from recorder.faults import error_for
from recorder.session_row import SessionEnd, SessionStart, SpanRow, StoredGap
from recorder.text.index import Index, IndexedSession
from recorder.text.lines import frame_line, gap_line, header_line, outcome_line, session_line
from recorder.text.locks import identity_of, lock, unlock
from recorder.text.parsing import offset_of

_PAUSE_S: Final = 0.02


class TextWriter:
    """Appends to one text recording, as `recorder.writer.Writer` does to a database.

    Opening it makes the file if there is none. What a process that died left behind the last whole line is
    cut off, and its sessions without an outcome are given one: `crashed`.

    Args:
        path: The file.
        patience_s: How many seconds to wait for somebody else who writes it.

    Raises:
        RecordingError: The path is no file, not writable, no text recording, damaged, of a later version, or
            is being written by another process.
    """

    keeps_spans: Final = False

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.path = path.absolute()
        self._sessions: dict[UUID, _Session] = {}
        self._current: UUID | None = None
        deadline = time.monotonic() + patience_s
        while True:
            try:
                self._descriptor = _opened(self.path)
                break
            except OSError as error:
                raise error_for(self.path, error) from None
            except RecordingError as error:
                if error.fault != "taken" or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_S)
        try:
            self._size = self._taken_over()
        except BaseException:
            self.close()
            raise

    @property
    def pending(self) -> int:
        """Frames that were added and are not committed yet."""
        return sum(session.settled + len(session.frames) for session in self._sessions.values())

    def begin(self, start: SessionStart) -> None:
        """Add the line with which a session begins; what else is added of it comes after this."""
        self._sessions[start.session_id] = _Session(lines=[header_line(start)], is_new=True)

    def add(self, session_id: UUID, ordinal: int, offset_ns: int, frame: FrameLike) -> None:
        """Add a frame; see `recorder.writer.Writer.add`."""
        encode, add = self.adding_to(session_id)
        add(encode(frame, ordinal, offset_ns))

    def adding_to(self, session_id: UUID) -> tuple[Callable[..., bytes], Callable[[bytes], None]]:
        """Return what makes the line of a frame of a session, and what adds it to the next commit."""
        return _encode, self._sessions[session_id].frames.append

    def add_gap(self, session_id: UUID, frames: int, reason: str, noticed_at: datetime) -> None:
        """Say that frames are missing between the last frame that was added and the next one."""
        self._sessions[session_id].add(gap_line(StoredGap(frames, reason, noticed_at)))

    def add_spans(self, session_id: UUID, spans: Iterable[SpanRow]) -> None:
        """Do nothing: spans follow from the frames."""

    def end(self, session_id: UUID, end: SessionEnd) -> None:
        """Add the line with which a session ends; nothing of it comes after this."""
        session = self._sessions[session_id]
        session.add(outcome_line(end))
        session.has_ended = True

    def flush(self) -> bool:
        """Commit everything added so far; then it survives the death of the process, and that of the machine.

        Returns:
            Whether there was anything to commit.

        Raises:
            RecordingError: The commit failed (a full disk, an I/O error), or the file is not there any more.
                Nothing of the batch is stored.
        """
        text = b"".join(self._taken())
        if not text:
            return False
        if not self.is_in_place:
            raise RecordingError(
                f"{self.path} was removed or replaced while it was recorded; nothing more goes there.",
                "missing",
            )
        self._commit(text)
        return True

    def checkpoint(self) -> None:
        """Do nothing: what was committed is in the file."""

    @property
    def is_in_place(self) -> bool:
        """Whether the file still has its name: it was not moved or replaced."""
        try:
            return identity_of(self.path) == identity_of(self._descriptor)
        except OSError:
            return False

    def close(self, *, abandoned: bool = False) -> None:  # noqa: ARG002  as that of `Writer`
        """Give the file back to other processes; what was not flushed is not stored."""
        unlock(self._descriptor)

    def _commit(self, text: bytes) -> None:
        try:
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise RecordingError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                error_for(self.path, error).fault,
            ) from None
        self._size += len(text)

    def _taken(self) -> Iterable[bytes]:
        """Yield the lines that wait, those of one session together, and forget sessions that have ended."""
        for session_id, session in list(self._sessions.items()):
            lines = session.take()
            if lines and not session.is_new and session_id != self._current:
                yield session_line(session_id)
            if lines:
                self._current, session.is_new = session_id, False
            yield from lines
            if session.has_ended:
                del self._sessions[session_id]
                self._current = None

    def _taken_over(self) -> int:
        """Bring a file that another process has left to its end; return its size."""
        index = Index(self.path)
        with open(self._descriptor, "rb", closefd=False) as file:
            index.extend(file)
            size = file.seek(0, os.SEEK_END)
            ends = [_crash(file, session) for session in index.sessions if session.end is None]
            last = b"\n" if size == len(index.torn) else os.pread(self._descriptor, 1, size - 1)
        self._size = size
        if index.torn:
            self._size = size - len(index.torn)
            os.ftruncate(self._descriptor, self._size)
        elif last != b"\n":
            self._commit(b"\n")
        if ends:
            self._commit(b"".join(ends))
        return self._size


@dataclass(slots=True)
class _Session:
    """What waits of a session for the next commit.

    Attributes:
        lines: Lines, those of frames only where another line follows them.
        settled: How many of them are frames.
        frames: Lines of the frames after them; always the same list, as `adding_to` gives it away.
        is_new: Whether its header is among them.
        has_ended: Whether its outcome is.
    """

    lines: list[bytes]
    is_new: bool
    settled: int = 0
    frames: list[bytes] = field(default_factory=list)
    has_ended: bool = False

    def add(self, line: bytes) -> None:
        """Add a line that is no frame's."""
        self._settle()
        self.lines.append(line)

    def take(self) -> list[bytes]:
        """Return all lines, and forget them."""
        self._settle()
        lines, self.lines, self.settled = self.lines, [], 0
        return lines

    def _settle(self) -> None:
        self.lines += self.frames
        self.settled += len(self.frames)
        self.frames.clear()


def _encode(frame: FrameLike, ordinal: int, offset_ns: int, like: object = None) -> bytes:  # noqa: ARG001  as that of a database
    return frame_line(frame, offset_ns)


def _opened(path: Path) -> int:
    """Open a file for appending, made if it is missing, and lock it."""
    make_place(path)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        try:
            lock(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        with suppress(OSError):
            if identity_of(path) == identity_of(descriptor):
                return descriptor
        unlock(descriptor)  # it was removed meanwhile


def _crash(file: BinaryIO, session: IndexedSession) -> bytes:
    """Return the outcome of a session whose process died, behind a line that says whose it is."""
    start = session.start
    offset_ns = 0
    if session.last is not None:
        file.seek(session.last.byte)
        offset_ns = offset_of(file.readline()) or 0
    end = SessionEnd(
        ended_at=start.started_at + timedelta(microseconds=offset_ns // 1_000),
        state="crashed",
        frame_count=session.frames,
        frames_dropped=sum(gap.frames for gap in session.gaps),
        trace_id=None,
        result=None,
        error_type=None,
        error_message=None,
        error=None,
    )
    return session_line(start.session_id) + outcome_line(end)
