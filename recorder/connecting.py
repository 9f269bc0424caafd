"""Many short queries on one file: how to be connected for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from recorder.commits import Connect
from recorder.names import WALS, real_path
from recorder.source import Source


@contextmanager
def connecting(source: Source) -> Iterator[Connect]:
    """Give what connects to a file for one query after the other.

    It connects each time anew, so that a process which wants to write the file gets its turn. A file with a
    WAL stays open, as DuckDB reads the whole WAL whenever it is opened.

    Raises:
        RecordingError: The file cannot be opened.
    """
    if not any(Path(f"{real_path(source.path)}{end}").exists() for end in WALS):
        yield source.connection
        return
    with source.connection() as connection:
        yield lambda: nullcontext(connection)
