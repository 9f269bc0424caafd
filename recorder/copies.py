"""Copies of recordings that are being written, which DuckDB lets nobody else open meanwhile.

The writer is not disturbed: its files are only read. A copy takes the WAL first and then the file, and counts
only if no checkpoint came between them; the other order gives copies that cannot be opened.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otelstream.errors import RecordingError
from recorder.database import close_descriptor
from recorder.names import READING, WALS

HEADERS: Final = 3 * 4_096
"""Bytes at the beginning of a DuckDB file that each checkpoint changes, and nothing else does."""

ATTEMPTS: Final = 25
PAUSE_S: Final = 0.02
_CHUNK: Final = 1 << 20
_SETTLED_NS: Final = 100_000_000  # what changed so shortly before it was looked at may change again unseen


@dataclass(frozen=True, slots=True)
class Look:
    """What a recording looks like from outside: whether it changed, and whether a checkpoint was made.

    Attributes:
        headers: The first bytes of the file.
        size: Of the file, in bytes.
        changed_ns: When the file was last changed, in nanoseconds since the epoch.
        wals: Ending, inode, size and time of change of each WAL beside it.
        settled: Whether that is so long ago that another change would show.
    """

    headers: bytes
    size: int
    changed_ns: int
    wals: tuple[tuple[str, int, int, int], ...]
    settled: bool

    def has_same_file(self, other: Look) -> bool:
        """Tell whether the file, without its WAL, is the same."""
        return (self.headers, self.size, self.changed_ns) == (other.headers, other.size, other.changed_ns)

    def has_same_state(self, other: Look) -> bool:
        """Tell whether no checkpoint was made between the two."""
        mine, others = ({name: inode for name, inode, *_ in look.wals} for look in (self, other))
        return self.headers == other.headers and mine == others


class Copy:
    """A copy of a recording that can be brought up to date again and again.

    Args:
        original: The recording.
        folder: Where to put the copy; the file has the name of the original there.
        descriptor: An open descriptor of the recording, if this very process writes it. It is read and not
            closed: closing any descriptor of a file gives up this process's lock on it.

    Attributes:
        path: Where the copy is.
    """

    def __init__(self, original: Path, folder: Path, descriptor: int | None = None) -> None:
        self.path = folder / original.name
        self._original = original
        self._descriptor = descriptor
        self._copied: Look | None = None

    def renew(self, before_change: Callable[[], object] = lambda: None) -> bool:
        """Copy what has changed since the last time; return whether anything had.

        Args:
            before_change: Called before the copy changes.

        Raises:
            RecordingError: The file changes faster than it can be copied.
            OSError: It is gone or cannot be read, or there is no room for the copy.
        """
        for attempt in range(ATTEMPTS):
            with self._opened() as source:
                before = _look(self._original, source)
                if before == self._copied and before.settled:
                    return False
                before_change()
                complete = self._copy(source, before)
            if complete:
                self._copied = before
                return True
            time.sleep(PAUSE_S * min(attempt + 1, 10))
        raise RecordingError(f"{self._original} changes faster than it can be copied; try again.")

    def forget(self) -> None:
        """Copy everything the next time: the copy has turned out to be no good."""
        self._copied = None

    def _copy(self, source: int, before: Look) -> bool:
        """Copy WAL and file; return whether they belong together."""
        last, self._copied = self._copied, None
        found = {name for name, *_ in before.wals}
        for name in WALS:
            if name not in found:
                Path(f"{self.path}{name}").unlink(missing_ok=True)
            elif not _copy_wal(Path(f"{self._original}{name}"), Path(f"{self.path}{name}")):
                return False
        if last is None or not last.settled or not last.has_same_file(before):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _copy_bytes(source, self.path)
        return _look(self._original, source).has_same_state(before)

    def _opened(self) -> AbstractContextManager[int]:
        return _reading(self._original) if self._descriptor is None else nullcontext(self._descriptor)


def look_at(path: Path) -> Look:
    """Return what a recording that this process does not write looks like. Raises `OSError` if it is gone."""
    with _reading(path) as descriptor:
        return _look(path, descriptor)


def _look(path: Path, descriptor: int) -> Look:
    now, status = time.time_ns(), os.fstat(descriptor)
    wals = []
    for name in WALS:
        with suppress(FileNotFoundError):
            wal = os.stat(f"{path}{name}")
            wals.append((name, wal.st_ino, wal.st_size, wal.st_mtime_ns))
    return Look(
        os.pread(descriptor, HEADERS, 0),
        status.st_size,
        status.st_mtime_ns,
        tuple(wals),
        settled=now - status.st_mtime_ns > _SETTLED_NS,
    )


@contextmanager
def _reading(path: Path) -> Iterator[int]:
    descriptor = os.open(path, READING)
    try:
        yield descriptor
    finally:
        close_descriptor(path, descriptor)


def _copy_wal(source: Path, target: Path) -> bool:
    try:
        descriptor = os.open(source, READING)
    except FileNotFoundError:
        return False  # a checkpoint took it away
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_bytes(descriptor, target)
    finally:
        os.close(descriptor)
    return True


def _copy_bytes(source: int, target: Path) -> None:
    target.unlink(missing_ok=True)  # whoever reads the copy before this one keeps it
    with target.open("wb") as file:
        offset = _copy_in_kernel(source, file.fileno())
        file.seek(offset)
        while piece := os.pread(source, _CHUNK, offset):
            file.write(piece)
            offset += len(piece)


def _copy_in_kernel(source: int, target: int) -> int:
    """Let the kernel copy, which shares blocks where the file system can; return how many bytes it did."""
    done = 0
    if sys.platform == "linux":
        with suppress(OSError):  # another file system, or one that cannot: piece by piece then
            while copied := os.copy_file_range(source, target, 1 << 30, done):
                done += copied
    return done
