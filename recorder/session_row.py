"""What a recording says of a session: how it started, how it ended, its spans, and all of it together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from otelstream.frame import Outcome, StreamFrame, datetime_ns

Mode = Literal["sync", "async"]


@dataclass(frozen=True, slots=True)
class SessionStart:
    """One row of `session_starts`, in the order of its columns after the number; times are naive UTC."""

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
    """The first columns of `session_ends` after the number; the writer knows the rest. Times are naive UTC.

    Attributes:
        redactions: How often each rule masked something, as JSON text; None if nothing was redacted.
    """

    ended_at: datetime
    state: str
    frame_count: int
    frames_dropped: int
    trace_id: str | None
    result: str | None
    error_type: str | None
    error_message: str | None
    error: str | None
    redactions: str | None = None


class SpanTotals(NamedTuple):
    """What `session_ends` says of a session's spans, in the order of its columns."""

    span_count: int = 0
    failed_spans: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None

    def plus(self, span: SpanRow) -> SpanTotals:
        """Return the totals with one more span."""
        return SpanTotals(
            self.span_count + 1,
            self.failed_spans + (span.error_type is not None),
            self.llm_calls + (span.operation == "chat"),
            self.tool_calls + (span.operation == "execute_tool" and not span.within_tool),
            _sum(self.input_tokens, span.input_tokens),
            _sum(self.output_tokens, span.output_tokens),
        )


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more


class SpanRow(NamedTuple):
    """One row of `stored_spans`, in the order of its columns after the number; times are naive UTC."""

    span_id: str
    parent_span_id: str | None
    name: str
    operation: str
    frame_id: str
    frame_type: str | None
    started_at: datetime
    ended_at: datetime
    duration_ns: int
    left_open: bool
    error_type: str | None
    error_message: str | None
    model: str | None
    provider: str | None
    agent: str | None
    task: str | None
    tool: str | None
    within_tool: bool
    call_id: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    written_tokens: int | None
    reasoning_tokens: int | None
    first_chunk_ns: int | None
    chunks: int | None
    attributes: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames that a session emitted and its recording does not hold.

    Attributes:
        ordinal: They are missing before the frame of this ordinal.
        frames: How many.
        reason: Why, as in `otelstream.losses()`.
        noticed_at: When the recorder took note of it, naive UTC.
    """

    ordinal: int
    frames: int
    reason: str
    noticed_at: datetime


class StoredFrame(NamedTuple):
    """A frame.

    Attributes:
        offset_ns: When it arrived, in nanoseconds from the start of its session.
        frame: The frame.
        size: How many characters its row has.
    """

    offset_ns: int
    frame: StreamFrame
    size: int


class StoredGap(NamedTuple):
    """Frames that are missing here: how many, why, and when that was noticed (naive UTC)."""

    frames: int
    reason: str
    noticed_at: datetime


Item: TypeAlias = StoredFrame | StoredGap


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session of a recording.

    Attributes:
        index: Its place in the recording, from 0, oldest first.
        number: Its number in its file.
        file: The file that holds it.
        start: How it started.
        end: How it ended; None while it is being recorded, or if its process died.
        state: `recording`, `completed`, `failed`, `cancelled` or `crashed`.
        frame_count: How many frames the recording holds of it.
        last_ns: Time of its last frame, in nanoseconds since the epoch, 0 without one.
    """

    index: int
    number: int
    file: Path
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
