"""What became of spans and log records on their way to a collector: none of them is lost uncounted.

Batch processors of the SDK drop the oldest when their queue is full, and exporters only log what is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

OnLoss: TypeAlias = Callable[[int, str], None]
"""Called with a number and a reason when something could not be delivered."""

REFUSED: Final = "the collector could not be reached or refused them"


class Deliveries:
    """How many spans (or records) a batch processor was given, and how many its exporter saw."""

    def __init__(self) -> None:
        self.given = 0
        self.seen = 0
        self._told = 0

    def newly_dropped(self, given: int) -> int:
        """Return how many the queue has dropped that were not told before.

        Args:
            given: `given` as it was before the queue was flushed: what came later may still wait in it.
        """
        dropped = max(0, given - self.seen - self._told)
        self._told += dropped
        return dropped


class EndedSpans(SpanProcessor):
    """Counts the spans that a batch processor takes."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_end(self, span: ReadableSpan) -> None:
        """Count an ended span; one that is not sampled is not exported."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._deliveries.given += 1


class EmittedRecords(LogRecordProcessor):
    """Counts the log records that a batch processor takes."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:  # noqa: ARG002  the SDK's signature
        """Count a record."""
        self._deliveries.given += 1

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002  the SDK's signature
        """Do nothing."""
        return True


class CountedExporter(SpanExporter):
    """Hands spans to another exporter, and says how many it could not deliver."""

    def __init__(
        self,
        exporter: SpanExporter,
        on_loss: OnLoss,
        why: str = REFUSED,
        deliveries: Deliveries | None = None,
    ) -> None:
        self._exporter = exporter
        self._on_loss = on_loss
        self._why = why
        self._deliveries = deliveries or Deliveries()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch; report its size if the other exporter fails."""
        self._deliveries.seen += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception:
            self._on_loss(len(spans), self._why)
            raise
        if result is not SpanExportResult.SUCCESS:
            self._on_loss(len(spans), self._why)
        return result

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter, within milliseconds."""
        return self._exporter.force_flush(timeout_millis)


class CountedLogs(LogRecordExporter):
    """Does the same with log records."""

    def __init__(self, exporter: LogRecordExporter, on_loss: OnLoss, deliveries: Deliveries) -> None:
        self._exporter = exporter
        self._on_loss = on_loss
        self._deliveries = deliveries

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export a batch; report its size if the other exporter fails."""
        self._deliveries.seen += len(batch)
        try:
            result = self._exporter.export(batch)
        except Exception:
            self._on_loss(len(batch), REFUSED)
            raise
        if result is not LogRecordExportResult.SUCCESS:
            self._on_loss(len(batch), REFUSED)
        return result

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Flush the other exporter, within milliseconds."""
        return self._exporter.force_flush(timeout_millis)


class CountedMetrics(MetricExporter):
    """Hands metrics to another exporter, and says when it could not deliver them."""

    def __init__(self, exporter: MetricExporter, on_loss: OnLoss) -> None:
        # The SDK's reader asks its exporter for the same two.
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._exporter = exporter
        self._on_loss = on_loss

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: object,
    ) -> MetricExportResult:
        """Export; report one loss if the other exporter fails."""
        try:
            result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        except Exception:
            self._on_loss(1, REFUSED)
            raise
        if result is not MetricExportResult.SUCCESS:
            self._on_loss(1, REFUSED)
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Flush the other exporter, within milliseconds."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown(timeout_millis, **kwargs)
