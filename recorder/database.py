"""Opening recording files: one writer in this process, readers beside it, and copies of what others write.

DuckDB lets no second process open a file that is being written, and no second database object in one process;
so a reader here borrows the writer's connection, and a reader elsewhere takes a copy.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.migrate import migrated
from recorder.schema import FORMAT_VERSION, STORAGE, statements

_NO_EXTENSIONS: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_SANDBOX: Final = {**_NO_EXTENSIONS, "enable_external_access": "false", "lock_configuration": "true"}


@dataclass(slots=True)
class _Handle:
    """A file that this process has open for writing, and who uses it.

    The last one to leave closes it: a reader may borrow the connection beyond the end of the writer.
    """

    connection: DuckDBPyConnection
    has_writer: bool = True
    readers: int = 0


_lock = threading.RLock()
_written: Final[dict[Path, _Handle]] = {}


def open_for_writing(path: Path, *, patience_s: float = 0.5) -> DuckDBPyConnection:
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
            if not _is_taken(error) or time.monotonic() > deadline:
                raise RecordingError(_why(path, error)) from None
        time.sleep(0.02)


def _attached(path: Path) -> DuckDBPyConnection:
    handle = _written.get(_real(path))
    if handle is not None and handle.has_writer:
        raise RecordingError(f"{path} is already being recorded by this process.")
    if handle is not None:
        handle.has_writer = True
        return handle.connection
    new = _is_new(path)
    connection = duckdb.connect(config=dict(_NO_EXTENSIONS))
    try:
        connection.execute("SET threads = 1; PRAGMA disable_checkpoint_on_shutdown")
        connection.execute(f"ATTACH {_quoted(path)} AS recording ({STORAGE if new else 'READ_WRITE'})")
        connection.execute("USE recording")
        if new:
            _create(connection)
        version = check_format(connection, path)
        connection.execute("PRAGMA enable_checkpoint_on_shutdown")
    except (duckdb.Error, RecordingError):
        connection.close()
        raise
    if version < FORMAT_VERSION:
        connection.close()
        _replace_by_newer(_real(path), version)
        return _attached(path)
    _written[_real(path)] = _Handle(connection)
    return connection


def _replace_by_newer(path: Path, version: int) -> None:
    """Put a recording of the current format in the place of an older one, which nobody can open meanwhile."""
    with (
        tempfile.TemporaryDirectory(prefix=".otelstream-", dir=path.parent) as folder,
        migrated(path, version, Path(folder), "READ_WRITE") as made,
    ):
        shutil.copymode(path, made)
        os.replace(made, path)


def close_after_writing(path: Path) -> None:
    """Checkpoint the file and give it back to other processes, as soon as nobody here reads it.

    Raises:
        RecordingError: The checkpoint failed; what was committed is in the file or its WAL all the same.
    """
    with _lock:
        _written[_real(path)].has_writer = False
        try:
            _close_if_unused(path)
        except duckdb.Error as error:
            raise RecordingError(_why(path, error)) from None


def _close_if_unused(path: Path) -> None:
    handle = _written.get(_real(path))
    if handle is None or handle.has_writer or handle.readers:
        return  # None in a fork, which has forgotten the file
    del _written[_real(path)]
    try:
        handle.connection.execute("USE memory")
        handle.connection.execute("DETACH recording")
    finally:
        handle.connection.close()


def forget_after_fork() -> None:
    """Forget the parent's open files in a forked child, which must neither write nor close them.

    DuckDB would write the parent's file when its objects are destroyed, so they never are: each keeps one
    reference too many.
    """
    global _lock
    _lock = threading.RLock()  # the parent's thread may have held it
    for handle in _written.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle.connection))
    _written.clear()


@contextmanager
def reading(path: Path) -> Iterator[DuckDBPyConnection]:
    """Give a connection whose default schema is the recording, for reading, and close it afterwards.

    A file of unknown origin is opened in DuckDB's sandbox: no file, network or extension is reachable.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, damaged or locked.
    """
    path = path.absolute()
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_connected(path))
            check_format(connection, path)
        except (duckdb.Error, OSError, ValueError) as error:
            raise RecordingError(_why(path, error)) from None
        try:
            yield connection  # of what the caller does with it only DuckDB's errors speak of the file
        except duckdb.Error as error:
            raise RecordingError(_why(path, error)) from None


@contextmanager
def _connected(path: Path) -> Iterator[DuckDBPyConnection]:
    with _lock:
        handle = _written.get(_real(path))
        connection = _opened(path) if handle is None else handle.connection.cursor()
        if handle is not None:
            handle.readers += 1
    try:
        if handle is not None:
            connection.execute("USE recording")
        yield connection
    finally:
        connection.close()
        if handle is not None:
            with _lock:
                handle.readers -= 1
                _close_if_unused(path)


def is_being_written(path: Path) -> bool:
    """Tell whether a process, this one or another, has the recording open for writing."""
    if _real(path) in _written:
        return True
    try:
        _opened(path.absolute()).close()
    except duckdb.Error as error:
        return _is_lock(error)
    return False


@contextmanager
def snapshot(path: Path) -> Iterator[Path]:
    """Give a path that can be read although the file is being written: a copy, if that is another process.

    The copy takes the WAL first and then the file; the other order gives copies that cannot be opened.
    """
    if _real(path) in _written:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="otelstream-") as folder:
        copy = Path(folder) / path.name
        wal = path.with_name(path.name + ".wal")
        if wal.exists():
            shutil.copyfile(wal, copy.with_name(copy.name + ".wal"))
        shutil.copyfile(path, copy)
        yield copy


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Give a path at which a recording can be read, in the current format, whoever writes it.

    That is the recording's own path, or a copy: if another process is writing it, or if its format is older.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged.
    """
    path = path.absolute()
    with ExitStack() as stack:
        live = _real(path) not in _written and is_being_written(path)
        source = stack.enter_context(snapshot(path)) if live else path
        with reading(source) as connection:
            version = check_format(connection, path)
        if version < FORMAT_VERSION:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otelstream-")))
            with migrated(source, version, folder, "READ_ONLY") as made:
                source = made.rename(folder / path.name)
        yield source


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


