"""A broken signal loses what is its own: the run, the other signals and the recording have everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import Logger
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

import otelstream
from otelstream.span.options import SpanOptions
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import RESULT, Ran, Run, golden, recorded, run_async, run_sync

OPTIONS = SpanOptions(events="log", content="SPAN_AND_EVENT")


class RaisingSpans(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        raise ValueError("the span processor is broken")


class RaisingRecords(LogRecordProcessor):
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        raise ValueError("the log processor is broken")

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class RaisingHistogram(Histogram):
    def __init__(self) -> None:
        pass

    def record(self, *_: object, **__: object) -> None:
        raise ValueError("the instrument is broken")


class RaisingMeter:
    """Makes instruments that cannot measure durations."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a meter has
        return getattr(self._meter, name)

    def create_histogram(self, *_: object, **__: object) -> Histogram:
        return RaisingHistogram()


class RaisingInstruments(MeterProvider):
    def get_meter(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401  the SDK's signature
        return RaisingMeter(super().get_meter(*arguments, **more))


class NoMeter(MeterProvider):
    def get_meter(self, *_: object, **__: object) -> Meter:
        raise ValueError("there is no meter")


class NoLogger(LoggerProvider):
    def get_logger(self, *_: object, **__: object) -> Logger:
        raise ValueError("there is no logger")


class NoTracer(TracerProvider):
    def get_tracer(self, *_: object, **__: object) -> Tracer:
        raise ValueError("there is no tracer")


class RaisingReader(InMemoryMetricReader):
    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        raise ValueError("the reader is broken")


@dataclass
class Sinks:
    """Where the three signals go, and what has arrived."""

    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    records: InMemoryLogRecordExporter = field(default_factory=InMemoryLogRecordExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make healthy providers."""
        tracer, logger = TracerProvider(shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
        tracer.add_span_processor(SimpleSpanProcessor(self.spans))
        logger.add_log_record_processor(SimpleLogRecordProcessor(self.records))
        self.options = {
            "tracer_provider": tracer,
            "logger_provider": logger,
            "meter_provider": MeterProvider([self.reader], shutdown_on_exit=False),
            "spans": OPTIONS,
        }

    def arrived(self) -> dict[str, object]:
        """Return what arrived of each signal: names of spans and records, counts of metrics."""
        data = self.reader.get_metrics_data()
        return {
            "traces": sorted(span.name for span in self.spans.get_finished_spans()),
            "logs": sorted(str(one.log_record.event_name) for one in self.records.get_finished_logs()),
            "metrics": {
                metric.name: [
                    point.count if hasattr(point, "count") else point.value
                    for point in metric.data.data_points
                ]
                for resource in ([] if data is None else data.resource_metrics)
                for scope in resource.scope_metrics
                for metric in scope.metrics
                if not metric.name.startswith("otelstream.dropped")
            },
        }


@dataclass(frozen=True)
class Fault:
    """A signal, and what breaks it."""

    signal: str
    option: str
    provider: Any


def broken(signal: str) -> Fault:
    """Return a provider of the signal that raises in the way of its name."""
    if signal in ("span processor", "no tracer"):
        tracer = (
            NoTracer(shutdown_on_exit=False)
            if signal == "no tracer"
            else TracerProvider(shutdown_on_exit=False)
        )
        tracer.add_span_processor(RaisingSpans())
        return Fault("traces", "tracer_provider", tracer)
    if signal in ("log processor", "no logger"):
        logger = (
            NoLogger(shutdown_on_exit=False)
            if signal == "no logger"
            else LoggerProvider(shutdown_on_exit=False)
        )
        logger.add_log_record_processor(RaisingRecords())
        return Fault("logs", "logger_provider", logger)
    kind = {"instruments": RaisingInstruments, "no meter": NoMeter}.get(signal, MeterProvider)
    readers = [RaisingReader()] if signal == "metric reader" else []
    return Fault("metrics", "meter_provider", kind(readers, shutdown_on_exit=False))


FAULTS = (
    "span processor",
    "no tracer",
    "log processor",
    "no logger",
    "instruments",
    "no meter",
    "metric reader",
)


def healthy() -> dict[str, object]:
    """Return what arrives where nothing is broken."""
    sinks = Sinks()
    run_sync(sinks.options)
    return sinks.arrived()


@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("name", FAULTS)
def test_a_healthy_run_stays_as_it_is(name: str, run: Run) -> None:
    """The program gets its frames and its result."""
    fault = broken(name)

    assert run({**Sinks().options, fault.option: fault.provider}, None) == Ran(golden(), RESULT)


@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("name", FAULTS)
def test_a_failing_run_fails_as_it_would(name: str, run: Run) -> None:
    """The program gets its frames and its own exception, the very object that was raised."""
    fault, error = broken(name), LookupError("the flow's own")

    assert run({**Sinks().options, fault.option: fault.provider}, error) == Ran(golden(), error=error)


@pytest.mark.parametrize("name", FAULTS)
def test_the_other_signals_have_everything(name: str) -> None:
    """Spans, records and metrics do not depend on each other."""
    fault, sinks = broken(name), Sinks()
    run_sync({**sinks.options, fault.option: fault.provider})
    expected = {signal: what for signal, what in healthy().items() if signal != fault.signal}

    assert {signal: what for signal, what in sinks.arrived().items() if signal != fault.signal} == expected


@pytest.mark.parametrize("name", FAULTS)
def test_the_recording_has_everything(name: str, tmp_path: Path) -> None:
    """Nor does the recording."""
    fault = broken(name)
    run_sync({**Sinks().options, fault.option: fault.provider, "record": tmp_path / "x.duckdb"})
    kept = recorded(tmp_path / "x.duckdb")

    assert (kept.state, kept.frame_count) == ("completed", len(golden()))


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "metric reader"])
def test_it_is_said_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Two runs into the same fault log no line twice."""
    fault = broken(name)
    for _ in range(2):
        run_sync({**Sinks().options, fault.option: fault.provider})

    said = [record.getMessage() for record in caplog.records if record.name == "otelstream"]
    assert len(said) == len(set(said)) > 0


def test_flush_tells_of_a_reader_that_raises() -> None:
    """Metrics that could not be collected were not flushed."""
    fault = broken("metric reader")
    run_sync({**Sinks().options, fault.option: fault.provider})

    assert otelstream.flush(10) is False


@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_what_a_collector_refuses_is_counted(signal: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401  a Signal
    """Where the collector takes traces only, `flush` is False and `losses()` names what did not arrive."""
    with HttpReceiver() as receiver:
        receiver.refused = {signal}
        for name, value in variables(receiver, metrics=True).items():
            monkeypatch.setenv(name, value)
        run_sync({"spans": OPTIONS})
        flushed, lost = otelstream.flush(10), tuple(otelstream.losses())
        otelstream.shutdown(10)

    assert (flushed, lost) == (False, (signal,))


NONSENSE: Sequence[tuple[Mapping[str, str], str]] = (
    (
        {"OTEL_METRICS_EXPORTER": "prometheus"},
        "OTEL_METRICS_EXPORTER=prometheus is not supported; use otlp, console or none.",
    ),
    (
        {"OTEL_LOGS_EXPORTER": "syslog"},
        "OTEL_LOGS_EXPORTER=syslog is not supported; use otlp, console or none.",
    ),
    (
        {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "carrier/pigeon"},
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=carrier/pigeon is not supported; use http/protobuf or grpc.",
    ),
    (
        {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "carrier/pigeon"},
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=carrier/pigeon is not supported; use http/protobuf or grpc.",
    ),
    ({"OTELSTREAM_ROWS": "no_such_module:ROWS"}, "there is no module 'no_such_module' here."),
    ({"OTELSTREAM_ROWS": "rows"}, "'rows' names no rows; write it as MODULE:NAME"),
    ({"OTELSTREAM_ROWS": "tests.e2e.runs:RESULT"}, "tests.e2e.runs:RESULT holds no rows"),
    ({"OTELSTREAM_ROWS": "otelstream.span.rules:PAIRS"}, "OTELSTREAM_ROWS=otelstream.span.rules:PAIRS is"),
)


@pytest.mark.parametrize(("environ", "sentence"), NONSENSE)
def test_a_variable_that_cannot_be_used_is_told_once(
    environ: Mapping[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two runs log one warning that names the variable and what can be written; spans are sent anyway."""
    with HttpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.endpoint}/v1/traces")
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        options = {} if "OTELSTREAM_ROWS" in environ else {"spans": OPTIONS}
        ran = [run_sync(options) for _ in range(2)]
        otelstream.shutdown(10)
    said = [record.getMessage() for record in caplog.records if record.name == "otelstream"]

    # Where log records are asked for and cannot be sent, a second line says where events are instead.
    assert (ran, sentence in said[0], len(said) - len(set(said)), "/v1/traces" in receiver.paths) == (
        [Ran(golden(), RESULT)] * 2,
        True,
        0,
        True,
    )
