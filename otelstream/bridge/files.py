"""The recording files that are open in this process: one by name, or one of its own in a directory.

A directory gets `YYYY-MM-DD/host-pid-….duckdb`; a file that has become old or big takes no more sessions, and
is closed when its last session has ended, so that no session is ever split.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from otelstream.bridge.attempts import Attempts
from otelstream.errors import RecordingError
from recorder.writer import Writer

NOTICEABLE_S: Final = 0.1
BACK_OFF_S: Final = 5.0
"""How long a file is left alone once opening it took a noticeable time and failed, in seconds."""

STOPPED_S: Final = 60.0
"""How long nothing is recorded to a place where a commit failed, in seconds."""

IDLE_S: Final = 10.0
"""How long a directory's file stays open without a session, in seconds."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session shall be recorded.

    Attributes:
        path: A file, or a directory.
        is_directory: Which of them.
    """

    path: Path
    is_directory: bool


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a directory's file takes no more sessions: at that size in bytes, or that age in seconds."""

    size: int
    age_s: float


class RecordingFile:
    """A recording that sessions of this process share.

    Attributes:
        users: Sessions that are being recorded into it.
        broken: Whether a commit failed, so that nothing more goes into it.
        opened_at: Monotonic time of its first opening, in seconds.
        left_at: Monotonic time at which a session last ended, in seconds.
    """

    def __init__(self, target: Target, path: Path) -> None:
        self.target = target
        self.path = path
        self.users = 0
        self.broken = False
        self.opened_at = self.left_at = time.monotonic()
        self._writer: Writer | None = None

    @property
    def writer(self) -> Writer:
        """The open writer.

        Raises:
            RecordingError: The file is closed.
        """
        if self._writer is None:
            raise RecordingError(f"{self.path} is not being recorded.")
        return self._writer

    @property
    def pending(self) -> int:
        """Frames that are not committed yet."""
        return 0 if self._writer is None else self._writer.pending

    @property
    def size(self) -> int:
        """Bytes that it takes on the disk, its WAL included."""
        return sum(part.stat().st_size for part in (self.path, _wal(self.path)) if part.exists())

    def open(self) -> None:
        """Open the file unless it is open. Raises `RecordingError` if it cannot be written."""
        if self._writer is None:
            self._writer = Writer(self.path)

    def flush(self) -> None:
        """Commit. Raises `RecordingError` if that fails; what was pending is lost then."""
        if self._writer is not None:
            self._writer.flush()

    def checkpoint(self) -> None:
        """Move what was committed into the file, if it has become much. Raises `RecordingError`."""
        if self._writer is not None:
            self._writer.checkpoint()

    def close(self) -> None:
        """Give the file back to other processes."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def abandon(self) -> None:
        """Give the file up, as a commit failed."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(abandoned=True)


def target_of(record: str | os.PathLike[str]) -> Target:
    """Return what a `record` argument names.

    A directory is what is one, what ends in a separator, and what is no file and has no suffix.
    """
    text = os.fspath(record)
    try:
        # Links and `..` are resolved, as two names of one file must share its one writer.
        path = Path(text).resolve()
        is_directory = path.is_dir() or (
            not path.exists() and (text.endswith(("/", os.sep)) or not path.suffix)
        )
    except (OSError, RuntimeError, ValueError):
        return Target(
            Path(text), is_directory=False
        )  # no such place can be; opening it fails, and is counted
    return Target(path, is_directory)


class RecordingFiles:
    """One writer per file, shared by the sessions that record into it.

    Args:
        attempt: Runs what may fail.
        rotation: When a directory's file takes no more sessions.
    """

    def __init__(self, attempt: Attempts, rotation: Rotation) -> None:
        self._attempt = attempt
        self._rotation = rotation
        self._files: dict[Path, RecordingFile] = {}
        self._current: dict[Path, RecordingFile] = {}
        self._held_until: dict[Path, float] = {}

    def __iter__(self) -> Iterator[RecordingFile]:
        return iter(list(self._files.values()))

    def use(self, target: Target) -> RecordingFile | None:
        """Return the file for a session, open for writing; None if it cannot be, or could not be just now.

        Waiting for a file that somebody else holds delays every session of the process, so it is not tried
        again for each.
        """
        file = self._current.get(target.path) if target.is_directory else self._files.get(target.path)
        if file is None or (target.is_directory and self._is_full(file)):
            path = new_path(target.path) if target.is_directory else target.path
            file = RecordingFile(target, path)
        if file.path not in self._files and not self._opened(file):
            return None
        file.users += 1
        return file

    def commit(self, file: RecordingFile) -> bool:
        """Commit a file; if that fails it is given up, what was pending is counted, and False returned."""
        committed = self._attempt("recording", file.pending, file.flush)
        if committed and self._attempt("recording", 0, file.checkpoint):
            return True
        self._files.pop(file.path, None)
        self._current.pop(file.target.path, None)
        file.broken = True
        self._held_until[file.target.path] = time.monotonic() + STOPPED_S
        self._attempt("recording", 0, file.abandon)
        return False

    def leave(self, file: RecordingFile) -> None:
        """Take note that one session is done with a file; the last one closes it, if it was named."""
        file.users -= 1
        file.left_at = time.monotonic()
        if not file.broken and self.commit(file) and file.users == 0 and not file.target.is_directory:
            self._close(file)

    def tidy(self) -> None:
        """Close the files of directories that no session uses and that are old, big, or idle."""
        now = time.monotonic()
        for file in self:
            is_free = file.target.is_directory and not file.users
            if is_free and (self._is_full(file) or now - file.left_at > IDLE_S):
                self._close(file)

    def close(self) -> None:
        """Close the files that no session uses."""
        for file in self:
            if not file.users:
                self._close(file)

    def _is_full(self, file: RecordingFile) -> bool:
        return file.size > self._rotation.size or time.monotonic() - file.opened_at > self._rotation.age_s

    def _opened(self, file: RecordingFile) -> bool:
        now, place = time.monotonic(), file.target.path
        if now < self._held_until.get(place, 0.0):
            return False
        if self._attempt("recording", 0, file.open):
            self._files[file.path] = file
            if file.target.is_directory:
                self._current[place] = file
            self._held_until.pop(place, None)
            return True
        if time.monotonic() - now > NOTICEABLE_S or file.target.is_directory:
            self._held_until[place] = time.monotonic() + BACK_OFF_S
        return False

    def _close(self, file: RecordingFile) -> None:
        self._files.pop(file.path, None)
        self._attempt("recording", 0, file.close)


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def new_path(directory: Path) -> Path:
    """Return a path for a new file of this process in a directory: by day, host, process and time (UTC)."""
    now = datetime.now(timezone.utc)
    host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()) or "host"
    # Containers share host names and process ids; the random part keeps them apart.
    name = f"{host}-{os.getpid()}-{now:%H%M%S}-{os.urandom(3).hex()}.duckdb"
    return directory / f"{now:%Y-%m-%d}" / name
