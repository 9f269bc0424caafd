"""A database as a file of a recording: its sessions and their frames, asked for in short queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from recorder.batches import Batch, next_batch, place_at
from recorder.forms import Progress, Since
from recorder.listing import Key, keys_of, sessions_of
from recorder.sandbox import Sandbox
from recorder.search import Condition, first_stored
from recorder.session_row import Gap, RecordedSession
from recorder.source import Source

_GAPS: Final = "SELECT ordinal, frames, reason, noticed_at FROM gaps WHERE session = ? ORDER BY ordinal"
# The frames of a session that ended are counted in its end: only those of the others are looked at.
_PROGRESS: Final = """
SELECT s.session, s.session_id, e.ended_at, coalesce(e.frame_count, f.frames, 0)
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT session, max(ordinal) + 1 AS frames FROM stored_frames
    WHERE session >= $1 AND session NOT IN (SELECT session FROM session_ends) GROUP BY session
) AS f ON f.session = s.session
WHERE s.session >= $1
ORDER BY s.session
"""
_WHICH: Final = "SELECT recording_id FROM header"
_ARRIVALS: Final = """
SELECT epoch_us(s.started_at), f.offset_ns FROM stored_frames AS f
JOIN session_starts AS s ON s.session = f.session
WHERE f.session = ? AND f.ordinal >= ? ORDER BY f.ordinal
"""


class StoredSource(Source):
    """A database. Every method raises `RecordingError` if it cannot be read; see `recorder.forms.FileSource`.

    Args:
        path: The file.
        sandbox: What opens it, and keeps the copies.
    """

    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        super().__init__(path, sandbox)
        sandbox.allow([self.real])

    def check(self) -> None:
        """Look whether it is there, and a recording."""
        with self.connection():
            pass

    def keys(self) -> list[Key]:
        """Return its sessions, in no order."""
        with self.connection() as connection:
            return keys_of(connection, self.path)

    def sessions(self, number: int | None = None) -> list[RecordedSession]:
        """Return its sessions, or the one of a number, all with the index 0 and in no order."""
        with self.connection() as connection:
            return sessions_of(connection, self.path, live=self.live, number=number)

    def chosen(self, choose: Callable[[list[Key]], tuple[int, Key]]) -> RecordedSession:
        """Return the session that is chosen among its own, with the index that is given to it."""
        with self.connection() as connection:  # one for both questions: each reads the whole WAL
            index, key = choose(keys_of(connection, self.path))
            (session,) = sessions_of(connection, self.path, live=self.live, number=key.number)
        return replace(session, index=index)

    def gaps(self, session: RecordedSession) -> list[Gap]:
        """Return where frames of a session are missing."""
        with self.connection() as connection:
            rows = connection.execute(_GAPS, [session.number]).fetchall()
        return [Gap(*row) for row in rows]

    def batches(self, session: RecordedSession, first: int, until: int | None) -> Iterator[Batch]:
        """Yield the frames of a session from an ordinal on, up to another or to its end."""
        place = place_at(session, first, until)
        while place.ordinal < place.until:
            with self.connection() as connection:
                batch = next_batch(connection, place)
            yield batch

    def find(self, session: RecordedSession, condition: Condition, first: int) -> int | None:
        """Return the ordinal of the first frame from `first` on that meets a condition, None if none does."""
        with self.connection() as connection:
            return first_stored(connection, session, condition, first)

    def progress(self, since: Since | None) -> tuple[Since, list[Progress]]:
        """Return how far those sessions are that may have changed since, and what to ask with next time."""
        with self.connection() as connection:
            (recording_id,) = connection.execute(_WHICH).fetchone() or (None,)
            known, first = since or (None, 0)
            # A file that was rewritten or made anew counts its sessions from 0 again.
            rows = connection.execute(_PROGRESS, [first if known == recording_id else 0]).fetchall()
        found = [Progress(self.path, *row) for row in rows]
        open_ones = [each.number for each in found if each.ended_at is None]
        if not found:
            return (recording_id, first), found
        return (recording_id, min(open_ones, default=found[-1].number + 1)), found

    def arrivals(self, number: int, first: int) -> list[int]:
        """Return when the frames of a session came from an ordinal on, in nanoseconds since the epoch."""
        with self.connection() as connection:
            rows = connection.execute(_ARRIVALS, [number, first]).fetchall()
        return [us * 1_000 + offset_ns for us, offset_ns in rows]
