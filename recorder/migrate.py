"""Recordings of older formats into the current one: one function per step, from one database into another.

The recording itself is never changed here; who may replace it is decided in `recorder.database`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, Literal

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from recorder.creation import WRITING, quoted
from recorder.schema import FORMAT_VERSION, STORAGE, statements
from recorder.starting import connect


@contextmanager
def migrated(
    path: Path, version: int, folder: Path, mode: Literal["READ_ONLY", "READ_WRITE"]
) -> Iterator[Path]:
    """Give a new file that holds an older recording in the current format; meanwhile the older one is open.

    Args:
        path: The recording.
        version: Its format.
        folder: Where to make the file.
        mode: `READ_ONLY` for a reader. With `READ_WRITE` no other process can open the recording meanwhile,
            and its WAL becomes a part of it once the new file is complete.

    Raises:
        RecordingError: The recording cannot be read, or not all of it arrived.
    """
    with ExitStack() as stack:
        before = path
        try:
            for number in range(version, FORMAT_VERSION):
                after = folder / f"{number + 1}.part"  # no name that a reader of the folder looks for
                connection = stack.enter_context(closing(_connected(before, after, mode)))
                _run(connection, STEPS[number])
                before, mode = after, "READ_ONLY"
        except duckdb.Error as error:
            raise RecordingError(
                f"{path} has recording format {version} and cannot be brought to {FORMAT_VERSION}:"
                f" {str(error).splitlines()[0]}; it was left as it is."
            ) from None
        yield before


def _connected(before: Path, after: Path, mode: str) -> DuckDBPyConnection:
    connection = connect(config=WRITING)
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    connection.execute(f"ATTACH {quoted(before)} AS before ({mode})")
    connection.execute(f"ATTACH {quoted(after)} AS after ({STORAGE})")
    # The file may be anybody's: what it defines must not reach beyond the two databases.
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    return connection


def _run(connection: DuckDBPyConnection, step: Callable[[DuckDBPyConnection], None]) -> None:
    step(connection)
    connection.execute("CHECKPOINT after; DETACH after")
    (read_only,) = connection.execute(
        "SELECT readonly FROM duckdb_databases() WHERE database_name = 'before'"
    ).fetchone() or (True,)
    if not read_only:
        connection.execute("CHECKPOINT before")


def _from_1_to_2(connection: DuckDBPyConnection) -> None:
    """Token frames keep their data, what frames share goes to contexts, nothing gets a chain or spans."""
    connection.execute("BEGIN")
    connection.execute(f"USE after; {statements('0002')}; USE memory")
    connection.execute(statements("0001_to_0002"))
    _compare(connection, "session_starts", "session_starts")
    _compare(connection, "session_ends", "session_ends")
    _compare(connection, "frames", "stored_frames")
    connection.execute("COMMIT")


STEPS: Final[Mapping[int, Callable[[DuckDBPyConnection], None]]] = {1: _from_1_to_2}
"""By format, what brings a recording, attached as `before`, into an empty database `after` of the next."""


def _compare(connection: DuckDBPyConnection, old: str, new: str) -> None:
    query = f"SELECT (SELECT count(*) FROM before.{old}), (SELECT count(*) FROM after.{new})"
    there, arrived = connection.execute(query).fetchone() or (0, 0)
    if there != arrived:
        raise duckdb.DataError(f"{arrived} of {there} rows of {old} arrived")
