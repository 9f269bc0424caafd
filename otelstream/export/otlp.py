"""Tracer providers: the program's own, one made from the `OTEL_*` variables, or one for a single export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_SDK_DISABLED,
    OTEL_SPAN_EVENT_COUNT_LIMIT,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)

from otelstream.errors import ExportError
from otelstream.export.compression import grpc_compression
from otelstream.export.deliveries import CountedExporter, Deliveries, EndedSpans, OnLoss
from otelstream.export.headers import keep_out_of_logs
from otelstream.export.ids import FrameIdGenerator
from otelstream.export.sizes import SizedExporter, parts, weight

OTEL_TRACES_EXPORTER: Final = "OTEL_TRACES_EXPORTER"

DEFAULT_PROTOCOL: Final = "http/protobuf"
"""The protocol that the OTLP specification prefers where no variable names one."""

BATCH_SPANS: Final = 128
"""Spans per request. A span with its chunk events is some 10 KB, and gRPC receivers take 4 MiB."""

SDK_EVENTS: Final = 128
"""How many events of a span the SDK keeps by default."""

QUEUE_SPANS: Final = 16_384
"""Ended spans that may wait for a slow collector; the SDK drops the oldest beyond that."""


def wants_export(environ: Mapping[str, str]) -> bool:
    """Tell whether the standard variables ask for an export of traces."""
    if environ.get(OTEL_SDK_DISABLED, "").lower() == "true":
        return False
    exporter = environ.get(OTEL_TRACES_EXPORTER, "")
    named = environ.get(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) or environ.get(OTEL_EXPORTER_OTLP_ENDPOINT)
    return exporter != "none" and bool(exporter or named)


def global_provider() -> trace.TracerProvider | None:
    """Return the tracer provider that the program has set, None if it has set none."""
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


def provider_from_environment(environ: Mapping[str, str], on_loss: OnLoss) -> TracerProvider | None:
    """Return a provider that exports as the `OTEL_*` variables say, None if they ask for nothing.

    Args:
        environ: The variables.
        on_loss: Called with a number of spans and a reason when a batch could not be delivered.

    A variable that names no exporter or protocol loses the spans, which are counted, and nothing else.
    """
    if not wants_export(environ):
        return None
    deliveries = Deliveries()
    try:
        counted = CountedExporter(exporter_from_environment(environ), on_loss, deliveries=deliveries)
        exporter: SpanExporter = SizedExporter(counted)  # of a batch in several requests some may arrive
    except ExportError as error:
        exporter = CountedExporter(_Nowhere(), on_loss, str(error), deliveries)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=None if OTEL_BSP_MAX_QUEUE_SIZE in environ else QUEUE_SPANS,
        max_export_batch_size=None if OTEL_BSP_MAX_EXPORT_BATCH_SIZE in environ else BATCH_SPANS,
    )
    return FrameProvider(processor, environ, deliveries)


class FrameProvider(TracerProvider):
    """A tracer provider fit for frames: ids derived from them, and no limit on the events of a span.

    It does not shut itself down at exit; its owner does, after the last frame.

    Args:
        processor: What ended spans are given to.
        environ: The variables; a limit that `OTEL_SPAN_EVENT_COUNT_LIMIT` sets is kept.
        deliveries: Where the exporter of the processor counts what it sees, if it does.
    """

    def __init__(
        self, processor: SpanProcessor, environ: Mapping[str, str], deliveries: Deliveries | None = None
    ) -> None:
        self.deliveries = deliveries or Deliveries()
        limited = OTEL_SPAN_EVENT_COUNT_LIMIT in environ
        super().__init__(
            id_generator=FrameIdGenerator(),
            span_limits=SpanLimits(max_events=None if limited else SpanLimits.UNSET),
            shutdown_on_exit=False,
        )
        self.add_span_processor(processor)
        self.add_span_processor(EndedSpans(self.deliveries))


def events_kept(provider: trace.TracerProvider | None) -> int | None:
    """Return how many events of a span a provider keeps, None for all; it drops the first of more."""
    # The SDK does not tell its limits otherwise; another kind of provider is taken to have its default.
    limits = vars(provider).get("_span_limits") if isinstance(provider, TracerProvider) else None
    return limits.max_events if isinstance(limits, SpanLimits) else SDK_EVENTS


def exporter_from_environment(environ: Mapping[str, str], endpoint: str | None = None) -> SpanExporter:
    """Return the exporter that `OTEL_TRACES_EXPORTER` and the OTLP protocol variables choose.

    Args:
        environ: The variables.
        endpoint: An OTLP endpoint that overrides them: a URL for HTTP, a URL or `host:port` for gRPC.

    Raises:
        ExportError: A variable names an exporter or a protocol that does not exist.
    """
    keep_out_of_logs(environ if endpoint is None else {**environ, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint})
    names = exporter_names(environ, OTEL_TRACES_EXPORTER)
    if endpoint is not None:
        return _OTLP[protocol_of(environ, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL)](endpoint)
    exporters: list[SpanExporter] = [
        ConsoleSpanExporter()
        if name == "console"
        else _OTLP[protocol_of(environ, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL)](None)
        for name in names
    ]
    return exporters[0] if len(exporters) == 1 else _All(exporters)


def exporter_names(environ: Mapping[str, str], variable: str) -> list[str]:
    """Return the exporters that a signal's variable lists: `otlp` (which it is without one), `console`.

    Raises:
        ExportError: It names another.
    """
    found = [name.strip() for name in (environ.get(variable) or "otlp").split(",")]
    for name in found:
        if name not in ("otlp", "console"):
            raise ExportError(f"{variable}={name} is not supported; use otlp, console or none.")
    return found


def protocol_of(environ: Mapping[str, str], variable: str) -> str:
    """Return the OTLP protocol that a signal's variable, or the one for all signals, chooses.

    Raises:
        ExportError: There is no such protocol.
    """
    if not environ.get(variable):
        variable = OTEL_EXPORTER_OTLP_PROTOCOL
    protocol = environ.get(variable) or DEFAULT_PROTOCOL
    if protocol not in _OTLP:
        raise ExportError(f"{variable}={protocol} is not supported; use {' or '.join(_OTLP)}.")
    return protocol


def _http(endpoint: str | None) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    try:
        if endpoint is not None and not urlsplit(endpoint).path.strip("/"):
            endpoint = endpoint.rstrip("/") + "/v1/traces"
    except ValueError as error:
        raise ExportError(
            f"{endpoint} is no endpoint ({error}); write for example http://host:4318."
        ) from None
    return OTLPSpanExporter(endpoint=endpoint)


def _grpc(endpoint: str | None) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    if endpoint is not None and "://" not in endpoint:
        endpoint = f"http://{endpoint}"  # the SDK would speak TLS
    zipped = grpc_compression(OTEL_EXPORTER_OTLP_TRACES_COMPRESSION)
    return OTLPSpanExporter(endpoint=endpoint, compression=zipped)


_OTLP: Final[Mapping[str, Callable[[str | None], SpanExporter]]] = {"http/protobuf": _http, "grpc": _grpc}


class _All(SpanExporter):
    """Hands spans to several exporters."""

    def __init__(self, exporters: Sequence[SpanExporter]) -> None:
        self._exporters = exporters

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        results = [exporter.export(spans) for exporter in self._exporters]
        return SpanExportResult.FAILURE if SpanExportResult.FAILURE in results else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        for exporter in self._exporters:
            exporter.shutdown()


class _Nowhere(SpanExporter):
    """Delivers nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002  the SDK's signature
        return SpanExportResult.FAILURE


class CollectedSpans(SpanProcessor):
    """Exports ended spans in batches in the calling thread, and remembers whether all went out."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._batch: list[ReadableSpan] = []
        self.exported = 0
        self.lost = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Take an ended span, and send the batch once it is full."""
        self._batch.append(span)
        if len(self._batch) >= BATCH_SPANS:
            self.force_flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002  the SDK's signature
        """Send what is left; return whether everything so far was delivered."""
        batch, self._batch = self._batch, []
        for part in parts(batch, weight):
            if self.lost or self._exporter.export(part) is not SpanExportResult.SUCCESS:
                # After one failure (each is retried for ten seconds) the rest is counted, not tried.
                self.lost += len(part)
            else:
                self.exported += len(part)
        return self.lost == 0

    def shutdown(self) -> None:
        """Send what is left and close the exporter."""
        self.force_flush()
        self._exporter.shutdown()
