"""What the assembler says: start a span, add an event, end a span; and what it found odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

AttributeValue: TypeAlias = str | bool | int | float | Sequence[str]
Attributes: TypeAlias = Mapping[str, AttributeValue]

AnomalyName = Literal[
    "clock_backwards",
    "dangling_parent",
    "duplicate_end",
    "duplicate_start",
    "end_without_start",
    "frame_after_close",
    "frame_after_end",
]
LinkName = Literal["triggered_by", "previous"]


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
        name: The frame's type.
        time_ns: Nanoseconds since the epoch, the frame's own time.
        attributes: Frame envelope and leaves of its data.
    """

    key: str
    name: str
    time_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SpanError:
    """Why a span failed: `error.type` (low cardinality) and the status message."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class EndSpan:
    """A span ends, exactly once.

    Attributes:
        key: Key of the span.
        end_ns: Nanoseconds since the epoch, never before its start.
        attributes: What became known when it ended.
        error: Set when it failed.
    """

    key: str
    end_ns: int
    attributes: Attributes = field(default_factory=dict)
    error: SpanError | None = None


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A frame that did not fit; it changed no scope, and is counted on the root span.

    Attributes:
        name: What was odd, from a closed set.
        frame_id: The frame.
    """

    name: AnomalyName
    frame_id: str


Operation: TypeAlias = StartSpan | AddEvent | EndSpan | Anomaly
