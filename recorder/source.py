"""One file of a recording, opened for reading in whatever state it is: at rest, being written, or older."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.copies import Copy, Look, look_at
from recorder.database import (
    Handle,
    borrowed,
    check_format,
    close_after_reading,
    open_for_reading,
    own_descriptor,
)
from recorder.faults import error_for, is_damage, is_lock, is_taken
from recorder.locks import is_being_written
from recorder.migrate import migrated
from recorder.names import real_path
from recorder.sandbox import CONFINED, Sandbox, remove
from recorder.schema import FORMAT_VERSION

HELD_BYTES: Final = 500_000_000
"""Bigger files are not copied for a user's query: they are open, and kept from writers, while it runs."""

ATTEMPTS: Final = 5
PAUSE_S: Final = 0.05


class Source:
    """One file of a recording.

    A file that another process writes is read from a copy, made when that turns out; a file that this process
    writes, through the writer's connection; a file of an older format, from a copy in the current one.

    Args:
        path: The file.
        sandbox: What opens it, and keeps the copies.

    Attributes:
        path: The file, as it was named.
        real: The same with links resolved.
        live: Whether it was being written when it was last looked at.
        format: The format that it has itself, whatever it is read as; 0 before it is opened.
    """

    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        self.path = path
        self.live = False
        self.format = 0
        self.real = real_path(path)
        self._sandbox = sandbox
        self._copy: Path | None = None
        self._renewable: Copy | None = None
        self._seen: Look | None = None

    def refresh(self) -> bool:
        """Look whether the file has changed since the last time; if so it is opened anew when it is read."""
        with borrowed(self.real) as handle:
            if handle is not None:
                return True
        try:
            seen: Look | None = look_at(self.real)
        except OSError:
            seen = None  # reading it says so
        changed = seen is None or not seen.settled or seen != self._seen
        self._seen = seen
        if changed or self.live:
            self._copy = None  # a process may have died without changing its file
        return changed

    @property
    def place(self) -> Path:
        """Where it is read when it has been opened, unless this process writes it."""
        return self._copy or self.real

    @contextmanager
    def connection(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection whose default schema is the recording, for a short query of our own.

        Raises:
            RecordingError: The file is missing, no recording, of a newer format, or damaged, which may turn
                out while the query runs.
        """
        with ExitStack() as stack:
            try:
                connection = self._connected(stack)
            except (duckdb.Error, OSError, ValueError) as error:
                raise error_for(self.path, error) from None
            try:
                yield connection
            except duckdb.Error as error:
                raise error_for(self.path, error) from None

    @contextmanager
    def opened(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection for a user's queries, in a database of its own that can reach nothing else.

        The file is copied for it, as whoever wants to write it must not wait for a query of any length.

        Raises:
            RecordingError: The file cannot be read, also where that turns out while the query runs.
            duckdb.Error: The query is wrong.
        """
        with ExitStack() as stack:
            connection = self._database(stack)
            try:
                yield connection
            except duckdb.Error as error:
                if not is_damage(error):
                    raise
                raise error_for(self.path, error) from None

    @contextmanager
    def readable(self) -> Iterator[Path]:
        """Give a path at which DuckDB can open the recording for reading: its own, or that of a copy.

        Raises:
            RecordingError: The file is missing, no recording, of a newer format, or damaged.
        """
        with ExitStack() as stack:
            with borrowed(self.real) as handle:
                copy = None if handle is None else self._copied_from_here(handle, stack)
            if copy is None:
                with self.connection():
                    pass  # says what is wrong, and makes the copy if it takes one
            yield copy or self.place

    def _database(self, stack: ExitStack) -> DuckDBPyConnection:
        while True:
            path = self._free(stack.enter_context(self.readable()))
            try:
                connection = open_for_reading(path, CONFINED, read_only=True)
            except duckdb.Error as error:
                if not is_taken(error):
                    raise error_for(self.path, error) from None
                continue  # somebody has begun to write it: the next time it is a copy
            stack.callback(close_after_reading, connection)
            return connection

    def _free(self, path: Path) -> Path:
        """Return a path that nobody else wants: that of a copy, unless it would cost too much."""
        if path != self.real:
            return path
        try:
            return path if os.stat(path).st_size > HELD_BYTES else self._copied()
        except OSError as error:
            raise error_for(self.path, error) from None
        except RecordingError as error:
            if error.fault != "disk":
                raise
            return path  # no room for it

    def _connected(self, stack: ExitStack) -> DuckDBPyConnection:
        handle = stack.enter_context(borrowed(self.real))
        if handle is None:
            return self._attached(stack)
        self.live, self.format = handle.has_writer, FORMAT_VERSION
        connection = stack.enter_context(closing(handle.connection.cursor()))
        connection.execute("USE recording")
        return connection

    def _attached(self, stack: ExitStack) -> DuckDBPyConnection:
        if self._copy is None:
            self.live = must_copy = False
            with ExitStack() as trying:
                version = 0
                try:
                    connection = trying.enter_context(self._sandbox.attached(self.real))
                except duckdb.Error as error:
                    if not is_taken(error):
                        raise
                    self.live = is_lock(error) or is_being_written(self.real)
                    must_copy = True
                else:
                    version = self.format = check_format(connection, self.path)
                if version == FORMAT_VERSION:
                    stack.enter_context(trying.pop_all())
                    return connection
            self._copy = self._copied() if must_copy else self._migrated(self.real, version)
        return stack.enter_context(self._sandbox.attached(self._copy))

    def _copied_from_here(self, handle: Handle, stack: ExitStack) -> Path:
        """Return a copy of a file that this process writes, that lasts as long as the stack."""
        self.live = handle.has_writer
        try:
            folder = Path(tempfile.mkdtemp(dir=self._sandbox.folder))
            stack.callback(remove, folder, os.getpid())
            copy = Copy(self.real, folder, own_descriptor(handle, self.real))
        except OSError as error:
            raise error_for(self.path, error) from None
        return self._verified(copy)

    def _copied(self) -> Path:
        if self._renewable is None:
            self._renewable = Copy(self.real, Path(tempfile.mkdtemp(dir=self._sandbox.folder)))
        return self._verified(self._renewable)

    def _verified(self, copy: Copy) -> Path:
        """Return the path of a copy in the current format that has been opened."""
        for attempt in range(ATTEMPTS):
            try:
                copy.renew(lambda: self._sandbox.release(copy.path))
                with self._sandbox.attached(copy.path) as connection:
                    version = self.format = check_format(connection, self.path)
                break
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise error_for(self.path, error) from None
                raise RecordingError(
                    f"{self.path} is being written, and there is no room for a copy of it in"
                    f" {self._sandbox.folder.parent}; set TMPDIR to a place with more.",
                    "disk",
                ) from None
            except duckdb.Error as error:
                if attempt + 1 == ATTEMPTS:
                    raise error_for(self.path, error) from None
                copy.forget()
                time.sleep(PAUSE_S)
        return copy.path if version == FORMAT_VERSION else self._migrated(copy.path, version)

    def _migrated(self, path: Path, version: int) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._sandbox.folder))
        with migrated(path, version, folder, "READ_ONLY") as made:
            return made.rename(folder / self.real.name)


@contextmanager
def reading(path: Path) -> Iterator[DuckDBPyConnection]:
    """Give a connection whose default schema is a recording, for reading, and close it afterwards.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged.
    """
    with closing(Sandbox([real_path(path)])) as sandbox, Source(path, sandbox).connection() as connection:
        yield connection


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Give a path at which a recording can be read, in the current format, whoever writes it.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged.
    """
    with closing(Sandbox([real_path(path)])) as sandbox, Source(path, sandbox).readable() as found:
        yield found
