"""Batches of spans and log records cut into requests that receivers accept; they refuse others whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otelstream.span.budget import weight_of

T = TypeVar("T")

REQUEST_BYTES: Final = 3_500_000
"""What one request may weigh; gRPC receivers (Jaeger, the Collector) take 4 MiB unless told more."""

_SPAN_BYTES: Final = 150
_RECORD_BYTES: Final = 60
_PART_BYTES: Final = 40


class SizedExporter(SpanExporter):
    """Hands batches on in requests of at most `REQUEST_BYTES`, a span that is bigger alone in its own.

    Args:
        exporter: The exporter that sends them.
        limit: Bytes of one request, by estimate.
    """

    def __init__(self, exporter: SpanExporter, limit: int = REQUEST_BYTES) -> None:
        self._exporter = exporter
        self._limit = limit

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch in as many requests as it takes; it failed if one of them did."""
        results = [self._exporter.export(part) for part in parts(spans, weight, self._limit)]
        failed = [result for result in results if result is not SpanExportResult.SUCCESS]
        return failed[0] if failed else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter, within milliseconds."""
        return self._exporter.force_flush(timeout_millis)


class SizedLogs(LogRecordExporter):
    """Does the same with log records.

    Args:
        exporter: The exporter that sends them.
        limit: Bytes of one request, by estimate.
    """

    def __init__(self, exporter: LogRecordExporter, limit: int = REQUEST_BYTES) -> None:
        self._exporter = exporter
        self._limit = limit

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export a batch in as many requests as it takes; it failed if one of them did."""
        results = [self._exporter.export(part) for part in parts(batch, weight_of_record, self._limit)]
        failed = [result for result in results if result is not LogRecordExportResult.SUCCESS]
        return failed[0] if failed else LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Flush the other exporter, within milliseconds."""
        return self._exporter.force_flush(timeout_millis)


def weight_of_record(record: ReadableLogRecord) -> int:
    """Return about how many bytes of OTLP a log record takes."""
    inner = record.log_record
    return _RECORD_BYTES + sum(weight_of(part) for part in (inner.attributes, inner.body, inner.event_name))


def weight(span: ReadableSpan) -> int:
    """Return about how many bytes of OTLP a span takes."""
    told = [span.attributes, *(event.attributes for event in span.events)]
    told.extend(link.attributes for link in span.links)
    texts = (span.name, span.status.description or "", *(event.name for event in span.events))
    return (
        _SPAN_BYTES
        + sum(_PART_BYTES + weight_of(part) for part in told if part)
        + sum(weight_of(text) for text in texts)
    )


def parts(items: Sequence[T], weigh: Callable[[T], int], limit: int = REQUEST_BYTES) -> Iterator[Sequence[T]]:
    """Yield items in parts of at most that weight in bytes; one that is heavier is a part of its own."""
    part: list[T] = []
    size = 0
    for item in items:
        more = weigh(item)
        if part and size + more > limit:
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part
