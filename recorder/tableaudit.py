"""What is wrong with the tables and views of a recording as such, whatever session their rows belong to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from duckdb import DuckDBPyConnection

from recorder.checkup import Problem
from recorder.creation import quoted
from recorder.schema import FORMAT_VERSION, STORAGE, statements
from recorder.starting import connect

_TABLES: Final = ("contexts", "stored_frames", "gaps", "chain", "stored_spans", "session_ends")
_KEYS: Final = {"stored_frames": "ordinal", "contexts": "context", "gaps": "ordinal", "chain": "frames"}
_UNIQUE: Final = (
    ("session", "session_starts"),
    ("session_id", "session_starts"),
    ("session", "session_ends"),
)
_STRAYS: Final = "SELECT count(*) FROM {0} ANTI JOIN session_starts ON session_starts.session = {0}.session"
_WITHOUT: Final = "SELECT count(*) FROM {0} WHERE {1} IS NULL"
_TWICE: Final = "SELECT {0}::VARCHAR FROM {1} GROUP BY {0} HAVING count(*) > 1"
_HOLES: Final = """
SELECT number FROM range((SELECT max(session) + 1 FROM session_starts)) AS n(number)
ANTI JOIN session_starts ON session = number
WHERE (SELECT max(session) FROM session_starts) < 10_000_000
ORDER BY number LIMIT 10
"""
_VIEWS: Final = """
SELECT view_name, sql FROM duckdb_views()
WHERE NOT internal AND database_name = current_database() AND schema_name = 'main'
"""


def table_problems(connection: DuckDBPyConnection) -> Iterator[Problem]:
    """Yield what is wrong with the rows of a recording in the current format.

    Raises:
        duckdb.Error: It is damaged.
    """
    headers = _count(connection, "SELECT count(*) FROM header")
    if headers != 1:
        yield Problem("error", f"header has {headers} rows instead of one")
    for column, table in _UNIQUE:
        for (value,) in connection.execute(_TWICE.format(column, table)).fetchall():
            yield Problem("error", f"{table} has {column} {value} twice")
    for table in _TABLES:
        if count := _count(connection, _STRAYS.format(table)):
            yield Problem("error", f"{count} rows of {table} belong to sessions whose start is missing")
    for table, column in (*_KEYS.items(), ("session_starts", "session")):
        if count := _count(connection, _WITHOUT.format(table, column)):
            yield Problem("error", f"{count} rows of {table} have no {column}")
    yield from _holes(connection)


def view_problems(connection: DuckDBPyConnection) -> Iterator[Problem]:
    """Yield in which of its views a recording in the current format differs from one made now."""
    found = dict(connection.execute(_VIEWS).fetchall())
    for name, sql in _own_views().items():
        if name not in found:
            yield Problem("warning", f"the view {name} is missing")
        elif found[name] != sql:
            yield Problem("warning", f"the view {name} is not ours: changed, or made by another version")


def _holes(connection: DuckDBPyConnection) -> Iterator[Problem]:
    for (number,) in connection.execute(_HOLES).fetchall():
        yield Problem(
            "warning", f"no session has the number {number}, and one has a higher one: it was taken away"
        )


def _count(connection: DuckDBPyConnection, query: str) -> int:
    (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


@cache
def _own_views() -> dict[str, str]:
    """Return the views of a recording made now, as a file has them: DuckDB writes them in its own words."""
    with tempfile.TemporaryDirectory(prefix="otelstream-") as folder, closing(connect()) as connection:
        path = Path(folder) / "new.duckdb"
        connection.execute(f"ATTACH {quoted(path)} AS new ({STORAGE}); USE new")
        connection.execute(f"BEGIN; {statements(f'{FORMAT_VERSION:04}')}; COMMIT")
        connection.execute(f"USE memory; DETACH new; ATTACH {quoted(path)} AS new (READ_ONLY); USE new")
        return dict(connection.execute(_VIEWS).fetchall())
