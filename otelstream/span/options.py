"""How frames shall become spans: every choice that the assembler and the exporting shell offer."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal, TypeAlias, get_args

from otelstream.span.chunks import ChunkEvents
from otelstream.span.names import Convention
from otelstream.span.rules import Pair, with_rows

ContentPolicy: TypeAlias = Literal["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"]
ContentForm: TypeAlias = Literal["structured", "json"]
EventsAs: TypeAlias = Literal["span", "log", "both"]

_CHOICES: Final = {
    "chunk_events": get_args(ChunkEvents),
    "content": get_args(ContentPolicy),
    "content_form": get_args(ContentForm),
    "events": get_args(EventsAs),
    "semconv": get_args(Convention),
}

_LEAST: Final = {
    "pending_after_ms": 0,
    "stall_ms": 1,
    "attribute_bytes": 1,
    "content_bytes": 1,
    "span_events": 1,
    "span_bytes": 1,
    "trace_bytes": 1,
}

STALL_MS: Final = 2_000
ATTRIBUTE_BYTES: Final = 2_048
CONTENT_BYTES: Final = 65_536
SPAN_EVENTS: Final = 20_000
SPAN_BYTES: Final = 3_000_000
TRACE_BYTES: Final = 4_500_000


@dataclass(frozen=True, slots=True)
class SpanOptions:
    """Choices of one session; each has its variable `OTELSTREAM_<NAME>`, but for `rows` and `content`.

    Attributes:
        chunk_events: What becomes of token frames: at most 100 events a span (`coalesced`), one event a frame
            (`all`; on a tracer provider that is not ours `coalesced`, as it would drop all but 128), or only
            their counts on the span (`off`).
        collapse_internal_flows: Whether CrewAI's own flows (`AgentExecutor`, `EncodingFlow`, `RecallFlow`)
            are events on the span around them instead of spans.
        content: Whether prompts, answers, arguments and results are exported, and where to: nowhere, as
            attributes of spans, in log records, or both
            (`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`).
        content_form: How content that is no text stands on spans: as lists and maps, or as JSON text, which
            some backends ask for (Phoenix) and others cut (Tempo, at 2,048 bytes).
        events: Whether frames that are no spans become events of spans, log records, or both.
        pending_spans: Whether a span that has been open for `pending_after_ms` is announced, so that a long
            run can be seen before it ends.
        pending_after_ms: How long a span is open before it is announced, in ms.
        stall_ms: Time between two chunks from which on it is an event of its own, in ms.
        semconv: Which version of the GenAI conventions names attributes and metrics.
        attribute_bytes: Longest string attribute, in bytes of UTF-8; Tempo cuts them at 2,048.
        content_bytes: Longest text inside captured content, in bytes of UTF-8.
        span_events: Most events of one span; on a tracer provider that is not ours at most the SDK's 128, of
            which it would drop the first.
        span_bytes: What attributes and events of one span may weigh, in bytes by estimate; gRPC receivers
            take messages of 4 MiB.
        trace_bytes: The same for all spans of a session; Tempo refuses what a trace has beyond 5 MB.
        rows: Start and end types of your own, as `otelstream.span.rules.Pair`.
    """

    chunk_events: ChunkEvents = "coalesced"
    collapse_internal_flows: bool = True
    content: ContentPolicy = "NO_CONTENT"
    content_form: ContentForm = "structured"
    events: EventsAs = "span"
    pending_spans: bool = False
    pending_after_ms: int = 5_000
    stall_ms: int = STALL_MS
    semconv: Convention = "1.41"
    attribute_bytes: int = ATTRIBUTE_BYTES
    content_bytes: int = CONTENT_BYTES
    span_events: int = SPAN_EVENTS
    span_bytes: int = SPAN_BYTES
    trace_bytes: int = TRACE_BYTES
    rows: tuple[Pair, ...] = ()

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            ValueError: A choice does not exist, a number is too small, or a row does not fit into the table.
        """
        for name, choices in _CHOICES.items():
            value = attrgetter(name)(self)
            if value not in choices:
                raise ValueError(f"{name}={value!r} is no choice; take {', '.join(choices)}.")
        for name, least in _LEAST.items():
            value = attrgetter(name)(self)
            if value < least:
                raise ValueError(f"{name}={value!r} is too little; take at least {least}.")
        with_rows(self.rows)

    @property
    def content_on_spans(self) -> bool:
        """Whether captured content becomes attributes of spans."""
        return self.content in ("SPAN_ONLY", "SPAN_AND_EVENT")

    @property
    def content_in_logs(self) -> bool:
        """Whether captured content goes out in log records."""
        return self.content in ("EVENT_ONLY", "SPAN_AND_EVENT")

    @property
    def stall_ns(self) -> int:
        """`stall_ms` in nanoseconds."""
        return self.stall_ms * 1_000_000

    @property
    def uses_logs(self) -> bool:
        """Whether any log record is made."""
        return self.events != "span" or self.content_in_logs
