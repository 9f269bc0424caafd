"""The answer to an SQL query on a recording: as rows, as an Arrow table, or as a DataFrame.

It must not change the recording, nor hold it open: DuckDB 1.4 lets no writer checkpoint while somebody reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from otelstream.errors import RecordingError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

BATCH_ROWS: Final = 2_000
"""Rows that are in memory at a time while an answer is iterated over."""

Parameters: TypeAlias = Sequence[object] | Mapping[str, object] | None
"""Values of `?` and `$1` in the order of their numbers, or of `$name` by name."""

Connect: TypeAlias = "Callable[[], AbstractContextManager[DuckDBPyConnection]]"

T = TypeVar("T")

_NOTHING_ASKED: Final = "there is no query; write for example: FROM sessions"
_MORE_THAN_ONE: Final = "the query cannot be run: there is more than one; ask them one by one."
_DAMAGE: Final = ("Corrupt database file", "checksum", "Could not read enough bytes")


class Answer:
    """What a query finds, found anew each time that it is taken.

    Nothing is open before and afterwards, so an answer may be kept; it reads what the recording holds when it
    is taken. A loop over it does hold the recording until it is over or left.

        recording.sql("FROM llm_calls WHERE model = ?", ["gpt-4o-mini"]).rows()

    Args:
        connect: Gives a connection in which the query can run, and takes it back.
        query: One SQL query. It cannot change the recording.
        parameters: Values of its parameters.
        variables: What `getvariable('name')` gives in it; NULL for a name that is not among them.
    """

    def __init__(
        self,
        connect: Connect,
        query: str,
        parameters: Parameters = None,
        variables: Mapping[str, object] | None = None,
    ) -> None:
        self._connect = connect
        self._query = query
        self._parameters = parameters
        self._variables = dict(variables or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns.

        Raises:
            RecordingError: The query cannot be run, or the recording cannot be read.
        """
        with self._run() as result:
            return _columns(result)

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        """Yield the rows, with `BATCH_ROWS` of them in memory at a time.

        Raises:
            RecordingError: The query cannot be run, or the recording cannot be read.
        """
        with self._run() as result:
            while rows := result.fetchmany(BATCH_ROWS):
                yield from rows

    def rows(self) -> list[tuple[object, ...]]:
        """Return all rows.

        Raises:
            RecordingError: The query cannot be run, or the recording cannot be read.
        """
        return list(self)

    def fetch(self) -> tuple[list[str], list[tuple[object, ...]]]:
        """Return the names of the columns, of two with one name the second as `name_1`, and all rows.

        Raises:
            RecordingError: The query cannot be run, or the recording cannot be read.
        """
        with self._run() as result:
            return _distinct(_columns(result)), result.fetchall()

    def dicts(self) -> list[dict[str, object]]:
        """Return all rows by the names of the columns; see `fetch`.

        Raises:
            RecordingError: The query cannot be run, or the recording cannot be read.
        """
        names, rows = self.fetch()
        return [dict(zip(names, row, strict=True)) for row in rows]

    def arrow(self) -> pa.Table:
        """Return an Arrow table.

        Raises:
            RecordingError: pyarrow is missing, the query cannot be run, or the recording cannot be read.
        """
        _need("pyarrow", "an Arrow table")
        with self._transaction() as connection:
            # Of a relation, as Arrow out of a connection's own result is copied once more (DuckDB 2.0).
            return _asked(connection.sql(self._query, params=self._parameters)).to_arrow_table()

    def df(self) -> pd.DataFrame:
        """Return a pandas DataFrame.

        Raises:
            RecordingError: pandas is missing, the query cannot be run, or the recording cannot be read.
        """
        _need("pandas", "a DataFrame")
        with self._transaction() as connection:
            return _asked(connection.sql(self._query, params=self._parameters)).df()

    @contextmanager
    def _run(self) -> Iterator[DuckDBPyConnection]:
        """Run the query and give the connection that holds its result."""
        with self._transaction() as connection:
            connection.execute(self._query, self._parameters)
            _asked(connection.description or None)
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection that can change nothing."""
        import duckdb  # not before somebody asks: a text recording is read without it

        with self._connect() as connection:
            try:
                if len(connection.extract_statements(self._query)) > 1:
                    raise RecordingError(_MORE_THAN_ONE)
                for name, value in self._variables.items():
                    connection.execute(f"SET VARIABLE {_identifier(name)} = ?", [value])
                # The connection may be that of this process's own writer.
                connection.execute("BEGIN TRANSACTION READ ONLY")
                yield connection
            except duckdb.Error as error:
                if any(sign in str(error) for sign in _DAMAGE):
                    raise  # whoever opened the file says so
                raise RecordingError(f"the query cannot be run: {str(error).splitlines()[0]}.") from None
            finally:
                with suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                with suppress(duckdb.Error):
                    for name in self._variables:
                        connection.execute(f"RESET VARIABLE {_identifier(name)}")


def _asked(found: T | None) -> T:
    if found is None:
        raise RecordingError(_NOTHING_ASKED)
    return found


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _columns(result: DuckDBPyConnection) -> tuple[str, ...]:
    return tuple(column[0] for column in result.description)


def _distinct(names: Sequence[str]) -> list[str]:
    """Name columns of the same name apart, as DuckDB does in a subquery: x, x_1."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        distinct.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return distinct


def _need(module: str, what: str) -> None:
    try:
        import_module(module)
    except ImportError:
        raise RecordingError(
            f"{what} needs {module}, which is not installed; run pip install {module}, or take .rows()."
        ) from None
