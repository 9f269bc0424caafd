"""The process that reads a damaged database: `python -m recorder.copying DAMAGED SOUND`.

Exit code 0: everything readable is in SOUND. 10: DAMAGED cannot be opened, for the reason that is printed.
Anything else: start it again, and it goes on behind what it died of.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from recorder.creation import NO_EXTENSIONS, quoted
from recorder.schema import STORAGE
from recorder.starting import connect

OPENED: Final = 0
REFUSED: Final = 10
DIED: Final = 11

TABLES: Final = (
    "header",
    "session_starts",
    "session_ends",
    "chain",
    "gaps",
    "contexts",
    "stored_frames",
    "frames",  # of format 1
)
ROWS: Final = 8_192
"""Rows that are copied at once: a row group."""

FEW_ROWS: Final = 128
"""So few are looked at one by one."""


class Range(NamedTuple):
    """Rows of a table that are still to be copied.

    Attributes:
        table: The table.
        first: The first row id.
        until: The row id after the last one.
        tries: How many processes have begun with it, and died.
    """

    table: str
    first: int
    until: int
    tries: int


def main(damaged: Path, sound: Path) -> int:
    """Copy what can be read; return the exit code."""
    begun = sound.exists()
    connection = connect(config=NO_EXTENSIONS)
    try:
        connection.execute("SET threads = 1")
        connection.execute(f"ATTACH {quoted(sound)} AS sound ({'READ_WRITE' if begun else STORAGE})")
        connection.execute(f"ATTACH {quoted(damaged)} AS damaged (READ_ONLY)")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        if not begun:
            _plan(connection)
    except duckdb.Error as error:
        sys.stdout.write(str(error).partition("\n")[0])
        return REFUSED
    try:
        while (todo := _next(connection)) is not None:
            _copy(connection, todo)
        connection.execute("CHECKPOINT sound")
    except duckdb.Error as error:  # a fatal one: nothing works any more in this process
        sys.stdout.write(str(error).partition("\n")[0])
        return DIED
    return OPENED


def _plan(connection: DuckDBPyConnection) -> None:
    """Make the tables, and write down what is to be copied."""
    connection.execute("BEGIN")
    connection.execute(
        "CREATE TABLE sound.todo (table_name VARCHAR, first BIGINT, until BIGINT, tries BIGINT);"
        "CREATE TABLE sound.unreadable (table_name VARCHAR, first BIGINT, until BIGINT, why VARCHAR)"
    )
    query = "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = 'damaged'"
    for name, rows in connection.execute(query).fetchall():
        if name in TABLES:
            connection.execute(
                f"CREATE TABLE sound.{name} AS FROM damaged.{name} LIMIT 0;"
                f"CREATE TABLE sound.partial_{name} AS"
                f" SELECT *, []::VARCHAR[] AS lost FROM damaged.{name} LIMIT 0"
            )
            connection.execute(
                "INSERT INTO sound.todo"
                " SELECT $1, first, least(first + $2, $3), 0 FROM range(0, $3, $2) AS r(first)",
                [name, ROWS, rows],
            )
    connection.execute("COMMIT")


def _next(connection: DuckDBPyConnection) -> Range | None:
    """Return what is to be copied next, and write down that somebody tries."""
    row = connection.execute("FROM sound.todo ORDER BY tries, table_name, first LIMIT 1").fetchone()
    if row is None:
        return None
    todo = Range(*row)
    where = "WHERE table_name = ? AND first = ?"
    connection.execute(f"UPDATE sound.todo SET tries = tries + 1 {where}", [todo.table, todo.first])
    return todo


def _copy(connection: DuckDBPyConnection, todo: Range) -> None:
    if todo.tries:
        _split(connection, todo, "DuckDB breaks down over it")
        return
    try:
        _insert(connection, todo, f"rowid >= {todo.first} AND rowid < {todo.until}")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        if todo.until - todo.first > FEW_ROWS and not _is_damaged_throughout(connection, todo):
            _split(connection, todo, str(error))
        else:
            _insert_few(connection, todo, str(error))


def _is_damaged_throughout(connection: DuckDBPyConnection, todo: Range) -> bool:
    """Tell whether no row of a range can be read, as far as one looks: splitting it would take long."""
    probes = range(todo.first, todo.until, FEW_ROWS // 2)
    return not any(_reads(connection, todo.table, "*", f"rowid = {row}") for row in probes)


def _insert(connection: DuckDBPyConnection, todo: Range, rows: str) -> None:
    connection.execute("BEGIN")
    connection.execute(f"INSERT INTO sound.{todo.table} SELECT * FROM damaged.{todo.table} WHERE {rows}")
    _done(connection, todo)
    connection.execute("COMMIT")


def _split(connection: DuckDBPyConnection, todo: Range, why: str) -> None:
    """Try the halves of a range on their own."""
    middle = (todo.first + todo.until) // 2
    connection.execute("BEGIN")
    _done(connection, todo)
    if todo.until - todo.first == 1:
        _give_up(connection, todo, todo.first, todo.until, why)
    else:
        for first, until in ((todo.first, middle), (middle, todo.until)):
            connection.execute("INSERT INTO sound.todo VALUES (?, ?, ?, 0)", [todo.table, first, until])
    connection.execute("COMMIT")


def _insert_few(connection: DuckDBPyConnection, todo: Range, why: str) -> None:
    """Copy the rows of a short range that can be read, and what can be read of the others."""
    good, runs = _readable(connection, todo)
    partial = [(run[0], run[-1] + 1, *_columns(connection, todo.table, run)) for run in runs]
    connection.execute("BEGIN")
    if good:
        connection.execute(
            f"INSERT INTO sound.{todo.table} SELECT * FROM damaged.{todo.table}"
            f" WHERE rowid IN ({', '.join(map(str, good))})"
        )
    for first, until, readable, lost in partial:
        if readable:
            connection.execute(
                f"INSERT INTO sound.partial_{todo.table} BY NAME"
                f" SELECT {readable}, ? AS lost FROM damaged.{todo.table}"
                f" WHERE rowid >= {first} AND rowid < {until}",
                [lost],
            )
        _give_up(connection, todo, first, until, why)
    _done(connection, todo)
    connection.execute("COMMIT")


def _readable(connection: DuckDBPyConnection, todo: Range) -> tuple[list[int], list[list[int]]]:
    """Return the rows of a range that can be read, and the others in runs."""
    rows = range(todo.first, todo.until)
    probes = {rows[0], rows[len(rows) // 2], rows[-1]}
    if not any(_reads(connection, todo.table, "*", f"rowid = {row}") for row in probes):
        return [], [list(rows)]  # damage in what all of them need, as nearly always
    good, runs = [], list[list[int]]()
    for row in rows:
        if _reads(connection, todo.table, "*", f"rowid = {row}"):
            good.append(row)
        elif runs and runs[-1][-1] == row - 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return good, runs


def _columns(connection: DuckDBPyConnection, table: str, run: list[int]) -> tuple[str, list[str]]:
    """Return the columns of a run of rows that can be read, as SQL, and the others."""
    query = "SELECT column_name FROM duckdb_columns() WHERE database_name = 'damaged' AND table_name = ?"
    names = [name for (name,) in connection.execute(query, [table]).fetchall()]
    rows = f"rowid >= {run[0]} AND rowid <= {run[-1]}"
    readable = [name for name in names if _reads(connection, table, name, rows)]
    return ", ".join(readable), [name for name in names if name not in readable]


def _reads(connection: DuckDBPyConnection, table: str, columns: str, rows: str) -> bool:
    try:
        connection.execute(f"SELECT {columns} FROM damaged.{table} WHERE {rows}").fetchall()
    except duckdb.FatalException:
        raise
    except duckdb.Error:
        return False
    return True


def _done(connection: DuckDBPyConnection, todo: Range) -> None:
    connection.execute("DELETE FROM sound.todo WHERE table_name = ? AND first = ?", [todo.table, todo.first])


def _give_up(connection: DuckDBPyConnection, todo: Range, first: int, until: int, why: str) -> None:
    reason = why.partition("\n")[0]
    connection.execute("INSERT INTO sound.unreadable VALUES (?, ?, ?, ?)", [todo.table, first, until, reason])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
