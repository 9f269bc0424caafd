"""Operations become spans of a tracer: at the frames' own times, with parents, links, events and status."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags

from otelstream.export.ids import FrameIdGenerator
from otelstream.export.tracer import TracerSink
from otelstream.span import ids
from otelstream.span.model import AddEvent, Anomaly, EndSpan, Follow, Link, Operation, SpanError, StartSpan

ROOT = StartSpan("a", None, "invoke_workflow Tea", client=False, start_ns=1_000, attributes={"cups": 2})
CHILD = StartSpan("b", "a", "chat kettle", client=True, start_ns=2_000, attributes={})
CALLER = SpanContext(
    trace_id=0xA11, span_id=0xB0B, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Where ended spans are."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """A provider with derived ids."""
    provider = TracerProvider(id_generator=FrameIdGenerator(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def sink(provider: TracerProvider) -> TracerSink:
    """A sink whose session began outside of any span."""
    return TracerSink(provider.get_tracer("otelstream"))


def ended(exporter: InMemorySpanExporter, sink: TracerSink, *operations: Operation) -> list[ReadableSpan]:
    """Apply the operations; return the spans that ended."""
    sink.apply(operations)
    return list(exporter.get_finished_spans())


def test_a_span_has_the_times_of_its_frames(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Start and end are those of the operations, to the nanosecond."""
    (span,) = ended(exporter, sink, ROOT, EndSpan("a", 5_001))

    assert (span.start_time, span.end_time) == (1_000, 5_001)


def test_a_span_has_the_attributes_of_its_start_and_its_end(
    exporter: InMemorySpanExporter, sink: TracerSink
) -> None:
    """What the end says is added, and wins."""
    (span,) = ended(exporter, sink, ROOT, EndSpan("a", 5_000, {"cups": 3, "end": "completed"}))

    assert dict(span.attributes or {}) == {"cups": 3, "end": "completed"}


