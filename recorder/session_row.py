"""What a recording says of a session: how it started, how it ended, and both together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from otelstream.frame import Outcome, datetime_ns

Mode = Literal["sync", "async"]


@dataclass(frozen=True, slots=True)
class SessionStart:
    """One row of `session_starts`, in the order of its columns; times are naive UTC."""

    session_id: UUID
    started_at: datetime
    mode: Mode
    name: str | None
    entry_point: str | None
    conversation_id: str | None
    recorded_as: str
    redacted: bool
    parent_trace_id: str | None
    parent_span_id: str | None
    parent_sampled: bool | None
    service_name: str | None
    host: str
    pid: int
    otelstream_version: str
    crewai_version: str | None
    python_version: str


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """One row of `session_ends`, in the order of its columns; times are naive UTC."""

    session_id: UUID
    ended_at: datetime
    state: str
    frame_count: int
    frames_dropped: int
    trace_id: str | None
    result: str | None
    error_type: str | None
    error_message: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session of a recording.

    Attributes:
        index: Its place in the recording, from 0, oldest first.
        start: How it started.
        end: How it ended; None while it is being recorded, or if its process died.
        state: `recording`, `completed`, `failed`, `cancelled` or `crashed`.
        frame_count: How many frames the recording holds of it.
        last_ns: Time of its last frame, in nanoseconds since the epoch, 0 without one.
    """

    index: int
    start: SessionStart
    end: SessionEnd | None
    state: str
    frame_count: int
    last_ns: int

    @property
    def id(self) -> str:
        """The session's UUID as text."""
        return str(self.start.session_id)

    @property
    def outcome(self) -> Outcome:
        """How the session ended, as its spans were closed or shall be."""
        if self.end is None or self.state == "crashed":
            return Outcome("cut", self.last_ns)
        return Outcome(
            state=_OUTCOMES[self.end.state],
            ended_ns=datetime_ns(self.end.ended_at),
            error_type=self.end.error_type,
            error_message=self.end.error_message,
        )


_OUTCOMES: dict[str, Literal["completed", "failed", "cancelled"]] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}
