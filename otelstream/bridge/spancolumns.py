"""A span as one row of `stored_spans`: which attribute fills which column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from otelstream.frame import ns_datetime
from otelstream.jsontext import encode_json
from otelstream.span import ids, names
from otelstream.span.chunks import ChunkKind
from otelstream.span.model import Attributes, AttributeValue, EndSpan, StartSpan
from recorder.session_row import SpanRow

_KINDS: Final[tuple[ChunkKind, ...]] = ("text", "thinking", "tool_call")
_UNTOLD: Final = frozenset(
    {
        *(names.CHUNK_COUNT_PREFIX + kind for kind in _KINDS),
        names.CHUNK_GAP_MEAN,
        names.CHUNK_GAP_P95,
        names.CHUNK_GAP_MAX,
        names.STALLS,
        names.EVENTS_DROPPED,
        names.ANOMALY_PREFIX + "clock_backwards",
        names.ANOMALY_PREFIX + "seq_backwards",
    }
)
"""What only somebody who saw every token could say, and what is said of events, which rows do not have."""

_INT64_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a span takes over from those around it where its own frame does not say, and what it is in.

    Attributes:
        agent: Role of the agent.
        task: Name of the task.
        operation: What the span itself does.
        around: What the span around it does.
    """

    agent: str | None = None
    task: str | None = None
    operation: str = ""
    around: str = ""

    def within(self, started: StartSpan) -> Inherited:
        """Return what holds for a span that started inside, and for those inside that one."""
        found, operation = started.attributes, started.name.partition(" ")[0]  # of a closed set
        agent = _text(found, names.AGENT_NAME) or _text(found, names.AGENT_ROLE)
        return Inherited(
            agent=agent if operation == names.INVOKE_AGENT else agent or self.agent,
            task=_text(found, names.TASK_NAME) if operation == names.TASK else self.task,
            operation=operation,
            around=self.operation,
        )


@dataclass(frozen=True, slots=True)
class Uncounted:
    """What the assembler has not seen: tokens of one span, frames of the whole session."""

    tokens: int
    frames: int


def span_row(
    root_key: str, started: StartSpan, end: EndSpan, inherited: Inherited, uncounted: Uncounted
) -> SpanRow:
    """Return the row of a span that has ended.

    Args:
        root_key: Key of the session's root, from which span ids are derived.
        started: How it began.
        end: How it ended.
        inherited: Agent and task, its own included, and what it is in.
        uncounted: What is to be added to the counts of frames.
    """
    found = _attributes(started, end, uncounted)
    error, parent = end.error, started.parent
    first_chunk_s = found.get(names.TIME_TO_FIRST_CHUNK)
    return SpanRow(
        span_id=_hex(root_key, started.key),
        parent_span_id=None if parent is None else _hex(root_key, parent),
        name=started.name,
        operation=inherited.operation,
        frame_id=_text(found, names.FRAME_ID) or "",
        frame_type=_text(found, names.FRAME_TYPE),
        started_at=_moment(started.start_ns),
        ended_at=_moment(end.end_ns),
        duration_ns=min(end.end_ns - started.start_ns, _INT64_MAX),
        left_open=end.left_open,
        error_type=None if error is None else error.type,
        error_message=None if error is None else error.message,
        model=_text(found, names.REQUEST_MODEL),
        provider=_text(found, names.PROVIDER_NAME),
        agent=inherited.agent,
        task=inherited.task,
        tool=_text(found, names.TOOL_NAME),
        within_tool=inherited.operation == inherited.around == names.EXECUTE_TOOL,
        call_id=_text(found, names.CALL_ID),
        finish_reason=_first(found, names.RESPONSE_FINISH_REASONS),
        input_tokens=_count(found, names.USAGE_INPUT_TOKENS),
        output_tokens=_count(found, names.USAGE_OUTPUT_TOKENS),
        cached_tokens=_count(found, names.USAGE_CACHE_READ),
        written_tokens=_count(found, names.USAGE_CACHE_CREATION),
        reasoning_tokens=_count(found, names.USAGE_REASONING),
        # Frames tell microseconds, of which a float holds 285 years exactly.
        first_chunk_ns=None
        if not isinstance(first_chunk_s, float)
        else min(round(first_chunk_s * 1e6) * 1000, _INT64_MAX),
        chunks=_count(found, names.CHUNK_COUNT),
        attributes=encode_json(found, nan="null"),
    )


def _attributes(started: StartSpan, end: EndSpan, uncounted: Uncounted) -> dict[str, AttributeValue]:
    found = {
        key: value for key, value in {**started.attributes, **end.attributes}.items() if key not in _UNTOLD
    }
    for key, more in ((names.CHUNK_COUNT, uncounted.tokens), (names.FRAMES, uncounted.frames)):
        seen = found.get(key)
        if isinstance(seen, int):
            found[key] = seen + more
    return found


def _text(found: Attributes, key: str) -> str | None:
    value = found.get(key)
    return value if isinstance(value, str) else None


def _first(found: Attributes, key: str) -> str | None:
    values = found.get(key)
    first = values[0] if isinstance(values, tuple | list) and values else None
    return first if isinstance(first, str) else None


def _count(found: Attributes, key: str) -> int | None:
    value = found.get(key)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _INT64_MAX else None
    return value if isinstance(value, int) else None


def _hex(root_key: str, key: str) -> str:
    return f"{ids.span_id(root_key, key):016x}"


def _moment(time_ns: int) -> datetime:
    try:
        return ns_datetime(time_ns).replace(tzinfo=None)
    except OverflowError:  # the first or last hours of the calendar, elsewhere than in UTC
        return datetime.max if time_ns > 0 else datetime.min
