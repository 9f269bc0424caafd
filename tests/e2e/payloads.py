"""What a receiver took, measured: requests, traces, attributes, series; and what backends take by default."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.e2e.receiver import Receiver, Signal


@dataclass(frozen=True, slots=True)
class Figures:
    """The largest of everything that a receiver took; sizes in bytes, as encoded for the wire.

    Attributes:
        requests: How many requests came.
        request_bytes: The largest request of any signal.
        total_bytes: All requests.
        traces: How many traces came.
        spans: How many spans came.
        trace_bytes: The heaviest trace, in the form in which Tempo counts it: resource and scope with each
            part that a request brought.
        trace_spans: The most spans of one trace.
        span_bytes: The heaviest span.
        span_events: The most events of one span.
        span_links: The most links of one span.
        span_attributes: The most attributes of one span.
        attribute_bytes: The longest string or key on a resource, scope, span, event or link.
        name_bytes: The longest name of a span or an event.
        records: How many log records came.
        record_bytes: The heaviest log record.
        metrics_bytes: The largest request with metrics.
        series: How many time series Prometheus makes of the last metrics.
        labels: The most labels of one series, `job`, `instance` and `le` among them.
        label_bytes: The longest value of a label.
    """

    requests: int
    request_bytes: int
    total_bytes: int
    traces: int
    spans: int
    trace_bytes: int
    trace_spans: int
    span_bytes: int
    span_events: int
    span_links: int
    span_attributes: int
    attribute_bytes: int
    name_bytes: int
    records: int
    record_bytes: int
    metrics_bytes: int
    series: int
    labels: int
    label_bytes: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What a backend takes without being told otherwise.

    Attributes:
        backend: Whose limit it is.
        figure: Which of the `Figures` must not exceed it.
        most: The limit.
        source: Where that is written.
    """

    backend: str
    figure: str
    most: int
    source: str


