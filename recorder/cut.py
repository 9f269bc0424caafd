"""Which frames of a session are played: from a frame, a type, a time on, and until another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from otelstream.errors import RecordingError
from recorder.playhead import nanoseconds
from recorder.reader import Recording
from recorder.search import Comparison, Condition
from recorder.session_row import RecordedSession

Moment: TypeAlias = float | timedelta | datetime
"""Seconds or a duration from the session's start to a frame's arrival, or the time of frames themselves."""

Bound: TypeAlias = int | Moment | str | None
"""A place in a session: the ordinal of a frame, a negative one from the end; a moment; the id of a frame or,
where none has it, the first frame of a type; or None for its beginning or end."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a session is asked for.

    Attributes:
        start: The first frame.
        until: The last frame.
        channels: Only frames of these channels; None for all.
    """

    start: Bound = None
    until: Bound = None
    channels: Iterable[str] | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """What that is, in the frames that the recording holds.

    Attributes:
        first: Ordinal of the first frame.
        end: Ordinal of the frame behind the last one.
        channels: Only frames of these channels; None for all.
        reaches_end: Whether the session's last frame belongs to it, and so the session's end.
    """

    first: int
    end: int
    channels: frozenset[str] | None
    reaches_end: bool


def cut_of(recording: Recording, session: RecordedSession, part: Part) -> Cut:
    """Return which frames a part of a session has; those that `start` and `until` name belong to it.

    Raises:
        RecordingError: There is no such frame, or none between the two; or the file cannot be read.
        UsageError: A time is no finite number.
    """
    places = _Places(recording, session)
    first = places.first_of(part.start)
    end = places.end_of(part.until, first)
    if end <= first < session.frame_count:
        begins = "its beginning" if part.start is None else f"start {_shown(part.start)}"
        raise RecordingError(
            f"{places} has no frame from {begins} on that is not behind until {_shown(part.until)};"
            " give a later one."
        )
    channels = [part.channels] if isinstance(part.channels, str) else part.channels
    return Cut(
        first=first,
        end=end,
        channels=None if channels is None else frozenset(channels),
        reaches_end=end >= session.frame_count,
    )


class _Places:
    """Finds places in a session."""

    def __init__(self, recording: Recording, session: RecordedSession) -> None:
        self._recording = recording
        self._session = session

    def __str__(self) -> str:
        return f"session {self._session.id} of {self._session.file}"

    def first_of(self, start: Bound) -> int:
        """Return the ordinal of the first frame."""
        if start is None:
            return 0
        if isinstance(start, int):
            ordinal = self._ordinal(start)
            if ordinal >= max(self._session.frame_count, 1):
                raise RecordingError(self._lacks(f"number {start}"))
            return ordinal
        found = self._find(start, 0, ">=")
        if found is None:
            raise RecordingError(self._lacks(_meant(start)))
        return found

    def end_of(self, until: Bound, first: int) -> int:
        """Return the ordinal of the frame behind the last one, which is looked for from a frame on."""
        count = self._session.frame_count
        if until is None:
            return count
        if isinstance(until, int):
            return min(self._ordinal(until) + 1, count)
        found = self._find(until, first, ">")
        if not isinstance(until, str):
            return count if found is None else found
        if found is None:
            raise RecordingError(self._lacks(_meant(until) + (f" from number {first} on" if first else "")))
        return found + 1

    def _ordinal(self, given: int) -> int:
        ordinal = given if given >= 0 else self._session.frame_count + given
        if ordinal < 0:
            raise RecordingError(self._lacks(f"number {given}"))
        return ordinal

    def _find(self, bound: Moment | str, first: int, comparison: Comparison) -> int | None:
        for condition in _conditions(bound, comparison):
            found = self._recording.find(self._session, condition, first)
            if found is not None:
                return found
        return None

    def _lacks(self, frame: str) -> str:
        count = self._session.frame_count
        return f"{self} has no frame {frame}; it has {count}, which `otelstream cat` prints."


def _conditions(bound: Moment | str, comparison: Comparison) -> list[Condition]:
    if isinstance(bound, str):
        return [Condition("id", "=", bound), Condition("type", "=", bound)]
    if isinstance(bound, datetime):
        return [Condition("timestamp", comparison, bound)]
    return [Condition("offset_ns", comparison, nanoseconds(bound))]


def _meant(bound: Moment | str) -> str:
    return f"of the id or the type {bound!r}" if isinstance(bound, str) else f"at or after {_shown(bound)}"


def _shown(bound: Bound) -> str:
    if isinstance(bound, float):
        return f"{bound} s"
    return repr(bound) if isinstance(bound, str) else str(bound)