def _create(connection: DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    connection.execute(statements(f"{FORMAT_VERSION:04}"))
    connection.execute(
        "INSERT INTO header VALUES (?, uuid(), ?, ?, now() AT TIME ZONE 'UTC')",
        [FORMAT_VERSION, metadata.version("otelstream"), duckdb.__version__],
    )
    connection.execute("COMMIT")
    # From here on the WAL holds nothing but appended rows.
    connection.execute("CHECKPOINT recording")


def _is_new(path: Path) -> bool:
    if "\0" in str(path):
        raise RecordingError(f"{str(path)!r} has a NUL byte, which no file name can; choose another path.")
    if path.is_dir():
        raise RecordingError(f"{path} is a directory; name a file in it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size == 0:
        path.unlink()
    return not path.exists()


def _opened(path: Path) -> DuckDBPyConnection:
    return duckdb.connect(path, read_only=True, config=dict(_SANDBOX))


def _real(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path  # no such place can be; opening it says so


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _is_lock(error: Exception) -> bool:
    return "Conflicting lock" in str(error)


def _is_taken(error: Exception) -> bool:
    return _is_lock(error) or "Unique file handle conflict" in str(error)


def _why(path: Path, error: Exception) -> str:
    text = str(error)
    if isinstance(error, OSError):
        return f"{path} cannot be used: {error.strerror or error}; check the path and its permissions."
    if _is_lock(error):
        holder = text.partition("(PID ")[2].partition(")")[0]
        return (
            f"{path} is being written by another process (PID {holder or 'unknown'}); try a file of its own."
        )
    if not os.path.exists(path):  # unlike Path.exists it does not raise for impossible names
        return f"{path} does not exist; check the path."
    if path.is_dir():
        return f"{path} is a directory; name a recording in it."
    if "not a valid DuckDB" in text:
        return f"{path} is no DuckDB file, so no recording; check the path."
    if "Cannot open" in text or "ermission" in text or "Read-only" in text or "read-only" in text:
        return f"{path} cannot be opened: {text.splitlines()[0]}"
    return f"{path} is damaged or unreadable: {text.splitlines()[0]}"