LIMITS: Final = (
    Limit("Jaeger, Collector, Tempo (gRPC)", "request_bytes", 4 * 1024**2, "grpc-go: MaxRecvMsgSize"),
    Limit(
        "Jaeger, Collector, Tempo (HTTP)", "request_bytes", 20 * 1024**2, "confighttp: max_request_body_size"
    ),
    Limit("Tempo", "trace_bytes", 5_000_000, "overrides: global.max_bytes_per_trace"),
    Limit("Tempo", "attribute_bytes", 2_048, "distributor.max_attribute_bytes"),
    Limit(
        "Tempo", "total_bytes", 30_000_000, "overrides: ingestion.burst_size_bytes, were it all in a second"
    ),
    Limit("OpenTelemetry", "span_attributes", 128, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
    Limit("OpenTelemetry", "span_links", 128, "OTEL_SPAN_LINK_COUNT_LIMIT"),
    Limit("Mimir, Grafana Cloud", "series", 150_000, "limits: max_global_series_per_user"),
    Limit("Mimir, Grafana Cloud", "labels", 30, "limits: max_label_names_per_series"),
    Limit("Mimir, Grafana Cloud", "label_bytes", 2_048, "limits: max_label_value_length"),
)
"""Read in November 2026 in their sources and documentation; Prometheus itself limits nothing by default."""

EVENTS_LIMIT: Final = Limit("OpenTelemetry", "span_events", 128, "OTEL_SPAN_EVENT_COUNT_LIMIT")
"""What SDKs keep by default. No backend refuses more; `chunk_events="all"` goes beyond it on purpose."""


def exceeded(figures: Figures, limits: Iterable[Limit] = LIMITS) -> list[str]:
    """Return a line for each limit that the figures exceed."""
    values = {field.name: getattr(figures, field.name) for field in fields(figures)}
    return [
        f"{limit.backend}: {limit.figure} is {values[limit.figure]}, at most {limit.most} ({limit.source})"
        for limit in limits
        if values[limit.figure] > limit.most
    ]


def measured(receiver: Receiver) -> Figures:
    """Measure what a receiver took so far."""
    spans = [span for _, _, span in _spans(receiver)]
    traces = trace_sizes(receiver)
    counts: dict[bytes, int] = defaultdict(int)
    for span in spans:
        counts[span.trace_id] += 1
    sizes = [len(body) for body in receiver.payloads]
    metrics = [len(body) for body in _bodies(receiver, "metrics")]
    records = list(_records(receiver))
    series = series_of(receiver)
    return Figures(
        requests=len(sizes),
        request_bytes=max(sizes, default=0),
        total_bytes=sum(sizes),
        traces=len(traces),
        spans=len(spans),
        trace_bytes=max(traces.values(), default=0),
        trace_spans=max(counts.values(), default=0),
        span_bytes=max((span.ByteSize() for span in spans), default=0),
        span_events=max((len(span.events) for span in spans), default=0),
        span_links=max((len(span.links) for span in spans), default=0),
        span_attributes=max((len(span.attributes) for span in spans), default=0),
        attribute_bytes=max((size for size, _ in strings(receiver)), default=0),
        name_bytes=max((len(name.encode()) for span in spans for name in _names(span)), default=0),
        records=len(records),
        record_bytes=max((record.ByteSize() for record in records), default=0),
        metrics_bytes=max(metrics, default=0),
        series=len(series),
        labels=max((len(labels) for labels in series), default=0),
        label_bytes=max((len(value.encode()) for labels in series for _, value in labels), default=0),
    )


def trace_sizes(receiver: Receiver) -> dict[str, int]:
    """Return the bytes of each trace by its id, as `Figures.trace_bytes` has them."""
    sizes: dict[str, int] = defaultdict(int)
    for body in _bodies(receiver, "traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                parts: dict[bytes, list[Span]] = defaultdict(list)
                for span in scope.spans:
                    parts[span.trace_id].append(span)
                for trace_id, part in parts.items():
                    of_it = ScopeSpans(scope=scope.scope, spans=part)
                    alone = ResourceSpans(resource=resource.resource, scope_spans=[of_it])
                    sizes[trace_id.hex()] += alone.ByteSize()
    return dict(sizes)


def strings(receiver: Receiver) -> Iterator[tuple[int, str]]:
    """Yield the bytes of every key and string value that Tempo may cut, and where it is."""
    for resource, scope, span in _spans(receiver):
        places = [
            ("resource", resource),
            ("scope", scope),
            ("span", span.attributes),
            *(("event", event.attributes) for event in span.events),
            *(("link", link.attributes) for link in span.links),
        ]
        for place, attributes in places:
            for attribute in attributes:
                longest = max(len(attribute.key.encode()), len(attribute.value.string_value.encode()))
                yield longest, f"{place} {attribute.key}"


def series_of(receiver: Receiver) -> set[tuple[tuple[str, str], ...]]:
    """Return the series, by their labels, that Prometheus makes of the last metrics; each bucket is one."""
    bodies = _bodies(receiver, "metrics")
    found: set[tuple[tuple[str, str], ...]] = set()
    for resource in ExportMetricsServiceRequest.FromString(bodies[-1]).resource_metrics if bodies else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found.update(_series(metric))
    return found


def _series(metric: Metric) -> Iterator[tuple[tuple[str, str], ...]]:
    target = (("job", "app"), ("instance", "id"))
    for point in (*metric.sum.data_points, *metric.gauge.data_points):
        yield (("__name__", metric.name), *target, *_labels(point.attributes))
    for histogram in metric.histogram.data_points:
        labels = (*target, *_labels(histogram.attributes))
        yield (("__name__", f"{metric.name}_sum"), *labels)
        yield (("__name__", f"{metric.name}_count"), *labels)
        for bound in (*histogram.explicit_bounds, float("inf")):
            yield (("__name__", f"{metric.name}_bucket"), *labels, ("le", str(bound)))


def _labels(attributes: Iterable[KeyValue]) -> list[tuple[str, str]]:
    return sorted((each.key, each.value.string_value or str(each.value.int_value)) for each in attributes)


def _spans(receiver: Receiver) -> Iterator[tuple[Iterable[KeyValue], Iterable[KeyValue], Span]]:
    for body in _bodies(receiver, "traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield resource.resource.attributes, scope.scope.attributes, span


def _records(receiver: Receiver) -> Iterator[LogRecord]:
    for body in _bodies(receiver, "logs"):
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                yield from scope.log_records


def _names(span: Span) -> Iterator[str]:
    yield span.name
    for event in span.events:
        yield event.name


def _bodies(receiver: Receiver, signal: Signal) -> list[bytes]:
    return [export.body for export in receiver.exports if export.signal == signal]
