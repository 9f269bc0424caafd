"""Recording files that this process writes: one writer per file, and whoever in this process looks at it.

DuckDB lets no second process open a file that is being written, and no second database object in one process;
so a reader here borrows the writer's connection, and a reader elsewhere takes a copy (`recorder.source`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.creation import WRITING, create, folder_beside, is_new, quoted
from recorder.faults import error_for, is_taken
from recorder.migrate import migrated
from recorder.names import real_path
from recorder.schema import FORMAT_VERSION
from recorder.starting import connect

PATIENCE_S: Final = 0.5
"""How long whoever wants to write a file waits for somebody who is reading it, in seconds."""


@dataclass(slots=True)
class Handle:
    """A file that this process has open for writing, and who uses it.

    The last one to leave closes it: a reader may borrow the connection beyond the end of the writer.

    Attributes:
        connection: The writer's connection.
        descriptors: Open descriptors of the file. They are closed after DuckDB's own, because closing any of
            them gives up the lock that keeps other processes from writing the file.
        identity: Device and inode of the file, by which it is known whatever happens to its name.
        abandoned: Whether it is to be closed without touching anything more.
        has_writer: Whether more may be written.
        readers: How many in this process are reading through it.
    """

    connection: DuckDBPyConnection
    identity: tuple[int, int]
    descriptors: list[int] = field(default_factory=list)
    abandoned: bool = False
    has_writer: bool = True
    readers: int = 0


_lock = threading.RLock()
_written: Final[dict[Path, Handle]] = {}
_reading: Final[dict[int, DuckDBPyConnection]] = {}


@contextmanager
def alone() -> Iterator[None]:
    """Keep other threads from opening and closing recordings meanwhile."""
    with _lock:
        yield


def open_for_writing(path: Path, *, patience_s: float = PATIENCE_S) -> DuckDBPyConnection:
    """Open a recording to append to it, making the file and its tables if there is none.

    The file belongs to this process until `close_after_writing`.

    Args:
        path: The file; missing folders above it are made.
        patience_s: How many seconds to wait for somebody who is reading the file.

    Raises:
        RecordingError: The path is no file, not writable, no recording, of a newer format, or is being
            written by another process.
    """
    path = path.absolute()
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with _lock:
                return _attached(path)
        except (duckdb.Error, OSError) as error:
            if not _may_pass(error) or time.monotonic() > deadline:
                raise error_for(path, error) from None
        time.sleep(0.02)


def _may_pass(error: Exception) -> bool:
    """Tell whether the next attempt may succeed: the file is taken, or was removed while it was opened."""
    stale = isinstance(error, OSError) and error.errno in (errno.ESTALE, errno.ENOENT)
    return stale or is_taken(error)


def _attached(path: Path) -> DuckDBPyConnection:
    real = real_path(path)
    handle = _written.get(real)
    if handle is not None and handle.has_writer:
        raise RecordingError(f"{path} is already being recorded by this process.")
    if handle is not None:
        handle.has_writer = True
        return handle.connection
    missing = is_new(path)
    connection = connect(config=WRITING)
    try:
        if missing:
            create(connection, real)
        # The writer checkpoints by itself: after a commit, so that a failure of one is not told of the other.
        connection.execute("SET checkpoint_threshold = '1TB'")
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        identity = _identity(real)
        # The real path, as DuckDB looks for the WAL beside the name that it is given.
        connection.execute(f"ATTACH {quoted(real)} AS recording (READ_WRITE)")
        _expect(real, identity)
        # The file may be anybody's: what it calls a table may be a view that reads other files.
        connection.execute("SET enable_external_access = false")
        connection.execute("USE recording")
        version = check_format(connection, path)
        if version == FORMAT_VERSION:
            connection.execute("PRAGMA enable_checkpoint_on_shutdown")
    except (duckdb.Error, OSError, RecordingError):
        connection.close()
        raise
    if version < FORMAT_VERSION:
        connection.close()
        _replace_by_newer(real, version)
        return _attached(path)
    _written[real] = Handle(connection, identity)
    return connection


def _replace_by_newer(path: Path, version: int) -> None:
    """Put a recording of the current format in the place of an older one, which nobody can open meanwhile."""
    with (
        folder_beside(path) as folder,
        migrated(path, version, folder, "READ_WRITE") as made,
    ):
        shutil.copymode(path, made)
        os.replace(made, path)


def is_in_place(path: Path) -> bool:
    """Tell whether a file that this process writes still has its name: it was not moved or replaced."""
    with _lock:
        handle = _written.get(real_path(path))
    try:
        return handle is None or _identity(real_path(path)) == handle.identity
    except OSError:
        return False


def close_after_writing(path: Path, *, abandoned: bool = False) -> None:
    """Checkpoint the file and give it back to other processes, as soon as nobody here reads it.

    Args:
        path: The file.
        abandoned: Whether to leave out the checkpoint, as the disk is full or the file is not ours any more;
            what was committed stays in the WAL.

    Raises:
        RecordingError: The checkpoint failed; what was committed is in the file or its WAL all the same.
    """
    with _lock:
        handle = _written[real_path(path)]
        handle.has_writer, handle.abandoned = False, handle.abandoned or abandoned
        try:
            _close_if_unused(path)
        except duckdb.Error as error:
            why = str(error).partition("\n")[0]
            raise RecordingError(
                f"{path} cannot be checkpointed, all that was committed is in {path.name}.wal: {why}"
            ) from None


def _close_if_unused(path: Path) -> None:
    handle = _written.get(real_path(path))
    if handle is None or handle.has_writer or handle.readers:
        return  # None in a fork, which has forgotten the file
    del _written[real_path(path)]
    try:
        if handle.abandoned:
            with suppress(duckdb.Error):  # after a fatal error DuckDB refuses all, and checkpoints nothing
                handle.connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        else:
            handle.connection.execute("USE memory")
            handle.connection.execute("DETACH recording")
    finally:
        handle.connection.close()
        for descriptor in handle.descriptors:
            os.close(descriptor)


def keep_open() -> None:
    """Let no open database be destroyed in this process: a thread may be in it that does not come back."""
    for connection in (*(handle.connection for handle in _written.values()), *_reading.values()):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def forget_after_fork() -> None:
    """Forget the parent's open files in a forked child, which must neither write nor close them.

    DuckDB would write the parent's file when its objects are destroyed, or wait for threads that only the
    parent has; so they never are: each keeps one reference too many.
    """
    global _lock
    _lock = threading.RLock()  # the parent's thread may have held it
    keep_open()
    _written.clear()
    _reading.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=forget_after_fork)


def open_for_reading(
    database: str | Path, config: Mapping[str, str], *, read_only: bool
) -> DuckDBPyConnection:
    """Open a database that `close_after_reading` closes, but not in a forked child.

    Raises:
        duckdb.Error: It cannot be opened.
    """
    with _lock:
        connection = connect(database, read_only=read_only, config=config)
        _reading[id(connection)] = connection
        return connection


def close_after_reading(connection: DuckDBPyConnection) -> None:
    """Close what `open_for_reading` opened, unless that was the parent of this process."""
    with _lock:
        if _reading.pop(id(connection), None) is not None:
            connection.close()


@contextmanager
def borrowed(path: Path) -> Iterator[Handle | None]:
    """Give the handle of a file that this process writes, which stays open meanwhile; None for another file.

    Raises:
        duckdb.Error: The writer has closed the file meanwhile, and its checkpoint failed.
    """
    with _lock:
        handle = _written.get(real_path(path))
        if handle is not None:
            handle.readers += 1
    try:
        yield handle
    finally:
        if handle is not None:
            with _lock:
                handle.readers -= 1
                _close_if_unused(path)


def own_descriptor(handle: Handle, path: Path) -> int:
    """Return a descriptor for reading a file that this process writes; it is closed with the handle.

    Raises:
        OSError: The file is gone, or there are too many open files.
    """
    with _lock:
        if not handle.descriptors:
            handle.descriptors.append(os.open(real_path(path), os.O_RDONLY))
        return handle.descriptors[0]


def close_descriptor(path: Path, descriptor: int) -> None:
    """Close a descriptor of a recording; with its handle, if this process has begun to write the file."""
    with _lock:
        handle = _written.get(real_path(path))
        if handle is None:
            os.close(descriptor)
        else:
            handle.descriptors.append(descriptor)


def check_format(connection: DuckDBPyConnection, path: Path) -> int:
    """Return the format of an open recording, one that this version knows.

    Raises:
        RecordingError: It is not.
    """
    try:
        row = connection.execute("SELECT format_version FROM header").fetchone()
    except duckdb.CatalogException:
        row = None
    except duckdb.BinderException:
        row = None
    if row is None or not isinstance(row[0], int):
        raise RecordingError(f"{path} is a DuckDB database but no otelstream recording; choose another file.")
    if row[0] > FORMAT_VERSION:
        raise RecordingError(
            f"{path} has recording format {row[0]}, newer than the {FORMAT_VERSION} that this version reads;"
            " upgrade otelstream."
        )
    return row[0]


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _expect(path: Path, identity: tuple[int, int]) -> None:
    if _identity(path) != identity:
        raise OSError(errno.ESTALE, "it was replaced meanwhile")
