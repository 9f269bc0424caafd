"""Sessions and frames into a recording: rows are buffered, and committed together by `flush`.

Not thread-safe and never slow on purpose: its caller owns the thread and decides when to commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Final
from uuid import UUID

import duckdb
from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from otelstream.frame import FrameLike, encode_json
from recorder.database import close_after_writing, open_for_writing
from recorder.rows import row_of, utf8
from recorder.session_row import SessionEnd, SessionStart

Row = tuple[object, ...]

HAS_APPENDER: Final = int(duckdb.__version__.partition(".")[0]) >= 2
"""DuckDB 2 (Python 3.11 and later) has an appender for Python; before it, rows go in as one JSON text."""

_COLUMN_TYPES: Final = """
SELECT column_name, data_type FROM duckdb_columns()
WHERE database_name = 'recording' AND table_name = ? ORDER BY column_index
"""

_MARK_CRASHED: Final = """
INSERT INTO session_ends
SELECT s.session_id, coalesce(max(f.timestamp), s.started_at), 'crashed', count(f.ordinal), 0,
       NULL, NULL, NULL, NULL, NULL
FROM session_starts AS s
LEFT JOIN session_ends AS e USING (session_id)
LEFT JOIN frames AS f USING (session_id)
WHERE e.session_id IS NULL
GROUP BY s.session_id, s.started_at
"""


class Writer:
    """Appends to one recording file.

    Opening it makes the file if there is none. Sessions without an end in an existing file belong to a
    process that died, since this one now holds the file: they are marked `crashed`.

    Raises:
        RecordingError: The file cannot be written; see `recorder.database.open_for_writing`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._connection = open_for_writing(self.path)
        try:
            self._starts = _Table(self._connection, "session_starts")
            self._frames = _Table(self._connection, "frames")
            self._ends = _Table(self._connection, "session_ends")
            self._connection.execute(_MARK_CRASHED)
        except duckdb.Error as error:
            with suppress(RecordingError):
                close_after_writing(self.path)
            raise RecordingError(f"{self.path} is damaged or unreadable: {_first_line(error)}") from None

    @property
    def pending(self) -> int:
        """Frames that were added and are not committed yet."""
        return len(self._frames.rows)

    def begin(self, start: SessionStart) -> None:
        """Add the row that says how a session started."""
        self._starts.rows.append(_storable(start))

    def add(self, session_id: UUID, ordinal: int, offset_ns: int, frame: FrameLike) -> None:
        """Add a frame.

        Args:
            session_id: The session that it belongs to.
            ordinal: Its place in the session's order of arrival, from 0.
            offset_ns: When it arrived, in nanoseconds after the session's start.
            frame: The frame, as it shall be stored.
        """
        self._frames.rows.append((session_id, *row_of(frame, ordinal, offset_ns)))

    def end(self, end: SessionEnd) -> None:
        """Add the row that says how a session ended."""
        self._ends.rows.append(_storable(end))

    def flush(self) -> None:
        """Commit everything added so far, in one transaction; then it survives the death of the process.

        Raises:
            RecordingError: The commit failed (a full disk, an I/O error). Nothing of the batch is stored.
        """
        tables = [table for table in (self._starts, self._frames, self._ends) if table.rows]
        if not tables:
            return
        try:
            self._connection.execute("BEGIN")
            for table in tables:
                table.insert()
            self._connection.execute("COMMIT")
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            raise RecordingError(f"{self.path} cannot be written: {_first_line(error)}") from None

    def close(self) -> None:
        """Checkpoint the file and give it back to other processes; what was not flushed is not stored.

        Raises:
            RecordingError: The checkpoint failed; what was committed stays readable.
        """
        for table in (self._starts, self._frames, self._ends):
            table.close()
        close_after_writing(self.path)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _storable(row: SessionStart | SessionEnd) -> Row:
    return tuple(utf8(value) if isinstance(value, str) else value for value in astuple(row))


class _Table:
    """Rows waiting for one table, and the way in that this version of DuckDB has."""

    def __init__(self, connection: DuckDBPyConnection, name: str) -> None:
        self.rows: list[Row] = []
        self._connection = connection
        self._name = name
        self._appender = connection.appender(name) if HAS_APPENDER else None

    def insert(self) -> None:
        rows, self.rows = self.rows, []
        if self._appender is not None:
            self._appender.append_rows(rows)
            self._appender.flush()
        else:
            self._insert_json(rows)

    def close(self) -> None:
        self._appender = None

    def _insert_json(self, rows: Sequence[Row]) -> None:
        columns = self._connection.execute(_COLUMN_TYPES, [self._name]).fetchall()
        types = {name: "VARCHAR" if kind == "JSON" else kind for name, kind in columns}
        objects = [dict(zip(types, row, strict=True)) for row in rows]
        self._connection.execute(
            f"INSERT INTO {self._name} SELECT unnest(from_json(?, ?), recursive := true)",
            [encode_json(objects), encode_json([types])],
        )
