"""The tables of a text recording: a database that is made of it for the time being, for SQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection

from recorder.database import close_after_reading, open_for_reading
from recorder.faults import error_for, is_damage
from recorder.sandbox import CONFINED, Sandbox

if TYPE_CHECKING:
    from recorder.text.source import TextSource


@dataclass(frozen=True, slots=True)
class Tables:
    """A database that holds what a text recording held.

    Attributes:
        path: Where it is.
        state: What the text was like.
        of: The text, for errors.
        sandbox: What opens it.
    """

    path: Path
    state: Hashable
    of: Path
    sandbox: Sandbox

    def remove(self) -> None:
        """Remove them; whoever is reading them goes on."""
        self.sandbox.release(self.path)
        shutil.rmtree(self.path.parent, ignore_errors=True)

    @contextmanager
    def connection(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection whose default schema are the tables, for a short query of our own.

        Raises:
            RecordingError: They cannot be read.
        """
        try:
            with self.sandbox.attached(self.path) as connection:
                yield connection
        except duckdb.Error as error:
            raise error_for(self.of, error) from None

    @contextmanager
    def opened(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection for a user's queries, in a database of its own that can reach nothing else.

        Raises:
            RecordingError: They cannot be read.
            duckdb.Error: The query is wrong.
        """
        try:
            connection = open_for_reading(self.path, CONFINED, read_only=True)
        except duckdb.Error as error:
            raise error_for(self.of, error) from None
        try:
            yield connection
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            raise error_for(self.of, error) from None
        finally:
            close_after_reading(connection)


def make_tables(source: TextSource, state: Hashable, sandbox: Sandbox) -> Tables:
    """Make a database of a text recording, with the spans that its frames make.

    Raises:
        RecordingError: The text is damaged, or there is no room for the database.
    """
    from recorder.conversion import make_database

    try:
        path = Path(tempfile.mkdtemp(dir=sandbox.folder)) / "tables.duckdb"
    except OSError as error:
        raise error_for(source.path, error) from None
    make_database(source, path)
    return Tables(path, state, source.path, sandbox)
