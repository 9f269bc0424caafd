"""Batches cut into requests by an estimate that is near enough to the encoded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from otelstream.export.logs import LogSink
from otelstream.export.otlp import FrameProvider
from otelstream.export.sizes import SizedExporter, SizedLogs, weight, weight_of_record
from otelstream.export.tracer import TracerSink
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from otelstream.testing import assembled

SPAN = SpanContext(trace_id=0xA11, span_id=0xB0B, is_remote=False)
OPTIONS = (SpanOptions(), SpanOptions(content="SPAN_ONLY", chunk_events="all"))


class Spans(SpanExporter):
    """Remembers the names of each request; the requests listed fail."""

    def __init__(self, *failing: int) -> None:
        self.requests: list[list[str]] = []
        self.ended = 0
        self._failing = failing

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.requests.append([span.name for span in spans])
        failed = len(self.requests) in self._failing
        return SpanExportResult.FAILURE if failed else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.ended += 1

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return False


def span(name: str, weighing: int = 0) -> ReadableSpan:
    """Return an ended span with a text of that many bytes."""
    return ReadableSpan(name, attributes={"text": "x" * weighing})


def spans_of(frames: Sequence[StreamFrame], options: SpanOptions) -> list[ReadableSpan]:
    """Return the spans of a session."""
    exporter = InMemorySpanExporter()
    provider = FrameProvider(SimpleSpanProcessor(exporter), {})
    TracerSink(provider.get_tracer("otelstream")).apply(assembled(frames, options=options))
    return list(exporter.get_finished_spans())


@pytest.mark.parametrize("options", OPTIONS, ids=["default", "all of it"])
def test_the_estimate_of_a_trace_is_near(golden_frames: Sequence[StreamFrame], options: SpanOptions) -> None:
    """The weight of a session's spans is within 30 % of what they take in OTLP."""
    spans = spans_of(golden_frames, options)
    encoded = encode_spans(spans).ByteSize()

    assert sum(map(weight, spans)) == pytest.approx(encoded, rel=0.3)


def test_the_estimate_of_log_records_is_near(golden: Callable[[str], tuple[StreamFrame, ...]]) -> None:
    """So is the weight of its log records."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    options = SpanOptions(content="EVENT_ONLY", events="log")
    frames = golden("05_crew_two_agents_tools")
    sink = LogSink(provider.get_logger("otelstream"), lambda key: SPAN, all_events=True)
    sink.apply(assembled(frames, options=options))
    records: list[ReadableLogRecord] = list(exporter.get_finished_logs())

    assert sum(map(weight_of_record, records)) == pytest.approx(encode_logs(records).ByteSize(), rel=0.3)


@pytest.mark.parametrize("text", ["ä" * 10_000, "日本" * 5_000, "🫖" * 5_000])
def test_a_text_counts_its_bytes(text: str) -> None:
    """Characters of several bytes weigh as much as they take."""
    heavy = ReadableSpan("tea", attributes={"text": text})

    assert weight(heavy) == pytest.approx(len(text.encode()), rel=0.05)


def test_a_light_batch_is_one_request() -> None:
    """What fits is not cut."""
    exporter = Spans()
    SizedExporter(exporter).export([span("a"), span("b"), span("c")])

    assert exporter.requests == [["a", "b", "c"]]


def test_a_heavy_batch_is_several_requests() -> None:
    """Spans keep their order, and no request is heavier than the limit."""
    exporter = Spans()
    SizedExporter(exporter, limit=2_500).export([span(name, 1_000) for name in "abcde"])

    assert exporter.requests == [["a", "b"], ["c", "d"], ["e"]]


def test_a_span_beyond_the_limit_goes_alone() -> None:
    """It may still be refused, but takes no other span with it."""
    exporter = Spans()
    batch = [span("light"), span("heavy", 10_000), span("also light")]
    SizedExporter(exporter, limit=2_500).export(batch)

    assert exporter.requests == [["light"], ["heavy"], ["also light"]]


def test_an_empty_batch_is_no_request() -> None:
    """Nothing is sent for nothing."""
    exporter = Spans()

    assert (SizedExporter(exporter).export([]), exporter.requests) == (SpanExportResult.SUCCESS, [])


def test_one_failed_request_is_a_failure_and_the_others_are_sent() -> None:
    """What follows a request that was refused is tried all the same."""
    exporter = Spans(2)
    result = SizedExporter(exporter, limit=1_000).export([span(name, 900) for name in "abc"])

    assert (result, exporter.requests) == (SpanExportResult.FAILURE, [["a"], ["b"], ["c"]])


def test_shutdown_and_flush_reach_the_exporter() -> None:
    """What the exporter says of a flush is passed on."""
    exporter = Spans()
    sized = SizedExporter(exporter)
    sized.shutdown()

    assert (exporter.ended, sized.force_flush()) == (1, False)


class Records(LogRecordExporter):
    """Remembers how many records each request had."""

    def __init__(self) -> None:
        self.requests: list[int] = []
        self.ended = 0

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.requests.append(len(batch))
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        self.ended += 1

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return False


def test_heavy_log_records_are_several_requests() -> None:
    """Log records are cut by the same rule, and shutdown and flush reach their exporter."""
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    for _ in range(5):
        provider.get_logger("test").emit(event_name="tea", attributes={"text": "x" * 1_000})
    exporter = Records()
    sized = SizedLogs(exporter, limit=2_500)
    result = sized.export(kept.get_finished_logs())
    sized.shutdown()

    assert (result, exporter.requests, exporter.ended, sized.force_flush()) == (
        LogRecordExportResult.SUCCESS,
        [2, 2, 1],
        1,
        False,
    )


@pytest.mark.parametrize("value", [[1.5] * 1_000, [-1] * 1_000, [{}] * 1_000, [[]] * 1_000, [2**60] * 1_000])
def test_numbers_and_empty_values_weigh_what_they_take(value: list[object]) -> None:
    """A list of a thousand floats, as an embedding is, is not taken for half of what it is."""
    exporter = InMemorySpanExporter()
    provider = FrameProvider(SimpleSpanProcessor(exporter), {})
    provider.get_tracer("tests").start_span("x", attributes={"value": value}).end()  # type: ignore[dict-item]  # any JSON
    spans = exporter.get_finished_spans()
    encoded = encode_spans(spans).ByteSize()
    assert encoded * 0.95 < weight(spans[0]) < encoded * 1.6
