"""A DuckDB in memory in which recordings are read, one at a time, and from which nothing else can be reached.

A recording may come from anybody: what it defines must not read other files, load code or use the network.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from recorder.creation import NO_EXTENSIONS, quoted
from recorder.database import alone, close_after_reading, open_for_reading
from recorder.folders import make_folder, remove_folder
from recorder.names import WALS

KEPT: Final = 4
"""How many copies stay attached."""

CONFINED: Final = {**NO_EXTENSIONS, "enable_external_access": "false", "lock_configuration": "true"}
"""The settings of a database that can reach nothing but its own file."""


class Sandbox:
    """Attaches recordings for reading, each for a moment, so that it keeps nobody from writing them.

    Starting a DuckDB takes ten times as long as attaching a file, so one serves all files of a recording.
    Copies stay attached, the last few of them: nobody else wants them, and reading their WAL takes time.

    Args:
        files: The files that may be attached, besides those in `folder`.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = list(files)
        self._folder: Path | None = None
        self._owner = 0
        self._kept: OrderedDict[Path, str] = OrderedDict()
        self._numbers = count()
        self._started: list[DuckDBPyConnection] = []  # one at most; DuckDB complains of what outlives Python
        weakref.finalize(self, _stop, self._started)
        self._lock = threading.Lock()
        self._process = os.getpid()

    @property
    def folder(self) -> Path:
        """A folder for copies, that lasts as long as the sandbox. Raises `OSError` if none can be made."""
        self._notice_fork()
        with self._lock:
            if self._folder is None:
                self._folder = make_folder("otelstream-", Path(tempfile.gettempdir()))
                self._owner = os.getpid()
                weakref.finalize(self, remove, self._folder, self._owner)
                self._stop()  # what may be attached cannot be changed any more
            return self._folder

    def allow(self, files: Sequence[Path]) -> None:
        """Let further files be attached, too."""
        self._notice_fork()
        with self._lock:
            self._files += files
            self._stop()  # as above

    @contextmanager
    def attached(self, path: Path) -> Iterator[DuckDBPyConnection]:
        """Give a connection whose default schema is that of a file, opened for reading.

        Raises:
            duckdb.Error: It cannot be opened.
        """
        self._notice_fork()
        with self._lock:
            if not self._started:
                self._started.append(self._start())
            connection = self._started[0]
            name = self._kept.get(path) or self._attach(connection, path)
            try:
                connection.execute(f"USE {name}")
                yield connection
            finally:
                self._leave(connection, path, name)

    def release(self, path: Path) -> None:
        """Detach a copy that is about to change."""
        self._notice_fork()
        with self._lock:
            if path in self._kept:
                self._leave(self._started[0], None, self._kept.pop(path))

    def close(self) -> None:
        """Stop it and remove the copies; it starts again if it is used again."""
        self._notice_fork()
        with self._lock:
            self._stop()
            if self._folder is not None:
                remove(self._folder, self._owner)
                self._folder = None

    def _attach(self, connection: DuckDBPyConnection, path: Path) -> str:
        name = f"recording_{next(self._numbers)}"
        with alone():
            connection.execute(f"ATTACH {quoted(path)} AS {name} (READ_ONLY)")
        return name

    def _leave(self, connection: DuckDBPyConnection, path: Path | None, name: str) -> None:
        """Detach what was attached, or the oldest copy if it is one itself."""
        try:
            connection.execute("USE memory")
            if path is not None and self._folder is not None and self._folder in path.parents:
                self._kept[path] = name
                self._kept.move_to_end(path)
                if len(self._kept) <= KEPT:
                    return
                _, name = self._kept.popitem(last=False)
            with alone():
                connection.execute(f"DETACH {name}")
        except duckdb.Error:  # after a fatal error nothing works any more in this database
            self._stop()

    def _stop(self) -> None:
        self._kept.clear()
        _stop(self._started)

    def _notice_fork(self) -> None:
        if self._process != os.getpid():
            # The parent's threads may have held the lock, and its database is its own.
            self._process, self._lock = os.getpid(), threading.Lock()
            self._kept.clear()
            self._started.clear()

    def _start(self) -> DuckDBPyConnection:
        connection = open_for_reading(":memory:", {**NO_EXTENSIONS, "threads": "1"}, read_only=False)
        names = [f"{path}{end}" for path in self._files for end in ("", *WALS)]
        connection.execute(f"SET allowed_paths = [{', '.join(quoted(Path(name)) for name in names)}]")
        if self._folder is not None:
            connection.execute(f"SET allowed_directories = [{quoted(self._folder)}]")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection


def _stop(started: list[DuckDBPyConnection]) -> None:
    while started:
        close_after_reading(started.pop())


def remove(folder: Path, process: int) -> None:
    """Remove a folder of copies, in the process that made it."""
    if process == os.getpid():
        remove_folder(folder)
