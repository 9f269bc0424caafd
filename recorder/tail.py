"""The newest frames of a recording, and those that come while it is written."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from otelstream.errors import RecordingError
from otelstream.frame import StreamFrame, datetime_ns, timestamp_ns
from recorder.forms import FileSource, Progress, Since
from recorder.reader import Recording
from recorder.session_row import RecordedSession


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame of a recording, and the session that it belongs to."""

    session: RecordedSession
    frame: StreamFrame


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
        self._since: dict[Path, Since] = {}

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

    def _progress(self, files: Iterable[Path]) -> list[Progress]:
        found: list[Progress] = []
        for file in files:
            source = self._recording.sources[file]
            rows = self._recording.asked(source, self._of)
            found += rows
        return [each for each in found if self._only in (None, each.session_id)]

    def _of(self, source: FileSource) -> list[Progress]:
        self._since[source.path], found = source.progress(self._since.get(source.path))
        return found

    def _arrivals(self, each: Progress, count: int) -> list[tuple[int, int]]:
        """Return when the last frames of a session came, in ns since the epoch, and their ordinals."""
        first = max(0, each.frames - count)
        arrivals = self._recording.sources[each.file].arrivals(each.number, first)
        return [(arrival_ns, first + index) for index, arrival_ns in enumerate(arrivals)]

    def _frames_at(self, known: list[Progress], newest: list[tuple[int, int, int]]) -> list[Seen]:
        first: dict[int, int] = {}
        for _, index, ordinal in newest:
            first[index] = min(ordinal, first.get(index, ordinal))
        frames = {index: self._frames(known[index], ordinal) for index, ordinal in first.items()}
        return [next(frames[index]) for _, index, _ in sorted(newest, key=lambda at: (at[0], at[1], at[2]))]

    def _frames(self, each: Progress, first: int) -> Iterator[Seen]:
        found = self._recording.sources[each.file].sessions(each.number)
        if not found:
            raise RecordingError(f"{each.file} is damaged: session {each.session_id} is gone.")
        session = replace(found[0], frame_count=each.frames)
        return (Seen(session, frame) for frame in self._recording.frames(session, first))
