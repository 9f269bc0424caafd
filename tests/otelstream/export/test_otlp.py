"""Which exporter the standard variables choose, and what is counted when it does not deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelstream.errors import ExportError
from otelstream.export.ids import FrameIdGenerator
from otelstream.export.otlp import (
    BATCH_SPANS,
    CollectedSpans,
    FrameProvider,
    exporter_from_environment,
    global_provider,
    provider_from_environment,
    wants_export,
)

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
TRACES_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
EXPORTER: Final = "OTEL_TRACES_EXPORTER"
DISABLED: Final = "OTEL_SDK_DISABLED"
URL: Final = "http://127.0.0.1:4318"


class Refusing(SpanExporter):
    """Delivers nothing, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.batches.append(len(spans))
        return SpanExportResult.FAILURE


def span() -> ReadableSpan:
    """Return an ended span."""
    return ReadableSpan("tea")


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: URL}, True),
        ({TRACES_ENDPOINT: URL}, True),
        ({ENDPOINT: ""}, False),
        ({EXPORTER: "otlp"}, True),
        ({EXPORTER: "console"}, True),
        ({EXPORTER: ""}, False),
        ({EXPORTER: "none"}, False),
        ({EXPORTER: "none", ENDPOINT: URL}, False),
        ({DISABLED: "true", ENDPOINT: URL}, False),
        ({DISABLED: "TRUE", ENDPOINT: URL}, False),
        ({DISABLED: "false", ENDPOINT: URL}, True),
        ({PROTOCOL: "grpc"}, False),
    ],
)
def test_an_export_is_wanted_where_a_variable_names_one(environ: Mapping[str, str], wanted: bool) -> None:
    """An endpoint or an exporter asks for it; `none` and the switch of the SDK forbid it."""
    assert wants_export(environ) is wanted


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, HttpExporter),
        ({PROTOCOL: ""}, HttpExporter),
        ({PROTOCOL: "http/protobuf"}, HttpExporter),
        ({PROTOCOL: "grpc"}, GrpcExporter),
        ({TRACES_PROTOCOL: "grpc"}, GrpcExporter),
        ({TRACES_PROTOCOL: "grpc", PROTOCOL: "http/protobuf"}, GrpcExporter),
        ({TRACES_PROTOCOL: "http/protobuf", PROTOCOL: "grpc"}, HttpExporter),
        ({EXPORTER: "otlp"}, HttpExporter),
        ({EXPORTER: "console"}, ConsoleSpanExporter),
        ({EXPORTER: "console", PROTOCOL: "nonsense"}, ConsoleSpanExporter),
    ],
)
def test_variables_choose_the_exporter(environ: Mapping[str, str], kind: type) -> None:
    """The variable for traces beats the one for all signals; without any it is OTLP over HTTP."""
    exporter = exporter_from_environment(environ)
    exporter.shutdown()

    assert type(exporter) is kind


@pytest.mark.parametrize("variable", [PROTOCOL, TRACES_PROTOCOL])
@pytest.mark.parametrize("value", ["nonsense", "http/json"])
def test_an_unknown_protocol_is_told(variable: str, value: str) -> None:
    """The message names the variable, its value, and what can be used."""
    with pytest.raises(
        ExportError, match=rf"^{variable}={value} is not supported; use http/protobuf or grpc\.$"
    ):
        exporter_from_environment({variable: value})


def test_an_unknown_exporter_is_told() -> None:
    """The message names the variable, its value, and what can be used."""
    with pytest.raises(
        ExportError, match=rf"^{EXPORTER}=zipkin is not supported; use otlp, console or none\.$"
    ):
        exporter_from_environment({EXPORTER: "zipkin"})


def test_an_endpoint_beats_the_console() -> None:
    """Whoever gives an endpoint wants OTLP."""
    exporter = exporter_from_environment({EXPORTER: "console"}, URL)
    exporter.shutdown()

    assert type(exporter) is HttpExporter


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (URL, f"{URL}/v1/traces"),
        (f"{URL}/", f"{URL}/v1/traces"),
        (f"{URL}/v1/traces", f"{URL}/v1/traces"),
        (f"{URL}/otlp", f"{URL}/otlp"),
    ],
)
def test_an_endpoint_for_http_gets_the_path_of_traces(endpoint: str, url: str) -> None:
    """A URL without a path is a base; one with a path is taken as it is."""
    exporter = exporter_from_environment({}, endpoint)
    exporter.shutdown()
    assert isinstance(exporter, HttpExporter)

    assert exporter._endpoint == url


