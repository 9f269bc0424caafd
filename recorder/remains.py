"""One of the databases that a damaged recording was taken apart into: whole rows, and parts of rows."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from duckdb import DuckDBPyConnection

from recorder.rows import ContextRow

_TABLES: Final = "SELECT table_name FROM duckdb_tables()"
_NUMBERS: Final = "SELECT session FROM session_starts UNION SELECT session FROM stored_frames"
_UNREADABLE_CHAIN: Final = "SELECT count(*) FROM unreadable WHERE table_name = 'chain'"
_PARTIAL_CONTEXTS: Final = f"""
SELECT {", ".join(ContextRow._fields)} FROM partial_contexts WHERE session = ? AND lost = ['data']
"""
# A frame with a chunk has neither data nor raw of its own, one with data has no chunk.
_COMPLETE: Final = """
INSERT INTO stored_frames BY NAME
SELECT * EXCLUDE (lost) FROM partial_stored_frames
WHERE (chunk IS NOT NULL AND list_has_all(['data', 'raw'], lost))
   OR (data IS NOT NULL AND list_has_all(['chunk', 'tool_call'], lost))
"""


class Remains:
    """One of the databases that a wreck was taken apart into.

    Args:
        connection: To the database; rows of which all that matters could be read become whole ones.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.connection = connection
        tables = {name for (name,) in connection.execute(_TABLES).fetchall()}
        self.has_partial_rows = "partial_stored_frames" in tables
        self.has_whole_chain = True
        if self.has_partial_rows:
            connection.execute(_COMPLETE)
            self.has_whole_chain = connection.execute(_UNREADABLE_CHAIN).fetchone() == (0,)

    def connect(self) -> AbstractContextManager[DuckDBPyConnection]:
        """Return the connection, which stays open."""
        return nullcontext(self.connection)

    def numbers(self) -> set[int]:
        """Return the numbers of its sessions."""
        return {number for (number,) in self.connection.execute(_NUMBERS).fetchall() if number is not None}

    def partial(self, table: str, session: int) -> tuple[dict[str, Any], list[str]] | None:
        """Return a session's row of which columns are lost, by column, and which; None if there is none."""
        if not self.has_partial_rows:
            return None
        cursor = self.connection.execute(f"FROM partial_{table} WHERE session = ?", [session])
        names, row = [name for name, *_ in cursor.description or []], cursor.fetchone()
        if row is None:
            return None
        found = dict(zip(names, row, strict=True))
        return found, found.pop("lost")

    def contexts_without_data(self, session: int) -> list[ContextRow]:
        """Return a session's contexts of which all but the data is known."""
        if not self.has_partial_rows:
            return []
        return [
            ContextRow._make(row) for row in self.connection.execute(_PARTIAL_CONTEXTS, [session]).fetchall()
        ]
