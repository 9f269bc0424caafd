"""What the assembler says: start a span, add an event, end a span; and what it found odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

AttributeValue: TypeAlias = (
    str | bool | int | float | Sequence["AttributeValue"] | Mapping[str, "AttributeValue"]
)
"""What OTLP can carry: lists and maps are `array` and `kvlist` values there."""

Attributes: TypeAlias = Mapping[str, AttributeValue]

AnomalyName = Literal[
    "clock_backwards",
    "dangling_parent",
    "dangling_previous",
    "duplicate_end",
    "duplicate_start",
    "end_before_start",
    "end_without_start",
    "frame_after_close",
    "frame_after_end",
    "left_open",
    "no_parent",
    "seq_backwards",
    "wrong_parent",
]
"""What can be odd about a frame or a span.

- `clock_backwards`: a frame is older than one that came before it.
- `dangling_parent`, `dangling_previous`: it names a frame that this session does not hold.
- `duplicate_end`: a second end of the same scope.
- `duplicate_start`: a second start with the same id.
- `end_before_start`: an end that is older than its start; the span ends when it began.
- `end_without_start`: an end whose start this session does not hold.
- `frame_after_close`: a frame that came after the session's end.
- `frame_after_end`: a frame in a scope that had ended.
- `left_open`: a span that no frame ended; the session's end did.
- `no_parent`: a frame that names neither parent nor predecessor, as from a bare thread.
- `seq_backwards`: its `seq` is not greater than the one before it.
- `wrong_parent`: its `parent_id` is not the scope that its own context has open.
"""

LinkName = Literal["triggered_by", "previous"]
EarlierName = Literal["resumed", "conversation"]


@dataclass(frozen=True, slots=True)
class Link:
    """A span that this one follows without being its child.

    Attributes:
        to: Key of the other span: the id of the frame that opened it.
        relation: Which field of the frame says so.
    """

    to: str
    relation: LinkName


@dataclass(frozen=True, slots=True)
class StartSpan:
    """A span begins.

    Attributes:
        key: Id of the frame that opened it; ids in OpenTelemetry's sense are derived from it.
        parent: Key of the parent span, None for the session's root.
        name: Span name, from the closed set of `names`.
        client: Whether its OpenTelemetry kind is CLIENT; otherwise INTERNAL.
        start_ns: Nanoseconds since the epoch, the frame's own time.
        attributes: What is known when it begins.
        links: Other spans that it follows.
    """

    key: str
    parent: str | None
    name: str
    client: bool
    start_ns: int
    attributes: Attributes
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class AddEvent:
    """Something happened inside a span that is still open.

    Attributes:
        key: Key of the span.
        name: The frame's type, or a name of `names`.
        time_ns: Nanoseconds since the epoch, the frame's own time.
        attributes: Frame envelope and leaves of its data.
        log_only: Whether it is a log record by convention, and never an event of the span.
    """

    key: str
    name: str
    time_ns: int
    attributes: Attributes
    log_only: bool = False


@dataclass(frozen=True, slots=True)
class Follow:
    """A session turns out to continue an earlier one, whose trace its root shall link to.

    Attributes:
        key: Key of the root span.
        relation: What ties them: a flow's `state.id` (`resumed`), or a conversation's `session_id`.
        id: That id. The same `relation` and `id` tell the next session that this one came before.
    """

    key: str
    relation: EarlierName
    id: str


@dataclass(frozen=True, slots=True)
class SpanError:
    """Why a span failed: `error.type` (low cardinality) and the status message."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Times between successive chunks of one call: so many of about so many nanoseconds."""

    ns: int
    count: int


@dataclass(frozen=True, slots=True)
class EndSpan:
    """A span ends, exactly once.

    Attributes:
        key: Key of the span.
        end_ns: Nanoseconds since the epoch, never before its start.
        attributes: What became known when it ended.
        error: Set when it failed.
        gaps: The times between its chunks, for metrics; empty without chunks.
        left_open: Whether no frame ended it, so that its duration says little.
    """

    key: str
    end_ns: int
    attributes: Attributes = field(default_factory=dict)
    error: SpanError | None = None
    gaps: tuple[Gap, ...] = ()
    left_open: bool = False


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that did not fit: counted on the root span, and never more than that.

    Attributes:
        name: What was odd, from a closed set.
        frame_id: The frame, or the one that opened the span.
    """

    name: AnomalyName
    frame_id: str


Operation: TypeAlias = StartSpan | AddEvent | Follow | EndSpan | Anomaly
