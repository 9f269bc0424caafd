"""Events as log records: what would be on the spans, with the same names, times and attributes."""

from __future__ import annotations

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

import otelstream
from otelstream.span.options import EventsAs, SpanOptions
from tests.e2e.received import ReceivedLog, ReceivedSpan, logs_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, receiver_of
from tests.e2e.runs import golden, observed_to, session

CREW = "05_crew_two_agents_tools.jsonl.gz"
LONG = "20_long_5000_chunks.jsonl.gz"
FAILED = "16d_llm_stream_events_error.jsonl"

Told = tuple[str, int, str, str, list[tuple[str, object]]]
"""Name, time, trace, span and attributes of an event or a record."""


def sent(
    events: EventsAs, monkeypatch: pytest.MonkeyPatch, name: str = CREW, protocol: str = PROTOCOLS[0]
) -> tuple[list[ReceivedSpan], list[ReceivedLog]]:
    """Observe a golden stream; return the spans and the log records that arrived."""
    with receiver_of(protocol) as receiver:
        observed_to(receiver, monkeypatch, golden(name), spans=SpanOptions(events=events))
        return spans_of(receiver), logs_of(receiver)


def of_spans(spans: list[ReceivedSpan]) -> list[Told]:
    """Return the events of all spans, in the order of their times."""
    told = [
        (event.name, event.time_ns, span.trace_id, span.span_id, sorted(event.attributes.items()))
        for span in spans
        for event in span.events
    ]
    return sorted(told, key=repr)


def of_records(records: list[ReceivedLog]) -> list[Told]:
    """Return the records in the same words."""
    told = [
        (record.name, record.time_ns, record.trace_id, record.span_id, sorted(record.attributes.items()))
        for record in records
    ]
    return sorted(told, key=repr)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_records_are_what_the_events_of_spans_are(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`log` gives as records what `span` gives as events: names, times, attributes, trace and span."""
    spans, _ = sent("span", monkeypatch, protocol=protocol)
    _, records = sent("log", monkeypatch, protocol=protocol)

    assert of_records(records) == of_spans(spans) != []


def test_with_records_no_span_has_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """`log` leaves the spans without events, and otherwise as they are."""
    with_events, _ = sent("span", monkeypatch)
    without, _ = sent("log", monkeypatch)

    assert [(span.span_id, span.attributes, span.events) for span in without] == [
        (span.span_id, span.attributes, ()) for span in with_events
    ]


def test_by_default_there_are_no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes to `/v1/logs` unless records are asked for."""
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, golden(CREW))

    assert receiver.paths == ["/v1/traces"]


def test_both_gives_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """`both` gives events on the spans and the same as records."""
    spans, records = sent("both", monkeypatch)

    assert of_records(records) == of_spans(spans) != []


def test_records_have_the_severity_of_information(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in a healthy run is a warning."""
    _, records = sent("log", monkeypatch)

    assert {record.severity for record in records} == {"INFO"}


def test_a_failed_call_is_a_record_of_the_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure of a model call is `gen_ai.client.operation.exception`, with the severity of a warning."""
    spans, records = sent("log", monkeypatch, FAILED)
    message = spans[0].status_message

    assert [(record.name, record.severity, record.span_id, record.attributes) for record in records] == [
        (
            "gen_ai.client.operation.exception",
            "WARN",
            spans[0].span_id,
            {"exception.type": "500", "exception.message": message},
        )
    ]


def test_every_chunk_can_be_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `chunk_events="all"` the 5,000 chunks of a call are 5,000 records, and none is lost on the way."""
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, golden(LONG), spans=SpanOptions(events="log", chunk_events="all"))
        names = [record.name for record in logs_of(receiver)]

    assert (names.count("llm_stream_chunk"), otelstream.losses()) == (5_000, {})


@pytest.fixture
def kept() -> tuple[LoggerProvider, InMemoryLogRecordExporter]:
    """A logger provider of the program's, and where its records are."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    return provider, exporter


def test_a_logger_provider_can_be_given(kept: tuple[LoggerProvider, InMemoryLogRecordExporter]) -> None:
    """`observe(logger_provider=…)` is where the records go; nothing need be in the environment."""
    provider, exporter = kept
    list(otelstream.observe(session(), logger_provider=provider, spans=SpanOptions(events="log")))
    names = {finished.log_record.event_name for finished in exporter.get_finished_logs()}

    assert "llm_stream_chunk" in names


def test_the_programs_logger_provider_is_used(
    kept: tuple[LoggerProvider, InMemoryLogRecordExporter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the program has set a global provider, the records go there."""
    provider, exporter = kept
    monkeypatch.setattr("otelstream.bridge.providers.get_logger_provider", lambda: provider)
    list(otelstream.observe(session(), spans=SpanOptions(events="log")))

    assert exporter.get_finished_logs() != ()


def test_a_variable_chooses_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTELSTREAM_EVENTS=log` is the same as `SpanOptions(events="log")`."""
    monkeypatch.setenv("OTELSTREAM_EVENTS", "log")
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, golden(CREW))
        found = logs_of(receiver), {len(span.events) for span in spans_of(receiver)}
    _, records = sent("log", monkeypatch)

    assert (of_records(found[0]), found[1]) == (of_records(records), {0})


def test_events_are_not_lost_where_there_are_no_logs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where records are asked for and nothing takes them, that is said: events do not vanish."""
    with HttpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.endpoint}/v1/traces")
        list(otelstream.observe(session(), spans=SpanOptions(events="log")))
        otelstream.shutdown(10)

    assert [record.levelname for record in caplog.records if record.name == "otelstream"] == ["WARNING"]
