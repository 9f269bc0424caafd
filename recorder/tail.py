"""The newest frames of a recording, and those that come while it is written."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from duckdb import DuckDBPyConnection

from otelstream.errors import RecordingError
from otelstream.frame import StreamFrame, datetime_ns, timestamp_ns
from recorder.listing import sessions_of
from recorder.reader import Recording
from recorder.session_row import RecordedSession
from recorder.source import Source

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


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame of a recording, and the session that it belongs to."""

    session: RecordedSession
    frame: StreamFrame


class _Progress(NamedTuple):
    """How far a session is.

    Attributes:
        file: The file that holds it.
        number: Its number there.
        session_id: Its id.
        ended_at: When it ended, naive UTC; None if it has not.
        frames: How many frames it has.
    """

    file: Path
    number: int
    session_id: UUID
    ended_at: datetime | None
    frames: int


class Tail:
    """Follows a recording: each frame is given once.

    Args:
        recording: The recording.
        only: The session to follow; by default all of them.
    """

    def __init__(self, recording: Recording, only: UUID | None = None) -> None:
        self._recording = recording
        self._only = only
        self._given: dict[UUID, int] = {}
        self._unfinished: dict[Path, tuple[UUID, int]] = {}

    def newest(self, count: int) -> list[Seen]:
        """Return the newest frames, in their order of arrival; `since` goes on behind them.

        Raises:
            RecordingError: The file cannot be read.
        """
        known = self._progress(self._recording.files)
        # The last frame of a session came before its end: one that ended long ago is not looked at.
        newest: list[tuple[int, int, int]] = []
        known.sort(key=lambda each: each.ended_at or datetime.max, reverse=True)
        for index, each in enumerate(known):
            self._given[each.session_id] = each.frames
            ended_ns = None if each.ended_at is None else datetime_ns(each.ended_at)
            if count > 0 and (len(newest) < count or ended_ns is None or ended_ns >= newest[0][0]):
                for arrival_ns, ordinal in self._arrivals(each, count):
                    heapq.heappush(newest, (arrival_ns, index, ordinal))
                    if len(newest) > count:
                        heapq.heappop(newest)
        return self._frames_at(known, newest)

    def since(self) -> Iterator[Seen]:
        """Yield the frames that have been committed since, those of several sessions by their time.

        Raises:
            RecordingError: The file cannot be read.
        """
        grown = []
        for each in self._progress(self._recording.refresh()):
            first = self._given.get(each.session_id, 0)
            if each.frames > first:
                self._given[each.session_id] = each.frames
                grown.append(self._frames(each, first))
        return heapq.merge(*grown, key=lambda seen: timestamp_ns(seen.frame))

    def _progress(self, files: Iterable[Path]) -> list[_Progress]:
        found: list[_Progress] = []
        for file in files:
            source = self._recording.sources[file]
            rows = self._recording.asked(source, self._of)
            found += rows
        return [each for each in found if self._only in (None, each.session_id)]

    def _of(self, source: Source, connection: DuckDBPyConnection) -> list[_Progress]:
        (recording_id,) = connection.execute(_WHICH).fetchone() or (None,)
        known, first = self._unfinished.get(source.path, (None, 0))
        # A file that was rewritten or made anew counts its sessions from 0 again.
        rows = connection.execute(_PROGRESS, [first if known == recording_id else 0]).fetchall()
        found = [_Progress(source.path, *row) for row in rows]
        open_ones = [each.number for each in found if each.ended_at is None]
        if found:
            self._unfinished[source.path] = (recording_id, min(open_ones, default=found[-1].number + 1))
        return found

    def _arrivals(self, each: _Progress, count: int) -> list[tuple[int, int]]:
        """Return when the last frames of a session came, in ns since the epoch, and their ordinals."""
        first = max(0, each.frames - count)
        with self._recording.sources[each.file].connection() as connection:
            rows = connection.execute(_ARRIVALS, [each.number, first]).fetchall()
        return [(us * 1_000 + offset_ns, first + index) for index, (us, offset_ns) in enumerate(rows)]

    def _frames_at(self, known: list[_Progress], newest: list[tuple[int, int, int]]) -> list[Seen]:
        first: dict[int, int] = {}
        for _, index, ordinal in newest:
            first[index] = min(ordinal, first.get(index, ordinal))
        frames = {index: self._frames(known[index], ordinal) for index, ordinal in first.items()}
        return [next(frames[index]) for _, index, _ in sorted(newest, key=lambda at: (at[0], at[1], at[2]))]

    def _frames(self, each: _Progress, first: int) -> Iterator[Seen]:
        source = self._recording.sources[each.file]
        with source.connection() as connection:
            found = sessions_of(connection, source.path, live=source.live, number=each.number)
        if not found:
            raise RecordingError(f"{each.file} is damaged: session {each.session_id} is gone.")
        session = replace(found[0], frame_count=each.frames)
        return (Seen(session, frame) for frame in self._recording.frames(session, first))
