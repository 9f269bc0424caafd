"""The rows of a session, one commit in memory at a time, and whether they are what was committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from recorder import chain
from recorder.rows import FRAME_COLUMNS, ContextRow, FrameRow
from recorder.session_row import SessionEnd, SessionStart, SpanTotals

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Connect: TypeAlias = "Callable[[], AbstractContextManager[DuckDBPyConnection]]"
"""Gives a connection to the tables for one query, so that nobody is kept from writing the file for long."""

_CONTEXTS: Final = f"""
SELECT {", ".join(ContextRow._fields)} FROM contexts
WHERE session = ? AND context >= ? AND context <= ? AND context IN (SELECT unnest(?::INTEGER[]))
ORDER BY context, rowid
"""

R = TypeVar("R")

WINDOW: Final = 1_000
"""How many frames are looked for at once; also how many are given together where no commit is known."""

WINDOW_BYTES: Final = 32 * 1024 * 1024
"""Unless they have more bytes than these: then fewer."""

_START: Final = ", ".join(("session", *(field.name for field in fields(SessionStart))))
_END: Final = ", ".join(("session", *(field.name for field in fields(SessionEnd)), *SpanTotals._fields))
_BYTES: Final = " + ".join(f"coalesce(strlen({name}), 0)" for name in ("chunk", "tool_call", "data", "raw"))


class Link(NamedTuple):
    """One row of `chain`: what it covers, and its digest."""

    frames: int
    contexts: int
    gaps: int
    digest: bytes


class GapRow(NamedTuple):
    """One row of `gaps`, in the order of its columns."""

    session: int
    ordinal: int
    frames: int
    reason: str
    noticed_at: datetime


class Commit(NamedTuple):
    """What one commit added to a session.

    Attributes:
        link: What the chain says of it; None for frames that no link covers.
        contexts: Its contexts, as far as they are there, like gaps and frames.
    """

    link: Link | None
    contexts: list[ContextRow]
    gaps: list[GapRow]
    frames: list[FrameRow]

    def fits(self, before: bytes) -> bool:
        """Tell whether it is what was committed, given the digest of the commit before it."""
        if self.link is None:
            return False
        return chain.next_digest(before, self.contexts, self.gaps, self.frames) == self.link.digest


def start_row(connect: Connect, session: int) -> tuple[Any, ...] | None:
    """Return the row that says how a session started, as its first digest covers it; None without one."""
    with connect() as connection:
        query = f"SELECT {_START} FROM session_starts WHERE session = ?"
        return connection.execute(query, [session]).fetchone()


def end_row(connect: Connect, session: int) -> tuple[tuple[Any, ...], bytes | None] | None:
    """Return the row that says how a session ended, as its last digest covers it, and that digest."""
    query = f"SELECT digest, {_END} FROM session_ends WHERE session = ?"
    with connect() as connection:
        row = connection.execute(query, [session]).fetchone()
    return None if row is None else (row[1:], row[0])


def links(connect: Connect, session: int) -> Iterator[Link]:
    """Yield the chain of a session.

    Raises:
        duckdb.Error: The file is damaged.
    """
    rows = _Rows(connect, session, "chain", "frames", Link._fields)
    return map(Link._make, rows.by("frames, contexts, gaps"))


def contexts_of(connection: DuckDBPyConnection, session: int, numbers: Sequence[int]) -> list[ContextRow]:
    """Return contexts of a session by their numbers, which are given in order, as far as they are there."""
    asked = [session, numbers[0], numbers[-1], numbers]
    return [ContextRow._make(row) for row in connection.execute(_CONTEXTS, asked).fetchall()]


def older_contexts(connect: Connect, session: int) -> Callable[[list[int]], list[ContextRow]]:
    """Return what gives contexts of a session by their numbers, which are given in order."""

    def older(numbers: list[int]) -> list[ContextRow]:
        with connect() as connection:
            return contexts_of(connection, session, numbers)

    return older


def commits(connect: Connect, session: int, chain_of: Iterable[Link]) -> Iterator[Commit]:
    """Yield the rows of a session, commit by commit, and at the end the frames that no link covers.

    Args:
        connect: Gives a connection to the tables.
        session: Number of the session.
        chain_of: Its chain.

    Raises:
        duckdb.Error: The file is damaged.
    """
    rows = _Rows(connect, session, "contexts", "context", ContextRow._fields)
    contexts = _Ahead(map(ContextRow._make, rows.by("context")), lambda row: row.context)
    rows = _Rows(connect, session, "gaps", "ordinal", GapRow._fields)
    gaps = _Ahead(map(GapRow._make, rows.by("ordinal, rowid")), lambda row: row.ordinal)
    rows = _Rows(connect, session, "stored_frames", "ordinal", [FRAME_COLUMNS], _BYTES)
    frames = _Ahead(map(FrameRow._make, rows.by("ordinal, rowid")), lambda row: row.ordinal)
    counted = 0
    for link in chain_of:
        yield Commit(
            link,
            contexts.below(link.contexts),
            gaps.first(link.gaps - counted),
            frames.below(link.frames),
        )
        counted = link.gaps
    while loose := frames.first(WINDOW):
        highest = max(row.context for row in loose)
        yield Commit(None, contexts.below(highest + 1), gaps.below(loose[-1].ordinal + 1), loose)
    yield Commit(None, contexts.below(2**63), gaps.below(2**63), [])


class _Rows:
    """Rows of a session in one table, in the order of a column that never falls, read bit by bit."""

    def __init__(
        self,
        connect: Connect,
        session: int,
        table: str,
        key: str,
        columns: Iterable[str],
        size: str = "0",
    ) -> None:
        self._connect = connect
        self._session = session
        self._key = key
        self._select = f"SELECT {', '.join(columns)} FROM {table}"
        self._where = f"WHERE session = ? AND {key} >= ? AND {key} < ?"
        self._ends = f"SELECT min({key}), max({key}) FROM {table} WHERE session = ? AND {key} >= ?"
        self._sum = f"SELECT sum({size}) FROM {table} {self._where}"

    def by(self, order: str) -> Iterator[tuple[Any, ...]]:
        """Yield them in that order."""
        query = f"{self._select} {self._where} ORDER BY {order}"
        last: int | None = None
        until, hole = -(2**63), True
        while True:
            with self._connect() as connection:  # once for each window: attaching a file takes time
                first = until
                if hole:  # which may be a large one
                    first, end = self._one(connection, self._ends, self._session, until)
                    last = end if last is None else last
                if first is None or last is None or first > last:
                    return
                until = first + self._window(connection, first)
                rows = connection.execute(query, [self._session, first, until]).fetchall()
            yield from rows
            hole = not rows

    def _window(self, connection: DuckDBPyConnection, first: int) -> int:
        window = WINDOW
        while window > 1:
            (size,) = self._one(connection, self._sum, self._session, first, first + window)
            if (size or 0) <= WINDOW_BYTES:
                break
            window //= 2
        return window

    def _one(self, connection: DuckDBPyConnection, query: str, *parameters: int) -> tuple[Any, ...]:
        return connection.execute(query, parameters).fetchone() or (None, None)


class _Ahead(Generic[R]):
    """An iterator of rows that can be asked for those that belong together."""

    def __init__(self, rows: Iterator[R], key: Callable[[R], int]) -> None:
        self._rows = rows
        self._key = key
        self._next: list[R] = []

    def below(self, limit: int) -> list[R]:
        """Return the next rows, up to the first one whose key is not below the limit."""
        taken: list[R] = []
        while row := self.first(1):
            if self._key(row[0]) >= limit:
                self._next = row
                break
            taken += row
        return taken

    def first(self, count: int) -> list[R]:
        """Return that many rows, or fewer at the end."""
        taken = [*self._next[:count], *islice(self._rows, max(0, count - len(self._next)))]
        del self._next[:count]
        return taken
