"""One of the databases that a damaged recording was taken apart into: whole rows, and parts of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from recorder.commits import Connect
from recorder.rows import ContextRow

_TABLES: Final = "SELECT table_name FROM duckdb_tables()"
_NUMBERS: Final = "SELECT session FROM session_starts UNION SELECT session FROM stored_frames"
_WITHOUT_END: Final = """
SELECT count(*) FROM (SELECT session FROM session_starts UNION SELECT session FROM stored_frames)
WHERE session NOT IN (SELECT session FROM session_ends WHERE session IS NOT NULL)
"""
_PARTIAL_CONTEXTS: Final = f"""
SELECT {", ".join(ContextRow._fields)} FROM partial_contexts WHERE session = ? AND lost = ['data']
"""
_FIRST: Final = """
SELECT timestamp, offset_ns FROM stored_frames WHERE session = ? ORDER BY ordinal LIMIT 1
"""
# A frame with a chunk has neither data nor raw of its own, one with data has no chunk.
_COMPLETE: Final = """
INSERT INTO stored_frames BY NAME
SELECT * EXCLUDE (lost) FROM partial_stored_frames
WHERE (chunk IS NOT NULL AND list_has_all(['data', 'raw'], lost))
   OR (data IS NOT NULL AND list_has_all(['chunk', 'tool_call'], lost))
"""


class Remains:
    """One of the databases that a wreck was taken apart into, or a recording that is damaged and readable.

    Rows of which all that matters could be read become whole ones.

    Args:
        connect: Gives a connection to the database.
        unreadable: How many rows of each table could not be read as they were.

    Attributes:
        connect: Gives a connection to the database.
        unreadable: How many rows of each table are missing in it.
    """

    def __init__(self, connect: Connect, unreadable: Mapping[str, int] | None = None) -> None:
        self.connect = connect
        self.unreadable = Counter(unreadable)
        with connect() as connection:
            tables = {name for (name,) in connection.execute(_TABLES).fetchall()}
            self._has_partial_rows = "partial_stored_frames" in tables
            if self._has_partial_rows:
                (completed,) = connection.execute(_COMPLETE).fetchone() or (0,)
                self.unreadable["stored_frames"] -= completed

    def recorded(self, table: str) -> int:
        """Return how many rows of a table the recording had, whether or not they could be read."""
        with self.connect() as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        return int(count) + self.unreadable[table]

    def without_end(self) -> int:
        """Return how many of its sessions have no row that says how they ended."""
        with self.connect() as connection:
            (count,) = connection.execute(_WITHOUT_END).fetchone() or (0,)
        return int(count)

    def numbers(self) -> set[int]:
        """Return the numbers of its sessions."""
        with self.connect() as connection:
            return {number for (number,) in connection.execute(_NUMBERS).fetchall() if number is not None}

    def first_frame(self, session: int) -> tuple[datetime, int] | None:
        """Return the time of a session's first frame, and its offset in nanoseconds; None without frames."""
        with self.connect() as connection:
            return connection.execute(_FIRST, [session]).fetchone()

    def partial(self, table: str, session: int) -> tuple[dict[str, Any], list[str]] | None:
        """Return a session's row of which columns are lost, by column, and which; None if there is none."""
        if not self._has_partial_rows:
            return None
        with self.connect() as connection:
            cursor = connection.execute(f"FROM partial_{table} WHERE session = ?", [session])
            names, row = [name for name, *_ in cursor.description or []], cursor.fetchone()
        if row is None:
            return None
        found = dict(zip(names, row, strict=True))
        return found, found.pop("lost")

    def contexts_without_data(self, session: int) -> list[ContextRow]:
        """Return a session's contexts of which all but the data is known."""
        if not self._has_partial_rows:
            return []
        with self.connect() as connection:
            return [
                ContextRow._make(row) for row in connection.execute(_PARTIAL_CONTEXTS, [session]).fetchall()
            ]