def test_a_client_span_is_of_that_kind(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Model calls are CLIENT, all else is INTERNAL."""
    spans = ended(exporter, sink, ROOT, CHILD, EndSpan("b", 3_000), EndSpan("a", 5_000))

    assert [span.kind for span in spans] == [SpanKind.CLIENT, SpanKind.INTERNAL]


def test_a_child_hangs_beneath_its_parent(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """The parent is the span of the parent's key, in the same trace."""
    child, root = ended(exporter, sink, ROOT, CHILD, EndSpan("b", 3_000), EndSpan("a", 5_000))

    assert child.parent == root.context


def test_a_root_has_no_parent(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Outside of any span the session's root is the root of the trace."""
    (span,) = ended(exporter, sink, ROOT, EndSpan("a", 5_000))

    assert span.parent is None


def test_an_active_span_of_the_applying_thread_is_no_parent(
    exporter: InMemorySpanExporter, sink: TracerSink, provider: TracerProvider
) -> None:
    """Only the span that was active in the caller counts, not one where the operations are applied."""
    with provider.get_tracer("other").start_as_current_span("other"):
        spans = ended(exporter, sink, ROOT, EndSpan("a", 5_000))

    assert spans[0].parent is None


def test_the_callers_span_is_the_parent_of_the_root(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """The session's root is a child of the span that it is given, in its trace."""
    sink = TracerSink(provider.get_tracer("otelstream"), CALLER)
    (span,) = ended(exporter, sink, ROOT, EndSpan("a", 5_000))

    assert (span.parent, sink.trace_id) == (CALLER, 0xA11)


def test_ids_are_derived_from_frames(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """The trace id comes from the root's frame, each span id from the frame that opened the span."""
    spans = ended(exporter, sink, ROOT, CHILD, EndSpan("b", 3_000), EndSpan("a", 5_000))

    assert [(span.context.trace_id, span.context.span_id) for span in spans if span.context] == [
        (ids.trace_id("a"), ids.span_id("a", "b")),
        (ids.trace_id("a"), ids.span_id("a", "a")),
    ]


def test_the_trace_id_is_known_from_the_start(sink: TracerSink) -> None:
    """It is None before the root, and then the root's."""
    before = sink.trace_id
    sink.apply([ROOT])

    assert (before, sink.trace_id) == (None, ids.trace_id("a"))


def test_an_event_has_its_own_time(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Name, time and attributes are those of the operation."""
    (span,) = ended(exporter, sink, ROOT, AddEvent("a", "poured", 1_500, {"cups": 1}), EndSpan("a", 5_000))

    assert [(event.name, event.timestamp, dict(event.attributes or {})) for event in span.events] == [
        ("poured", 1_500, {"cups": 1})
    ]


def test_a_link_says_what_it_stands_for(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """A link points to the span of its key, ended or not, and has the relation as an attribute."""
    linked = StartSpan(
        "c", "a", "method", client=False, start_ns=4_000, attributes={}, links=(Link("b", "triggered_by"),)
    )
    child, span, _ = ended(
        exporter, sink, ROOT, CHILD, EndSpan("b", 3_000), linked, EndSpan("c", 4_500), EndSpan("a", 5_000)
    )

    assert [(link.context, dict(link.attributes or {})) for link in span.links] == [
        (child.context, {"otelstream.link": "triggered_by"})
    ]


def test_an_error_is_the_status(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """The status is ERROR with the message, and `error.type` is set; nothing else records the exception."""
    (span,) = ended(exporter, sink, ROOT, EndSpan("a", 5_000, {}, SpanError("NoTea", "there is none")))

    assert (
        span.status.status_code,
        span.status.description,
        (span.attributes or {})["error.type"],
        span.events,
    ) == (StatusCode.ERROR, "there is none", "NoTea", ())


def test_a_success_leaves_the_status_unset(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """As the conventions have it, OK is for people to set."""
    (span,) = ended(exporter, sink, ROOT, EndSpan("a", 5_000))

    assert span.status.status_code is StatusCode.UNSET


def test_an_anomaly_does_nothing(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Anomalies are counted by the assembler, and are no spans."""
    assert ended(exporter, sink, Anomaly("end_without_start", "x")) == []


def test_a_span_that_does_not_end_is_not_exported(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Only the end sends a span."""
    assert ended(exporter, sink, ROOT, CHILD) == []


def test_an_unsampled_parent_leaves_the_session_unsampled(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """By default the caller's decision holds for the whole session."""
    unsampled = SpanContext(trace_id=0xA11, span_id=0xB0B, is_remote=False)
    sink = TracerSink(provider.get_tracer("otelstream"), unsampled)

    assert ended(exporter, sink, ROOT, CHILD, EndSpan("b", 3_000), EndSpan("a", 5_000)) == []


PENDING = StartSpan(
    "b",
    "a",
    "chat kettle",
    client=True,
    start_ns=2_000,
    attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": "tea?", "cups": 1},
)


def test_an_announcement_stands_for_an_open_span(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """It is a child without length, with an id of its own and the attributes of its span, but no content.

    Without the operation it is not counted as a second call.
    """
    sink.apply([ROOT, PENDING])
    sink.announce(2_001)
    _, announced = exporter.get_finished_spans()

    assert announced.parent is not None
    assert announced.context is not None
    assert (
        announced.name,
        announced.parent.span_id,
        (announced.start_time, announced.end_time),
        dict(announced.attributes or {}),
        announced.context.span_id,
    ) == (
        "chat kettle",
        ids.span_id("a", "b"),
        (2_000, 2_000),
        {"cups": 1, "otelstream.pending": True},
        ids.span_id("a", "pending b"),
    )


def test_only_what_began_before_a_time_is_announced(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """A span that began at that moment or later is not old enough."""
    sink.apply([ROOT, CHILD])
    sink.announce(2_000)

    assert [span.name for span in exporter.get_finished_spans()] == ["invoke_workflow Tea"]


def test_a_span_is_announced_once(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """Asking again announces what is new only."""
    sink.apply([ROOT])
    sink.announce(9_000)
    sink.announce(9_000)
    sink.apply([CHILD])
    sink.announce(9_000)

    assert [span.name for span in exporter.get_finished_spans()] == ["invoke_workflow Tea", "chat kettle"]


def test_a_span_that_has_ended_is_not_announced(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """It has been told in full."""
    sink.apply([ROOT, CHILD, EndSpan("b", 3_000), EndSpan("a", 5_000)])
    exporter.clear()
    sink.announce(9_000)

    assert exporter.get_finished_spans() == ()


def test_a_root_links_to_the_session_before(exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    """The link says what ties the two, and whoever knows the earlier one is given this one's root."""
    asked: list[tuple[str, str, SpanContext]] = []

    def earlier(relation: str, tie: str, root: SpanContext) -> SpanContext:
        asked.append((relation, tie, root))
        return CALLER

    sink = TracerSink(provider.get_tracer("otelstream"), earlier=earlier)
    (span,) = ended(exporter, sink, ROOT, Follow("a", "conversation", "talk-1"), EndSpan("a", 5_000))

    assert (asked, [(link.context, dict(link.attributes or {})) for link in span.links]) == (
        [("conversation", "talk-1", span.context)],
        [(CALLER, {"otelstream.link": "conversation"})],
    )


def test_a_first_session_has_no_link(exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    """Where no earlier one is known, nothing is linked."""
    sink = TracerSink(provider.get_tracer("otelstream"), earlier=lambda *_: None)
    (span,) = ended(exporter, sink, ROOT, Follow("a", "resumed", "state-1"), EndSpan("a", 5_000))

    assert span.links == ()


def test_events_can_be_left_to_the_logs(exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    """Without span events a span is what it was, but for its events."""
    sink = TracerSink(provider.get_tracer("otelstream"), span_events=False)
    (span,) = ended(exporter, sink, ROOT, AddEvent("a", "poured", 1_500, {}), EndSpan("a", 5_000))

    assert span.events == ()


def test_a_record_of_the_conventions_is_no_event(exporter: InMemorySpanExporter, sink: TracerSink) -> None:
    """What is a log record by convention never stands on a span."""
    event = AddEvent("a", "gen_ai.client.operation.exception", 1_500, {}, log_only=True)
    (span,) = ended(exporter, sink, ROOT, event, EndSpan("a", 5_000))

    assert span.events == ()


def test_a_span_that_ended_is_still_known(sink: TracerSink) -> None:
    """Records about it, and links to it, find its ids."""
    before = sink.span_context("b")
    sink.apply([ROOT, CHILD, EndSpan("b", 3_000)])
    found = sink.span_context("b")

    assert (before, found is not None and found.span_id) == (None, ids.span_id("a", "b"))
