"""What a session's spans are fitted to, which earlier runs are known, and what rows a process has."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NoOpTracerProvider, SpanContext
from opentelemetry.trace import TracerProvider as ApiTracerProvider

from otelstream.bridge import spans
from otelstream.bridge.spans import Destinations, EarlierRuns, fitted, options_of
from otelstream.config import Settings
from otelstream.export.instruments import Instruments
from otelstream.export.otlp import FrameProvider
from otelstream.export.standing import Standing
from otelstream.span.options import SpanOptions
from otelstream.span.rules import Kind, Pair

ROW = Pair(Kind("shipment", "ship"), "shipment_started", ("shipment_done",))
ROWS = (ROW,)
TEXT = "no row"


def context(number: int) -> SpanContext:
    """Return a span's context with ids of that number."""
    return SpanContext(trace_id=number, span_id=number, is_remote=False)


def ours(**environ: str) -> FrameProvider:
    """Return a provider made here."""
    return FrameProvider(SimpleSpanProcessor(InMemorySpanExporter()), environ)


def test_the_latest_run_with_a_tie_is_found() -> None:
    """Each run is told of the one before it, and is itself the one before the next."""
    earlier = EarlierRuns()

    assert [earlier.exchange("conversation", "talk", context(number)) for number in (1, 2, 3)] == [
        None,
        context(1),
        context(2),
    ]


def test_ties_of_different_kinds_are_told_apart() -> None:
    """A conversation's id is no state's id, though they may be the same text."""
    earlier = EarlierRuns()
    earlier.exchange("conversation", "same", context(1))

    assert earlier.exchange("resumed", "same", context(2)) is None


def test_a_run_without_a_trace_is_no_earlier_run() -> None:
    """Without a tracer provider there are no ids that one could link to."""
    earlier = EarlierRuns()
    earlier.exchange("conversation", "talk", INVALID_SPAN_CONTEXT)

    assert earlier.exchange("conversation", "talk", context(2)) is None


def test_the_oldest_runs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded; a run that was continued lately stays."""
    monkeypatch.setattr(spans, "REMEMBERED_RUNS", 2)
    earlier = EarlierRuns()
    for tie in ("a", "b", "a", "c"):
        earlier.exchange("conversation", tie, context(1))

    assert [earlier.exchange("conversation", tie, context(2)) is not None for tie in ("a", "b")] == [
        True,
        False,
    ]


def test_a_session_may_go_nowhere() -> None:
    """Without a provider there is nothing to map for."""
    assert Destinations(None, None, None).exist is False


def test_one_destination_is_enough() -> None:
    """Metrics alone need the mapping too."""
    meter = MeterProvider(shutdown_on_exit=False).get_meter("test")
    instruments = Instruments(meter, "1.41", Standing())

    assert Destinations(None, None, instruments).exist is True


@pytest.mark.parametrize(
    ("provider", "events", "chunk_events"),
    [
        (ours(), "span", "all"),
        (ours(), "both", "all"),
        (ours(OTEL_SPAN_EVENT_COUNT_LIMIT="128"), "span", "coalesced"),
        (TracerProvider(shutdown_on_exit=False), "span", "coalesced"),
        (TracerProvider(shutdown_on_exit=False), "both", "coalesced"),
        (TracerProvider(shutdown_on_exit=False), "log", "all"),
    ],
)
def test_every_chunk_is_an_event_where_the_spans_keep_them(
    provider: TracerProvider, events: str, chunk_events: str
) -> None:
    """A provider that keeps 128 events a span gets runs of chunks, unless the events are log records."""
    options = SpanOptions(chunk_events="all", events=events)  # type: ignore[arg-type]  # a parameter

    assert fitted(options, provider).chunk_events == chunk_events


@pytest.mark.parametrize("chunk_events", ["coalesced", "off"])
def test_what_fits_stays(chunk_events: str) -> None:
    """Fewer events than that are as they were asked for."""
    options = SpanOptions(chunk_events=chunk_events)  # type: ignore[arg-type]  # a parameter

    assert fitted(options, TracerProvider(shutdown_on_exit=False)).chunk_events == chunk_events


def test_a_process_without_rows_has_none() -> None:
    """The runtime's own table is all there is."""
    assert options_of(Settings()) == (SpanOptions(), [])


@pytest.mark.parametrize("name", ["ROWS", "ROW"])
def test_rows_of_a_module_are_used(name: str) -> None:
    """One row or several, with everything else as the settings say."""
    settings = Settings(rows=f"tests.otelstream.bridge.test_spans:{name}", semconv="main")

    assert options_of(settings) == (SpanOptions(semconv="main", rows=ROWS), [])


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (
            "no_such_module:ROWS",
            "no_such_module:ROWS cannot be imported: there is no module 'no_such_module'",
        ),
        ("tests.otelstream.bridge.test_spans:NONE", "has no attribute 'NONE'"),
        ("tests.otelstream.bridge.test_spans:TEXT", "TEXT holds no rows"),
        ("otelstream.span.rules:PAIRS", "the kind 'flow' is one of otelstream's own"),
        ("rows", "'rows' names no rows"),
    ],
)
def test_rows_that_cannot_be_used_are_left_out_and_told(rows: str, why: str) -> None:
    """A sentence names the variable, its value and what is wrong; all other settings hold."""
    options, (problem,) = options_of(Settings(rows=rows, semconv="main"))

    assert options == SpanOptions(semconv="main")
    assert problem.startswith(f"OTELSTREAM_ROWS={rows} is left out: ")
    assert why in problem


@pytest.mark.parametrize(
    ("provider", "mode", "events"),
    [
        (FrameProvider(SimpleSpanProcessor(InMemorySpanExporter()), {}), "all", 20_000),
        (TracerProvider(shutdown_on_exit=False), "coalesced", 128),
        (TracerProvider(span_limits=SpanLimits(max_events=50), shutdown_on_exit=False), "coalesced", 50),
        (NoOpTracerProvider(), "coalesced", 128),
        (None, "all", 20_000),
    ],
)
def test_a_span_has_the_events_that_its_provider_keeps(
    provider: ApiTracerProvider | None, mode: str, events: int
) -> None:
    """Whatever the provider would drop is not given to it, but counted."""
    found = fitted(SpanOptions(chunk_events="all"), provider)
    assert (found.chunk_events, found.span_events) == (mode, events)
