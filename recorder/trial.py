"""Which of several ways to mend a damage is the right one: after it the hash chain fits everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Final, TypeVar

from recorder import chain
from recorder.commits import Connect, commits, links, start_row
from recorder.extraction import extract
from recorder.remains import Remains
from recorder.starting import connect

W = TypeVar("W")

PATIENCE_S: Final = 60.0
"""How long ways are tried out, in seconds."""

_UNREADABLE: Final = "SELECT count(*) FROM unreadable"


def find_right(ways: Iterable[W], apply: Callable[[W], None], copy: Path, folder: Path) -> W | None:
    """Return the way after which everything in a database is as it was committed; None if none is found.

    Args:
        ways: Ways to mend it.
        apply: Mends it in one way.
        copy: The database.
        folder: Where to work.
    """
    deadline = time.monotonic() + PATIENCE_S
    for way in ways:
        apply(way)
        if _is_right(copy, folder / "trial.duckdb"):
            return way
        if time.monotonic() > deadline:
            break
    return None


def _is_right(copy: Path, sound: Path) -> bool:
    if extract(copy, sound) is not None:
        return False
    with closing(connect(sound)) as connection:
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if "chain" not in tables or connection.execute(_UNREADABLE).fetchone() != (0,):
            return False
        remains = Remains(lambda: nullcontext(connection))
        numbers = remains.numbers()
        return bool(numbers) and all(_fits(remains.connect, number) for number in numbers)


def _fits(connect: Connect, session: int) -> bool:
    start = start_row(connect, session)
    digest = b"" if start is None else chain.first_digest(start)
    for commit in commits(connect, session, links(connect, session)):
        if commit.link is None:
            return not (commit.frames or commit.gaps)
        if not commit.fits(digest):
            return False
        digest = commit.link.digest
    return True
