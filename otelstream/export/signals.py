"""Providers of metrics and logs, made from the `OTEL_*` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    LogRecordExporter,
)
from opentelemetry.sdk.environment_variables import (
    OTEL_BLRP_MAX_QUEUE_SIZE,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    OTEL_SDK_DISABLED,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricsData,
    PeriodicExportingMetricReader,
)

from otelstream.export.compression import grpc_compression
from otelstream.export.deliveries import CountedLogs, CountedMetrics, Deliveries, EmittedRecords, OnLoss
from otelstream.export.headers import keep_out_of_logs
from otelstream.export.otlp import exporter_names, protocol_of
from otelstream.export.sizes import SizedLogs

OTEL_METRICS_EXPORTER: Final = "OTEL_METRICS_EXPORTER"
OTEL_LOGS_EXPORTER: Final = "OTEL_LOGS_EXPORTER"

QUEUE_RECORDS: Final = 65_536
"""Log records that may wait for a slow collector; the SDK drops the oldest beyond that, which are counted."""


def wants_metrics(environ: Mapping[str, str]) -> bool:
    """Tell whether the variables ask for metrics by name.

    An endpoint for all signals is not enough: many take traces only (Jaeger, Tempo).
    """
    return _asks(environ, OTEL_METRICS_EXPORTER, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT)


def wants_logs(environ: Mapping[str, str]) -> bool:
    """Tell whether the variables ask for logs: by name, or with an endpoint for all signals."""
    return _asks(environ, OTEL_LOGS_EXPORTER, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT)


def meter_provider(environ: Mapping[str, str], on_loss: OnLoss) -> MeterProvider | None:
    """Return a meter provider that exports as the variables say, None if they ask for nothing.

    Args:
        environ: The variables.
        on_loss: Called with 1 and a reason when an export could not be delivered.

    Raises:
        ExportError: A variable names an exporter or a protocol that does not exist.
    """
    if not wants_metrics(environ):
        return None
    keep_out_of_logs(environ)
    exporters = [_metric_exporter(environ, name) for name in exporter_names(environ, OTEL_METRICS_EXPORTER)]
    readers = [_OwnReader(CountedMetrics(exporter, on_loss)) for exporter in exporters]
    return MeterProvider(readers, shutdown_on_exit=False)


class EventLoggerProvider(LoggerProvider):
    """A logger provider that counts what it was given; it does not shut itself down at exit."""

    def __init__(
        self, exporters: Sequence[LogRecordExporter], on_loss: OnLoss, environ: Mapping[str, str]
    ) -> None:
        super().__init__(shutdown_on_exit=False)
        self.deliveries = Deliveries()
        queue = None if OTEL_BLRP_MAX_QUEUE_SIZE in environ else QUEUE_RECORDS
        for exporter in exporters:
            sized = SizedLogs(CountedLogs(exporter, on_loss, self.deliveries))
            self.add_log_record_processor(BatchLogRecordProcessor(sized, max_queue_size=queue))
            self.add_log_record_processor(EmittedRecords(self.deliveries))


def logger_provider(environ: Mapping[str, str], on_loss: OnLoss) -> EventLoggerProvider | None:
    """Return a logger provider that exports as the variables say, None if they ask for nothing.

    Args:
        environ: The variables.
        on_loss: Called with a number of records and a reason when a batch could not be delivered.

    Raises:
        ExportError: A variable names an exporter or a protocol that does not exist.
    """
    if not wants_logs(environ):
        return None
    keep_out_of_logs(environ)
    exporters = [_log_exporter(environ, name) for name in exporter_names(environ, OTEL_LOGS_EXPORTER)]
    return EventLoggerProvider(exporters, on_loss, environ)


class _OwnReader(PeriodicExportingMetricReader):
    """Exports in the process that made it: a fork would send its parent's numbers once more."""

    def __init__(self, exporter: MetricExporter) -> None:
        self._pid = os.getpid()
        super().__init__(exporter)

    def _receive_metrics(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,  # noqa: ANN401  the SDK's signature
    ) -> None:
        if os.getpid() == self._pid:
            super()._receive_metrics(metrics_data, timeout_millis, **kwargs)


def _asks(environ: Mapping[str, str], exporter: str, *endpoints: str) -> bool:
    if environ.get(OTEL_SDK_DISABLED, "").lower() == "true" or environ.get(exporter) == "none":
        return False
    return bool(environ.get(exporter) or any(environ.get(endpoint) for endpoint in endpoints))


def _metric_exporter(environ: Mapping[str, str], name: str) -> MetricExporter:
    if name == "console":
        return ConsoleMetricExporter()
    if protocol_of(environ, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL) == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        return Grpc(compression=grpc_compression(OTEL_EXPORTER_OTLP_METRICS_COMPRESSION))
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

    return Http()


def _log_exporter(environ: Mapping[str, str], name: str) -> LogRecordExporter:
    if name == "console":
        return ConsoleLogRecordExporter()
    if protocol_of(environ, OTEL_EXPORTER_OTLP_LOGS_PROTOCOL) == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as Grpc

        return Grpc(compression=grpc_compression(OTEL_EXPORTER_OTLP_LOGS_COMPRESSION))
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as Http

    return Http()