def test_no_export_means_no_provider() -> None:
    """Where nothing asks for an export, nothing is made."""
    assert provider_from_environment({}, lambda count, why: None) is None


def test_an_export_means_a_provider_of_frames() -> None:
    """The provider derives ids, and so a later export is the same trace."""
    provider = provider_from_environment({ENDPOINT: URL}, lambda count, why: None)
    assert provider is not None
    provider.shutdown()

    assert isinstance(provider.id_generator, FrameIdGenerator)


def test_a_provider_of_frames_keeps_every_event() -> None:
    """A span may have more events than the SDK's default of 128."""
    exporter = InMemorySpanExporter()
    provider = FrameProvider(SimpleSpanProcessor(exporter), {})
    chatty = provider.get_tracer("test").start_span("chat")
    for _ in range(1_000):
        chatty.add_event("llm_stream_chunk")
    chatty.end()

    assert len(exporter.get_finished_spans()[0].events) == 1_000


def test_a_limit_that_was_set_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_SPAN_EVENT_COUNT_LIMIT` is the user's decision."""
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "10")
    exporter = InMemorySpanExporter()
    provider = FrameProvider(SimpleSpanProcessor(exporter), {"OTEL_SPAN_EVENT_COUNT_LIMIT": "10"})
    chatty = provider.get_tracer("test").start_span("chat")
    for _ in range(1_000):
        chatty.add_event("llm_stream_chunk")
    chatty.end()

    assert len(exporter.get_finished_spans()[0].events) == 10


def test_a_program_without_a_provider_has_none() -> None:
    """OpenTelemetry's placeholder is no provider."""
    assert global_provider() is None


def test_a_programs_provider_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the program has set is used."""
    provider = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    assert global_provider() is provider


def test_collected_spans_go_out_in_batches() -> None:
    """A full batch is sent at once, the rest at the end."""
    exporter = InMemorySpanExporter()
    collected = CollectedSpans(exporter)
    for _ in range(BATCH_SPANS + 1):
        collected.on_end(span())
    sent = len(exporter.get_finished_spans())
    collected.shutdown()

    assert (sent, collected.exported, collected.lost) == (BATCH_SPANS, BATCH_SPANS + 1, 0)


def test_after_a_failure_the_rest_is_counted_and_not_tried() -> None:
    """Each try would take its ten seconds."""
    exporter = Refusing()
    collected = CollectedSpans(exporter)
    for _ in range(3 * BATCH_SPANS):
        collected.on_end(span())
    collected.shutdown()

    assert (exporter.batches, collected.exported, collected.lost) == ([BATCH_SPANS], 0, 3 * BATCH_SPANS)


def test_a_flush_tells_whether_all_was_delivered() -> None:
    """True for nothing and for a success, False once something was lost."""
    delivered, refused = CollectedSpans(InMemorySpanExporter()), CollectedSpans(Refusing())
    refused.on_end(span())

    assert (delivered.force_flush(), refused.force_flush(), refused.force_flush()) == (True, False, False)


def test_several_exporters_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`console,otlp` sends every span to both, as OpenTelemetry's own configuration does."""
    exporters = [InMemorySpanExporter(), InMemorySpanExporter()]
    monkeypatch.setattr("otelstream.export.otlp.ConsoleSpanExporter", iter(exporters).__next__)
    provider = FrameProvider(
        SimpleSpanProcessor(exporter_from_environment({EXPORTER: "console, console"})), {}
    )
    provider.get_tracer("tests").start_span("twice").end()
    assert [[span.name for span in one.get_finished_spans()] for one in exporters] == [["twice"], ["twice"]]


def test_of_a_batch_only_what_was_refused_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch goes out in several requests; those that arrived are not counted as lost."""

    class RefusesOne(SpanExporter):
        def __init__(self) -> None:
            self.requests = 0

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            self.requests += 1
            return SpanExportResult.FAILURE if self.requests == 2 else SpanExportResult.SUCCESS

    refusing, lost = RefusesOne(), list[int]()
    monkeypatch.setattr("otelstream.export.otlp.exporter_from_environment", lambda _: refusing)
    environ = {EXPORTER: "otlp", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "512"}
    provider = provider_from_environment(environ, lambda count, _: lost.append(count))
    assert provider is not None
    for _ in range(4):
        provider.get_tracer("tests").start_span("heavy", attributes={"x": "x" * 2_000_000}).end()
    provider.shutdown()
    assert (refusing.requests, lost) == (4, [1])
