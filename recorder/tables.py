"""The way into a table that this version of DuckDB has: an appender, or rows as one JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection
from pydantic_core import to_json

HAS_APPENDER: Final = int(duckdb.__version__.partition(".")[0]) >= 2
"""DuckDB 2 (Python 3.11 and later) has an appender for Python; before it, rows go in as one JSON text."""

_COLUMN_TYPES: Final = """
SELECT column_name, data_type FROM duckdb_columns()
WHERE database_name = 'recording' AND table_name = ? ORDER BY column_index
"""


class Table:
    """Rows waiting for one table of a recording.

    Args:
        connection: The writer's connection.
        name: Name of the table.
        columns: Its columns that the rows have, in their order; all of them by default.

    Attributes:
        rows: What the next `insert` shall store; values in the order of the columns.
    """

    def __init__(
        self, connection: DuckDBPyConnection, name: str, columns: Sequence[str] | None = None
    ) -> None:
        self.rows: list[tuple[object, ...]] = []
        self._connection = connection
        self._name = name
        self._columns = None if columns is None else list(columns)
        self._appender = (
            connection.appender(name, columns=self._columns)  # type: ignore[attr-defined, unused-ignore]  # DuckDB 2
            if HAS_APPENDER
            else None
        )

    def insert(self) -> None:
        """Insert the rows, within the transaction of the connection. Raises `duckdb.Error`."""
        rows, self.rows = self.rows, []
        if self._appender is not None:
            self._appender.append_rows(rows)
            self._appender.flush()
        else:
            self._insert_json(rows)

    def close(self) -> None:
        """Let go of the connection."""
        self._appender = None

    def _insert_json(self, rows: Sequence[tuple[object, ...]]) -> None:
        kinds = dict(self._connection.execute(_COLUMN_TYPES, [self._name]).fetchall())
        columns = [(name, kinds[name]) for name in self._columns or kinds]
        types = {name: _AS_JSON.get(kind, kind) for name, kind in columns}
        values = ", ".join(f"unhex({name}) AS {name}" if kind == "BLOB" else name for name, kind in columns)
        objects = [dict(zip(types, map(_jsonable, row), strict=True)) for row in rows]
        self._connection.execute(
            f"INSERT INTO {self._name} ({', '.join(types)})"
            f" SELECT {values} FROM (SELECT unnest(from_json_strict(?, ?), recursive := true))",
            [to_json(objects).decode(), to_json([types]).decode()],
        )


_AS_JSON: Final = {"JSON": "VARCHAR", "BLOB": "VARCHAR"}


def _jsonable(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
