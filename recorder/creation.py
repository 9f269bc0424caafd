"""A recording without sessions, and what DuckDB is told wherever it opens one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.folders import make_folder, remove_folder
from recorder.names import why_no_file, why_unfit
from recorder.schema import FORMAT_VERSION, STORAGE, statements

NO_EXTENSIONS: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}

WRITING: Final = {**NO_EXTENSIONS, "threads": "1"}
"""With more threads DuckDB 1.x aborts a forked child at its exit."""


BESIDE: Final = ".otelstream-"
"""What the names of folders begin with in which recordings are made, beside the place where they shall be."""

_tables = b""
"""The first recording that this process has made, as its tables can be copied in a tenth of the time."""


def create(connection: DuckDBPyConnection, path: Path) -> None:
    """Make an empty recording. It gets its name when it is whole, so that a kill leaves no half of one.

    Not thread-safe.

    Args:
        connection: Any; a new one takes half of the time that all of this takes.
        path: The file to make.

    Raises:
        duckdb.Error: It cannot be written.
        OSError: The folder cannot.
    """
    global _tables
    with folder_beside(path) as folder:
        made = folder / "new"
        connection.execute(f"ATTACH {quoted(made)} AS recording ({STORAGE}); USE recording")
        _make_tables(connection, folder / "tables")
        connection.execute(
            "INSERT INTO header VALUES (?, uuid(), ?, ?, now() AT TIME ZONE 'UTC')",
            [FORMAT_VERSION, metadata.version("otelstream"), duckdb.__version__],
        )
        # Checkpointed when it is detached: from here on the WAL holds nothing but appended rows.
        connection.execute("USE memory; DETACH recording")
        _tables = _tables or made.read_bytes()
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another process was faster; it has the file, or leaves it to us
        except OSError:  # a file system without links
            _rename_alone(made, path)


def _rename_alone(made: Path, path: Path) -> None:
    """Give a file its name, unless there is one; of several processes that do so one at a time."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        if sys.platform != "win32":
            import fcntl

            with suppress(OSError):  # a file system without locks either
                fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists():
            made.rename(path)
    finally:
        os.close(folder)


def _make_tables(connection: DuckDBPyConnection, copy: Path) -> None:
    """Make tables and views, with their comments, of which there are hundreds."""
    if not _tables:
        connection.execute(f"BEGIN; {statements(f'{FORMAT_VERSION:04}')}; COMMIT")
        return
    copy.write_bytes(_tables)
    connection.execute(f"ATTACH {quoted(copy)} AS tables (READ_ONLY)")
    connection.execute("COPY FROM DATABASE tables TO recording (SCHEMA); DETACH tables")


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Give a folder on the same file system, and remove it.

    A `TemporaryDirectory` would be removed by the interpreter's exit, before our thread has flushed.
    """
    folder = make_folder(BESIDE, path.parent)
    try:
        yield folder
    finally:
        remove_folder(folder)


def is_new(path: Path) -> bool:
    """Tell whether a recording has to be made at a path; make the folders above it, and remove an empty file.

    Raises:
        RecordingError: No file can be there.
        OSError: The folders cannot be made.
    """
    make_place(path)
    if path.exists() and path.stat().st_size == 0:
        path.unlink()
    return not path.exists()


def make_place(path: Path) -> None:
    """Make the folders above a recording that shall be written.

    Raises:
        RecordingError: No file can be there.
        OSError: The folders cannot be made.
    """
    if (unfit := why_unfit(path) or why_no_file(path)) is not None:
        raise RecordingError(unfit)
    if path.is_dir():
        raise RecordingError(f"{path} is a directory; name a file in it.")
    path.parent.mkdir(parents=True, exist_ok=True)


def quoted(path: Path) -> str:
    """Return a path as a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
