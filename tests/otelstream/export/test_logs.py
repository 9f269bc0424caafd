"""Events become log records of the span that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags

from otelstream.export.logs import LogSink
from otelstream.span.model import AddEvent, Anomaly, EndSpan, StartSpan

SPAN = SpanContext(trace_id=0xA11, span_id=0xB0B, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
POURED = AddEvent("a", "poured", 1_500, {"cups": 1})
FAILED = AddEvent("a", "gen_ai.client.operation.exception", 1_600, {"exception.type": "NoTea"}, log_only=True)


@pytest.fixture
def provider() -> LoggerProvider:
    """A provider whose records are kept."""
    return LoggerProvider(shutdown_on_exit=False)


def emitted(
    provider: LoggerProvider, *events: AddEvent, all_events: bool = True, known: bool = True
) -> Sequence[ReadableLogRecord]:
    """Apply the events; return the records."""
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    sink = LogSink(
        provider.get_logger("otelstream"), lambda _: SPAN if known else None, all_events=all_events
    )
    start = StartSpan("a", None, "tea", client=False, start_ns=1_000, attributes={})
    sink.apply([start, Anomaly("no_parent", "a"), *events, EndSpan("a", 2_000)])
    return kept.get_finished_logs()


def test_a_record_says_what_the_event_says(provider: LoggerProvider) -> None:
    """Name, time and attributes are those of the event, trace and span those of its span."""
    (kept,) = emitted(provider, POURED)
    record = kept.log_record

    assert (
        record.event_name,
        record.timestamp,
        record.observed_timestamp,
        dict(record.attributes or {}),
        (record.trace_id, record.span_id, record.trace_flags),
        record.severity_number,
        record.body,
    ) == (
        "poured",
        1_500,
        1_500,
        {"cups": 1},
        (0xA11, 0xB0B, TraceFlags(TraceFlags.SAMPLED)),
        SeverityNumber.INFO,
        None,
    )


def test_an_exception_is_a_warning(provider: LoggerProvider) -> None:
    """As the conventions have it for `gen_ai.client.operation.exception`."""
    (kept,) = emitted(provider, FAILED)

    assert kept.log_record.severity_number is SeverityNumber.WARN


def test_records_of_the_conventions_can_be_all(provider: LoggerProvider) -> None:
    """Where events stay on the spans, only what is a record by convention is emitted."""
    kept = emitted(provider, POURED, FAILED, all_events=False)

    assert [record.log_record.event_name for record in kept] == ["gen_ai.client.operation.exception"]


def test_the_span_of_the_applying_thread_is_not_the_records(provider: LoggerProvider) -> None:
    """A record about a span that is not known has no ids, whatever is active where it is emitted."""
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("other"):
        (kept,) = emitted(provider, POURED, known=False)

    assert kept.log_record.span_id in (None, trace.INVALID_SPAN_ID)
