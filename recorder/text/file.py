"""A text recording's file, open for a moment at a time, and what is known of it so far."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from otelstream.errors import FrameError, RecordingError
from recorder.batches import BATCH_BYTES
from recorder.names import real_path, why_no_file
from recorder.session_row import RecordedSession, StoredFrame
from recorder.text.index import MARKED, Index, IndexedSession, Line, damaged, frame_lines, lines_from
from recorder.text.locks import is_locked
from recorder.text.parsing import said_by

_COMPARED: Final = 256
"""How many bytes before the end of what is known have to be the same in a file that has only grown."""


class State(NamedTuple):
    """What a file is known by: device, inode, size in bytes, and when it was changed (ns since the epoch)."""

    device: int
    inode: int
    size: int
    changed_ns: int


class TextFile:
    """A text recording's file. What is added to it is read when it is opened the next time.

    Args:
        path: The file, as it was named.

    Attributes:
        live: Whether somebody was writing it when it was last opened.
        state: What it was like then.
        index: Where its sessions stand.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.real = real_path(path)
        self.live = False
        self.state: State | None = None
        self.index = Index(path)
        self._end = b""
        self._lock = threading.Lock()
        self._process = os.getpid()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Give the file, open for reading, with an index that knows all of it.

        Raises:
            RecordingError: It is missing, no text recording, of a later version, or damaged.
        """
        if (unfit := why_no_file(self.path)) is not None:
            raise RecordingError(unfit)
        try:
            # Looked at twice, as somebody may begin or end meanwhile: what the index has is not crashed then.
            is_live = is_locked(self.real)
            with open(self.real, "rb") as file:
                with self._alone():
                    self._look(file)
                self.live = is_live or is_locked(self.real)
                yield file
        except OSError as error:
            from recorder.faults import error_for

            raise error_for(self.path, error) from None

    def indexed(self, session: RecordedSession) -> IndexedSession:
        """Return where a session stands that was found before.

        Raises:
            RecordingError: It stands there no more, or its outcome tells of another number of frames.
        """
        found = self.index.sessions[session.number : session.number + 1]
        if not found or found[0].start != session.start:
            raise RecordingError(f"{self.path} has changed: session {session.id} is gone; open it again.")
        end, place = found[0].end, found[0].ended_at
        if end is not None and place is not None and end.frame_count != found[0].frames:
            what = f"its session has {found[0].frames} frames, and frame_count says {end.frame_count}"
            raise damaged(self.path, place, what)
        return found[0]

    def lines(self, file: BinaryIO, session: IndexedSession, first: int, until: int) -> Iterator[Line]:
        """Yield the lines of a session's frames from one ordinal up to another.

        Raises:
            RecordingError: A line between them is damaged, or the file has changed meanwhile.
        """
        mark = first // MARKED
        if first >= until:
            return
        lines = frame_lines(lines_from(file, session.marks[mark]), self.path, session)
        ordinal = mark * MARKED
        for line in islice(lines, until - ordinal):
            if ordinal >= first:
                yield line
            ordinal += 1
        if ordinal < until:
            raise RecordingError(f"{self.path} has changed while it was read; read it again.")

    def frame(self, line: Line) -> StoredFrame:
        """Return the frame of a line.

        Raises:
            RecordingError: The line is damaged.
        """
        try:
            said = said_by(line.text)
        except FrameError as error:
            raise damaged(self.path, line.place, str(error)) from None
        if not isinstance(said, StoredFrame):
            raise damaged(self.path, line.place, "it has no frame")
        return said

    def _alone(self) -> threading.Lock:
        """Return what keeps other threads from changing the index meanwhile."""
        if self._process != os.getpid():  # a fork: the parent's threads may have held it, half-way through
            self._process, self._lock = os.getpid(), threading.Lock()
            self.state, self.index = None, Index(self.path)
        return self._lock

    def _look(self, file: BinaryIO) -> None:
        found = os.fstat(file.fileno())
        state = State(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if state == self.state:
            return
        if self.state is None or not self._has_grown(file, self.state, state):
            self.index = Index(self.path)
        self.state = None
        self.index.extend(file)
        end = self.index.end.byte
        file.seek(max(0, end - _COMPARED))
        self._end = file.read(min(end, _COMPARED))
        self.state = state

    def _has_grown(self, file: BinaryIO, before: State, now: State) -> bool:
        """Tell whether nothing but an addition was made to the file."""
        if before[:2] != now[:2] or now.size <= before.size:
            return False
        file.seek(self.index.end.byte - len(self._end))
        return file.read(len(self._end)) == self._end


def fitting(lines: Iterator[Line]) -> list[Line]:
    """Return the next lines, of which all but the first have no more bytes than a batch may have."""
    taken: list[Line] = []
    size = 0
    for line in lines:
        taken.append(line)
        size += len(line.text)
        if size >= BATCH_BYTES:
            break
    return taken
