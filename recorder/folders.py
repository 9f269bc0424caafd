"""Folders for a while, each of which shows whether its process lives, so that others remove what a kill left.

A lock says so, which the system gives up with the process; a number of a process may be another's by now.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_OWNER: Final = "owner"
_locks: Final[dict[Path, int]] = {}


def make_folder(prefix: str, where: Path) -> Path:
    """Return a new folder of this process, and remove those of the same kind whose processes are dead.

    Raises:
        OSError: It cannot be made.
    """
    remove_dead(prefix, where)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=where))
    with suppress(OSError):  # a file system without locks: nobody else will remove it
        _lock(folder)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder that this process made, and what is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if (descriptor := _locks.pop(folder, None)) is not None:
        os.close(descriptor)


def remove_dead(prefix: str, where: Path) -> None:
    """Remove the folders of a kind whose processes are dead. Nothing happens where that cannot be done."""
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and _is_dead(Path(entry.path)):
                shutil.rmtree(entry.path, ignore_errors=True)


def _lock(folder: Path) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    # It gets its name when it is locked, as without a lock its process is taken for dead.
    descriptor = os.open(folder / "new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(folder / "new", folder / _OWNER)
    except OSError:
        os.close(descriptor)
        os.unlink(folder / "new")
        raise
    _locks[folder] = descriptor


def _is_dead(folder: Path) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl

    with suppress(OSError):
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        descriptor = os.open(folder / _OWNER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
        return True
    return False
