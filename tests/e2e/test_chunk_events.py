"""A call of 5,000 chunks over real sockets: as few events, or as many, as were asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelstream
from otelstream.span.options import EventsAs, SpanOptions
from tests.e2e.received import ReceivedSpan, spans_of
from tests.e2e.receiver import PROTOCOLS, receiver_of
from tests.e2e.runs import golden, observed_to, session

LONG = "20_long_5000_chunks.jsonl.gz"
CHUNK = "llm_stream_chunk"
COUNT = "otelstream.chunk.count"

CHUNK_IDS = [frame.id for frame in golden(LONG) if frame.type == CHUNK]


def chat_of(
    protocol: str, monkeypatch: pytest.MonkeyPatch, options: SpanOptions
) -> tuple[ReceivedSpan, list[int]]:
    """Observe the call; return its span as it arrived, and the bytes of each request."""
    with receiver_of(protocol) as receiver:
        observed_to(receiver, monkeypatch, golden(LONG), spans=options)
        (chat,) = (span for span in spans_of(receiver) if span.name.startswith("chat"))
        return chat, [len(payload) for payload in receiver.payloads]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_coalesced_chunks_are_few_and_all_counted(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 100 events arrive, whose counts sum to 5,000; the span's own count says the same."""
    chat, _ = chat_of(protocol, monkeypatch, SpanOptions(chunk_events="coalesced"))
    counts = [event.attributes[COUNT] for event in chat.events if event.name == CHUNK]

    assert len(counts) <= 100
    assert (sum(map(int, map(str, counts))), chat.attributes["otelstream.chunks"], chat.dropped_events) == (
        5_000,
        5_000,
        0,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_chunks_arrive_one_by_one(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`all` gives an event for each chunk, in order, none dropped by the SDK, and the request is accepted."""
    chat, _ = chat_of(protocol, monkeypatch, SpanOptions(chunk_events="all"))
    ids = [event.attributes["crewai.frame.id"] for event in chat.events if event.name == CHUNK]

    assert (ids, chat.dropped_events, otelstream.losses()) == (CHUNK_IDS, 0, {})


def test_all_chunks_fit_into_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 5,000 events no request reaches the 4 MiB that a gRPC receiver takes."""
    _, sizes = chat_of("grpc", monkeypatch, SpanOptions(chunk_events="all"))

    assert max(sizes) < 4 * 1024 * 1024


def test_chunks_can_be_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """`off` leaves their counts on the span and nothing else."""
    chat, _ = chat_of("http/protobuf", monkeypatch, SpanOptions(chunk_events="off"))

    assert (chat.events, chat.attributes["otelstream.chunks"]) == ((), 5_000)


@pytest.fixture
def foreign() -> tuple[TracerProvider, InMemorySpanExporter]:
    """A provider as programs make it, with the SDK's limit of 128 events a span."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def chat_in(spans: Sequence[ReadableSpan]) -> ReadableSpan:
    """Return the span of the call."""
    (chat,) = (span for span in spans if span.name.startswith("chat"))
    return chat


@pytest.mark.parametrize("events", ["span", "both"])
def test_a_provider_of_the_program_gets_no_more_than_it_keeps(
    foreign: tuple[TracerProvider, InMemorySpanExporter], events: EventsAs
) -> None:
    """With `all` a provider that is not ours gets runs: at most 100 events, the first and the last alone."""
    provider, exporter = foreign
    options = SpanOptions(chunk_events="all", events=events)
    list(otelstream.observe(session(golden(LONG)), tracer_provider=provider, spans=options))
    chat = chat_in(exporter.get_finished_spans())
    runs = [dict(event.attributes or {}) for event in chat.events]
    first, last = runs[0], runs[-1]

    assert (len(runs) <= 100, chat.dropped_events) == (True, 0)
    assert ((first["crewai.frame.id"], first[COUNT]), (last["crewai.frame.id"], last[COUNT])) == (
        (CHUNK_IDS[0], 1),
        (CHUNK_IDS[-1], 1),
    )
    assert sum(int(str(run[COUNT])) for run in runs) == 5_000


def test_a_limit_of_the_environment_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `OTEL_SPAN_EVENT_COUNT_LIMIT` set even our provider gets runs, so that nothing is dropped."""
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "128")
    chat, _ = chat_of("http/protobuf", monkeypatch, SpanOptions(chunk_events="all"))

    assert (len(chat.events) <= 100, chat.dropped_events) == (True, 0)


def test_both_signals_can_have_every_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """`all` with `both` still puts every chunk on the span of our own provider."""
    chat, _ = chat_of("http/protobuf", monkeypatch, SpanOptions(chunk_events="all", events="both"))

    assert len([event for event in chat.events if event.name == CHUNK]) == 5_000
