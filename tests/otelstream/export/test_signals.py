"""Which providers of metrics and logs the standard variables ask for, and what they export with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

from otelstream.errors import ExportError
from otelstream.export.otlp import exporter_names
from otelstream.export.signals import (
    _log_exporter,
    _metric_exporter,
    logger_provider,
    meter_provider,
    wants_logs,
    wants_metrics,
)

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
METRICS_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
LOGS_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
TRACES_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
METRICS_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"
LOGS_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"
METRICS: Final = "OTEL_METRICS_EXPORTER"
LOGS: Final = "OTEL_LOGS_EXPORTER"
DISABLED: Final = "OTEL_SDK_DISABLED"
URL: Final = "http://127.0.0.1:4318"


def ignore(count: int, why: str) -> None:
    """Take note of no loss."""


@pytest.mark.parametrize(
    ("environ", "metrics", "logs"),
    [
        ({}, False, False),
        ({ENDPOINT: URL}, False, True),
        ({TRACES_ENDPOINT: URL}, False, False),
        ({METRICS_ENDPOINT: URL}, True, False),
        ({LOGS_ENDPOINT: URL}, False, True),
        ({METRICS: "otlp"}, True, False),
        ({METRICS: "console"}, True, False),
        ({METRICS: ""}, False, False),
        ({METRICS: "none", METRICS_ENDPOINT: URL}, False, False),
        ({LOGS: "otlp"}, False, True),
        ({LOGS: "none", ENDPOINT: URL}, False, False),
        ({METRICS: "otlp", LOGS: "otlp", DISABLED: "true"}, False, False),
        ({METRICS: "otlp", LOGS: "otlp", DISABLED: "TRUE"}, False, False),
        ({METRICS: "otlp", LOGS: "otlp", DISABLED: "false"}, True, True),
        ({PROTOCOL: "grpc"}, False, False),
    ],
)
def test_a_signal_is_wanted_where_a_variable_asks_for_it(
    environ: Mapping[str, str], metrics: bool, logs: bool
) -> None:
    """Metrics must be asked for by name, as an endpoint for all signals often takes traces only."""
    assert (wants_metrics(environ), wants_logs(environ)) == (metrics, logs)


@pytest.mark.parametrize("environ", [{}, {ENDPOINT: URL, METRICS: "none", LOGS: "none"}])
def test_where_nothing_is_wanted_nothing_is_made(environ: Mapping[str, str]) -> None:
    """No provider means no thread and no connection."""
    assert (meter_provider(environ, ignore), logger_provider(environ, ignore)) == (None, None)


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, HttpMetrics),
        ({PROTOCOL: "grpc"}, GrpcMetrics),
        ({METRICS_PROTOCOL: "grpc"}, GrpcMetrics),
        ({METRICS_PROTOCOL: "http/protobuf", PROTOCOL: "grpc"}, HttpMetrics),
        ({LOGS_PROTOCOL: "grpc"}, HttpMetrics),
        ({METRICS: "console"}, ConsoleMetricExporter),
        ({METRICS: "console", PROTOCOL: "nonsense"}, ConsoleMetricExporter),
    ],
)
def test_variables_choose_the_exporter_of_metrics(environ: Mapping[str, str], kind: type) -> None:
    """The variable for metrics beats the one for all signals; without any it is OTLP over HTTP."""
    exporter = _metric_exporter(environ, exporter_names(environ, "OTEL_METRICS_EXPORTER")[0])
    exporter.shutdown()

    assert type(exporter) is kind


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, HttpLogs),
        ({PROTOCOL: "grpc"}, GrpcLogs),
        ({LOGS_PROTOCOL: "grpc"}, GrpcLogs),
        ({LOGS_PROTOCOL: "http/protobuf", PROTOCOL: "grpc"}, HttpLogs),
        ({METRICS_PROTOCOL: "grpc"}, HttpLogs),
        ({LOGS: "console"}, ConsoleLogRecordExporter),
    ],
)
def test_variables_choose_the_exporter_of_logs(environ: Mapping[str, str], kind: type) -> None:
    """The variable for logs beats the one for all signals; without any it is OTLP over HTTP."""
    exporter = _log_exporter(environ, exporter_names(environ, "OTEL_LOGS_EXPORTER")[0])
    exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    assert type(exporter) is kind


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({METRICS: "prometheus"}, f"{METRICS}=prometheus is not supported; use otlp, console or none."),
        (
            {METRICS: "otlp", METRICS_PROTOCOL: "http/json"},
            f"{METRICS_PROTOCOL}=http/json is not supported; use http/protobuf or grpc.",
        ),
        (
            {METRICS: "otlp", PROTOCOL: "nonsense"},
            f"{PROTOCOL}=nonsense is not supported; use http/protobuf or grpc.",
        ),
    ],
)
def test_what_metrics_cannot_use_is_told(environ: Mapping[str, str], sentence: str) -> None:
    """The message names the variable, its value, and what can be used."""
    with pytest.raises(ExportError) as raised:
        meter_provider(environ, ignore)

    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({LOGS: "syslog"}, f"{LOGS}=syslog is not supported; use otlp, console or none."),
        (
            {LOGS: "otlp", LOGS_PROTOCOL: "http/json"},
            f"{LOGS_PROTOCOL}=http/json is not supported; use http/protobuf or grpc.",
        ),
    ],
)
def test_what_logs_cannot_use_is_told(environ: Mapping[str, str], sentence: str) -> None:
    """The message names the variable, its value, and what can be used."""
    with pytest.raises(ExportError) as raised:
        logger_provider(environ, ignore)

    assert str(raised.value) == sentence
