"""Who writes a text recording: a lock on its file that the system gives up with the process.

It is a lock of the open file and not of the process, so that reading the file by other means does not end it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from otelstream.errors import RecordingError
from recorder.names import READING

_TAKEN: Final = (errno.EWOULDBLOCK, errno.EACCES)
_held: Final[dict[tuple[int, int], int]] = {}


def lock(descriptor: int, path: Path) -> None:
    """Take the lock of a file that is open for writing, until `unlock`.

    Raises:
        RecordingError: Somebody else writes it.
        OSError: It cannot be locked.
    """
    identity = identity_of(descriptor)
    if identity in _held:
        raise RecordingError(f"{path} is already being recorded by this process.")
    if not _locked(descriptor, exclusively=True):
        raise RecordingError(f"{path} is being written by another process; try a file of its own.", "taken")
    _held[identity] = descriptor


def unlock(descriptor: int) -> None:
    """Give up the lock and close the file, unless that was the parent of this process."""
    for identity, held in list(_held.items()):
        if held == descriptor:
            del _held[identity]
            _unlock(descriptor)
            os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep everybody from writing a text recording meanwhile.

    Raises:
        RecordingError: Somebody writes it.
        OSError: It is missing, or cannot be locked.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        lock(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield
    finally:
        unlock(descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether a process, this one or another, writes a text recording.

    Raises:
        OSError: The file is missing or may not be read.
    """
    descriptor = os.open(path, READING)
    try:
        if identity_of(descriptor) in _held:
            return True
        return not _locked(descriptor, exclusively=False)
    except OSError:
        return False  # a file system without locks, where nobody could write it
    finally:
        _unlock(descriptor)
        os.close(descriptor)


def identity_of(file: int | Path) -> tuple[int, int]:
    """Return device and inode of a file, by which it is known whatever happens to its name."""
    found = os.stat(file)
    return found.st_dev, found.st_ino


def _locked(descriptor: int, *, exclusively: bool) -> bool:
    if sys.platform == "win32":
        return True  # nobody is kept out there
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _unlock(descriptor: int) -> None:
    """Give up a lock also where a child that was forked just now has the open file as well."""
    if sys.platform == "win32":
        return
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _forget() -> None:
    """Close the parent's files in a forked child: the parent keeps their locks, and they end with it."""
    while _held:
        os.close(_held.popitem()[1])


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
