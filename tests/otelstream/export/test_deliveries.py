"""What is refused on the way to a collector, or dropped before it, is counted: spans, records and metrics."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import Counter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otelstream.export.deliveries import (
    REFUSED,
    CountedExporter,
    CountedLogs,
    CountedMetrics,
    Deliveries,
    EmittedRecords,
    EndedSpans,
)


class Refusing(SpanExporter):
    """Delivers nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE


class Raising(SpanExporter):
    """Cannot even fail properly."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ValueError("the batch cannot be encoded")


class Lost:
    """Takes note of losses."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def __call__(self, count: int, why: str) -> None:
        self.told.append((count, why))


def span() -> ReadableSpan:
    """Return an ended span."""
    return ReadableSpan("tea")


def test_a_batch_that_is_refused_is_counted() -> None:
    """The number of its spans is reported, with the reason."""
    lost: list[tuple[int, str]] = []
    CountedExporter(Refusing(), lambda count, why: lost.append((count, why))).export([span(), span()])

    assert lost == [(2, "the collector could not be reached or refused them")]


def test_a_batch_that_is_delivered_is_not_counted() -> None:
    """A success reports nothing."""
    lost: list[tuple[int, str]] = []
    CountedExporter(InMemorySpanExporter(), lambda count, why: lost.append((count, why))).export([span()])

    assert lost == []


def test_a_batch_whose_export_raises_is_counted() -> None:
    """An exporter that raises (a text that cannot be encoded) delivers nothing either."""
    lost: list[int] = []
    with pytest.raises(ValueError, match="cannot be encoded"):
        CountedExporter(Raising(), lambda count, why: lost.append(count)).export([span(), span()])

    assert lost == [2]


class Logs(LogRecordExporter):
    """Answers each export with the same result, or raises."""

    def __init__(self, result: LogRecordExportResult | None) -> None:
        self._result = result

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._result is None:
            raise ValueError("the batch cannot be encoded")
        return self._result

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True


def records(count: int) -> Sequence[ReadableLogRecord]:
    """Return so many log records."""
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    for _ in range(count):
        provider.get_logger("test").emit(event_name="tea")
    return kept.get_finished_logs()


@pytest.mark.parametrize(
    ("result", "told"),
    [(LogRecordExportResult.SUCCESS, []), (LogRecordExportResult.FAILURE, [(3, REFUSED)])],
)
def test_records_that_are_refused_are_counted(
    result: LogRecordExportResult, told: list[tuple[int, str]]
) -> None:
    """The number of records is reported with the reason, and the result passed on."""
    lost = Lost()
    passed = CountedLogs(Logs(result), lost, Deliveries()).export(records(3))

    assert (passed, lost.told) == (result, told)


def test_records_whose_export_raises_are_counted() -> None:
    """An exporter that raises delivers nothing either."""
    lost = Lost()
    with pytest.raises(ValueError, match="cannot be encoded"):
        CountedLogs(Logs(None), lost, Deliveries()).export(records(2))

    assert lost.told == [(2, REFUSED)]


class Metrics(MetricExporter):
    """Answers each export with the same result, or raises."""

    def __init__(self, result: MetricExportResult | None) -> None:
        super().__init__({Counter: AggregationTemporality.DELTA})
        self._result = result

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        if self._result is None:
            raise ValueError("the metrics cannot be encoded")
        return self._result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        pass


@pytest.mark.parametrize(
    ("result", "told"),
    [(MetricExportResult.SUCCESS, []), (MetricExportResult.FAILURE, [(1, REFUSED)])],
)
def test_metrics_that_are_refused_are_counted(
    result: MetricExportResult, told: list[tuple[int, str]]
) -> None:
    """An export that failed is one loss, and the result is passed on."""
    lost = Lost()
    passed = CountedMetrics(Metrics(result), lost).export(MetricsData([]))

    assert (passed, lost.told) == (result, told)


def test_metrics_whose_export_raises_are_counted() -> None:
    """An exporter that raises delivers nothing either."""
    lost = Lost()
    with pytest.raises(ValueError, match="cannot be encoded"):
        CountedMetrics(Metrics(None), lost).export(MetricsData([]))

    assert lost.told == [(1, REFUSED)]


def test_metrics_keep_the_temporality_of_their_exporter() -> None:
    """What the exporter prefers, or a variable chose for it, is what the reader sees."""
    counted = CountedMetrics(Metrics(MetricExportResult.SUCCESS), Lost())

    assert counted._preferred_temporality == {Counter: AggregationTemporality.DELTA}


def test_what_a_queue_drops_is_told_once() -> None:
    """What was given and never seen by the exporter has been dropped; it is told at one flush only."""
    deliveries = Deliveries()
    deliveries.given, deliveries.seen = 10, 7

    assert (deliveries.newly_dropped(10), deliveries.newly_dropped(10)) == (3, 0)


def test_what_came_during_a_flush_is_not_dropped() -> None:
    """What was given after the flush began may still wait in the queue."""
    deliveries = Deliveries()
    deliveries.given, deliveries.seen = 10, 7

    assert deliveries.newly_dropped(7) == 0


def test_sampled_spans_are_given() -> None:
    """A span that is not sampled is not exported, and so not missing."""
    deliveries = Deliveries()
    for sampler in (None, ALWAYS_OFF):
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(EndedSpans(deliveries))
        provider.get_tracer("test").start_span("tea").end()

    assert deliveries.given == 1


def test_records_are_given() -> None:
    """Each record counts, and its processor is never in the way of a flush."""
    deliveries = Deliveries()
    processor = EmittedRecords(deliveries)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    provider.get_logger("test").emit(event_name="tea")
    provider.shutdown()

    assert (deliveries.given, processor.force_flush()) == (1, True)
