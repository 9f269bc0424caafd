"""Sessions and frames out of a recording, one batch in memory at a time.

No connection is held between batches, so a half-read replay keeps nobody from writing the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Final
from uuid import UUID

from duckdb import DuckDBPyConnection
from typing_extensions import Self

from otelstream.errors import FrameError, RecordingError, SessionNotFoundError
from otelstream.frame import StreamFrame, datetime_ns
from recorder.database import is_being_written, reading, snapshot
from recorder.rows import ContextRow, FrameRow, frame_of
from recorder.session_row import Gap, RecordedSession, SessionEnd, SessionStart

BATCH_FRAMES: Final = 2_000

Selector = str | int | UUID
"""Which session: `last`, an index (negative from the end), an id or the beginning of one, or a name."""

_STARTS: Final = ", ".join(f"s.{field.name}" for field in fields(SessionStart))
_ENDS: Final = ", ".join(f"e.{field.name}" for field in fields(SessionEnd))
# The frames of a session that ended are counted in its end: only those of the others are looked at.
_SESSIONS: Final = f"""
SELECT s.session, coalesce(e.frame_count, f.frame_count), f.last, {_STARTS}, {_ENDS}
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT session, count(*) AS frame_count, max(timestamp) AS last FROM stored_frames
    WHERE session NOT IN (SELECT session FROM session_ends WHERE state <> 'crashed') GROUP BY session
) AS f ON f.session = s.session
ORDER BY s.started_at, s.session_id
"""
_FRAMES: Final = f"""
SELECT {", ".join(FrameRow._fields)} FROM stored_frames
WHERE session = ? AND ordinal >= ? AND ordinal < ?
ORDER BY ordinal
"""
_CONTEXTS: Final = f"""
SELECT {", ".join(ContextRow._fields)} FROM contexts
WHERE session = ? AND list_contains(?::INTEGER[], context)
"""
_GAPS: Final = "SELECT ordinal, frames, reason, noticed_at FROM gaps WHERE session = ? ORDER BY ordinal"


class Recording:
    """A recording, opened for reading. Also a context manager.

    A file that another process is writing is read from a copy, made now.

    Args:
        path: The file.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._cleanup = ExitStack()
        self.live = os.path.exists(self.path) and is_being_written(self.path)
        self._source = self._cleanup.enter_context(snapshot(self.path)) if self.live else self.path
        with self.connection():
            pass  # says at once what is wrong with the file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the copy, if there was one."""
        self._cleanup.close()

    @contextmanager
    def connection(self) -> Iterator[DuckDBPyConnection]:
        """Give a DuckDB connection in which the recording's tables can be queried.

        Raises:
            RecordingError: The file cannot be read, also where it turns out while the query runs.
        """
        with reading(self._source) as connection:
            yield connection

    def sessions(self) -> list[RecordedSession]:
        """Return the recording's sessions, oldest first.

        Raises:
            RecordingError: The file is damaged.
        """
        with self.connection() as connection:
            rows = connection.execute(_SESSIONS).fetchall()
        return [self._session(index, row) for index, row in enumerate(rows)]

    def session(self, selector: Selector = "last") -> RecordedSession:
        """Return one session.

        Args:
            selector: `last`, an index, an id or the beginning of one, or a name (the newest of that name).

        Raises:
            SessionNotFoundError: There is no such session.
            RecordingError: The file is damaged.
        """
        sessions = self.sessions()
        if not sessions:
            raise SessionNotFoundError(f"{self.path} holds no session; record one first.")
        found = _selected(sessions, selector)
        if found is None:
            raise SessionNotFoundError(
                f"{self.path} has no session {str(selector)!r}; `otelstream ls {self.path}` lists its"
                f" {len(sessions)}, by index, id and name."
            )
        return found

    def frames(self, session: RecordedSession) -> Iterator[StreamFrame]:
        """Yield a session's frames in their order of arrival.

        Raises:
            RecordingError: The file is damaged, or was moved meanwhile.
        """
        before: str | None = None
        contexts: dict[int, ContextRow] = {}
        for first in range(0, session.frame_count, BATCH_FRAMES):
            until = min(first + BATCH_FRAMES, session.frame_count)
            rows, contexts = self._batch(session.number, first, until, contexts)
            if len(rows) != until - first:
                raise RecordingError(
                    f"{self.path} is damaged: session {session.id} lacks"
                    f" {until - first - len(rows)} of its frames {first} to {until - 1}."
                )
            for row in rows:
                yield self._frame(row, contexts, before)
                before = row.id

    def gaps(self, session: RecordedSession) -> list[Gap]:
        """Return where frames of a session are missing, in its order, and why.

        Raises:
            RecordingError: The file is damaged.
        """
        with self.connection() as connection:
            rows = connection.execute(_GAPS, [session.number]).fetchall()
        return [Gap(*row) for row in rows]

    def _batch(
        self, session: int, first: int, until: int, known: dict[int, ContextRow]
    ) -> tuple[list[FrameRow], dict[int, ContextRow]]:
        with self.connection() as connection:
            found = connection.execute(_FRAMES, [session, first, until]).fetchall()
            rows = [FrameRow(*row) for row in found]
            wanted = {row.context for row in rows}
            new = list(wanted - known.keys())
            contexts = [ContextRow(*row) for row in connection.execute(_CONTEXTS, [session, new]).fetchall()]
        kept = {number: row for number, row in known.items() if number in wanted}
        return rows, {**kept, **{row.context: row for row in contexts}}

    def _frame(self, row: FrameRow, contexts: dict[int, ContextRow], before: str | None) -> StreamFrame:
        try:
            return frame_of(row, contexts[row.context], before)
        except KeyError:
            raise RecordingError(
                f"{self.path} is damaged: frame {row.ordinal} lacks its context {row.context}."
            ) from None
        except (FrameError, ValueError) as error:
            raise RecordingError(f"{self.path} is damaged: frame {row.ordinal}: {error}") from None

    def _session(self, index: int, row: tuple[object, ...]) -> RecordedSession:
        number, frame_count, last, *columns = row
        starts = len(fields(SessionStart))
        start = SessionStart(*columns[:starts])  # type: ignore[arg-type]  # columns in the order of the fields
        ended = columns[starts] is not None
        end = SessionEnd(*columns[starts:]) if ended else None  # type: ignore[arg-type]  # as above
        state = "recording" if self.live else "crashed"
        return RecordedSession(
            index=index,
            number=number if isinstance(number, int) else 0,
            file=self.path,
            start=start,
            end=end,
            state=end.state if end is not None else state,
            frame_count=frame_count if isinstance(frame_count, int) else 0,
            last_ns=datetime_ns(last.replace(tzinfo=timezone.utc)) if isinstance(last, datetime) else 0,
        )


def open_recording(path: str | os.PathLike[str]) -> Recording:
    """Open a recording for reading; see `Recording`."""
    return Recording(path)


def _selected(sessions: list[RecordedSession], selector: Selector) -> RecordedSession | None:
    text = str(selector)
    if text == "last":
        return sessions[-1]
    if re.fullmatch(r"-?[0-9]{1,9}", text) and -len(sessions) <= int(text) < len(sessions):
        return sessions[int(text)]
    named = [session for session in sessions if session.start.name == text]
    by_id = [session for session in sessions if session.id.startswith(text.lower())]
    if named:
        return named[-1]
    return by_id[0] if len(by_id) == 1 else None
