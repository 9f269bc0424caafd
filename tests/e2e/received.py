"""What a receiver took, as plain values: spans, metrics and log records as a collector sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, HistogramDataPoint, Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.e2e.receiver import Receiver, Signal


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event of a received span."""

    name: str
    time_ns: int
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class ReceivedLink:
    """A link of a received span."""

    trace_id: str
    span_id: str
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span; ids in hex, times in nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: dict[str, object]
    events: tuple[ReceivedEvent, ...]
    links: tuple[ReceivedLink, ...]
    status: str
    status_message: str
    dropped_events: int


@dataclass(frozen=True, slots=True)
class ReceivedExemplar:
    """One of the values that were recorded, and the span that it is of; ids in hex, empty without a span."""

    value: float
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class ReceivedPoint:
    """A data point; of a histogram `value` is the sum, and bounds, buckets and count are set.

    Attributes:
        attributes: What it is about.
        value: The number, or the sum of what was recorded.
        count: How many values were recorded.
        bounds: The boundaries of the buckets.
        buckets: How many values are in each; there is one more than there are boundaries.
        exemplars: Some of the values, with their spans, by value.
    """

    attributes: dict[str, object]
    value: float
    count: int = 0
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
    exemplars: tuple[ReceivedExemplar, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceivedMetric:
    """A metric and its points, by their attributes; `kind` is histogram, counter, updown or gauge."""

    name: str
    unit: str
    kind: str
    points: tuple[ReceivedPoint, ...]

    @property
    def only(self) -> ReceivedPoint:
        """The one point."""
        (point,) = self.points
        return point


@dataclass(frozen=True, slots=True)
class ReceivedLog:
    """A log record; ids in hex, empty without a span."""

    name: str
    time_ns: int
    trace_id: str
    span_id: str
    severity: str
    attributes: dict[str, object]


def spans_of(receiver: Receiver) -> list[ReceivedSpan]:
    """Return all spans received so far, by start and then by id."""
    return spans_in(ExportTraceServiceRequest.FromString(body) for body in _bodies(receiver, "traces"))


def spans_in(requests: Iterable[ExportTraceServiceRequest]) -> list[ReceivedSpan]:
    """Return all spans of some requests, by start and then by id."""
    found = [
        _span(span)
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return sorted(found, key=lambda span: (span.start_ns, span.span_id))


def metrics_of(receiver: Receiver) -> dict[str, ReceivedMetric]:
    """Return the metrics of otelstream as the last export has them, by their names."""
    exports = metric_exports_of(receiver)
    return exports[-1] if exports else {}


def metric_exports_of(receiver: Receiver) -> list[dict[str, ReceivedMetric]]:
    """Return the metrics of otelstream in each export so far, by their names."""
    return [_metrics(body) for body in _bodies(receiver, "metrics")]


def logs_of(receiver: Receiver) -> list[ReceivedLog]:
    """Return all log records received so far, in their order."""
    return [
        _log(record)
        for body in _bodies(receiver, "logs")
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def root_of(spans: Sequence[ReceivedSpan]) -> ReceivedSpan:
    """Return the one span whose parent is not among them."""
    ids = {span.span_id for span in spans}
    (root,) = (span for span in spans if span.parent_span_id not in ids)
    return root


def outline(spans: Sequence[ReceivedSpan]) -> list[str]:
    """Return the names of a trace as an indented list, siblings by their start."""

    def beneath(parent: ReceivedSpan, depth: int) -> Iterator[str]:
        yield "  " * depth + parent.name
        for span in spans:
            if span.parent_span_id == parent.span_id:
                yield from beneath(span, depth + 1)

    return list(beneath(root_of(spans), 0))


def _bodies(receiver: Receiver, signal: Signal) -> list[bytes]:
    return [export.body for export in receiver.exports if export.signal == signal]


def _span(span: Span) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple(
            ReceivedEvent(event.name, event.time_unix_nano, _attributes(event.attributes))
            for event in span.events
        ),
        links=tuple(
            ReceivedLink(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
            for link in span.links
        ),
        status=Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        status_message=span.status.message,
        dropped_events=span.dropped_events_count,
    )


def _metrics(body: bytes) -> dict[str, ReceivedMetric]:
    found = [
        _metric(metric)
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        if scope.scope.name == "otelstream"
        for metric in scope.metrics
    ]
    assert len({metric.name for metric in found}) == len(found), "a metric stands there twice"
    return {metric.name: metric for metric in found}


def _metric(metric: Metric) -> ReceivedMetric:
    data = metric.WhichOneof("data")
    if data == "histogram":
        points = [_histogram_point(point) for point in metric.histogram.data_points]
        kind = "histogram"
    elif data == "sum":
        points = [_number_point(point) for point in metric.sum.data_points]
        kind = "counter" if metric.sum.is_monotonic else "updown"
    else:
        points = [_number_point(point) for point in metric.gauge.data_points]
        kind = "gauge"
    ordered = sorted(points, key=lambda point: repr(sorted(point.attributes.items())))
    return ReceivedMetric(metric.name, metric.unit, kind, tuple(ordered))


def _number_point(point: NumberDataPoint) -> ReceivedPoint:
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return ReceivedPoint(_attributes(point.attributes), value, exemplars=_exemplars(point.exemplars))


def _histogram_point(point: HistogramDataPoint) -> ReceivedPoint:
    return ReceivedPoint(
        attributes=_attributes(point.attributes),
        value=point.sum,
        count=point.count,
        bounds=tuple(point.explicit_bounds),
        buckets=tuple(point.bucket_counts),
        exemplars=_exemplars(point.exemplars),
    )


def _exemplars(found: Iterable[Exemplar]) -> tuple[ReceivedExemplar, ...]:
    exemplars = [
        ReceivedExemplar(
            value=one.as_int if one.WhichOneof("value") == "as_int" else one.as_double,
            trace_id=one.trace_id.hex(),
            span_id=one.span_id.hex(),
        )
        for one in found
    ]
    return tuple(sorted(exemplars, key=lambda one: (one.value, one.span_id)))


def _log(record: LogRecord) -> ReceivedLog:
    return ReceivedLog(
        name=record.event_name,
        time_ns=record.time_unix_nano,
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        severity=SeverityNumber.Name(record.severity_number).removeprefix("SEVERITY_NUMBER_"),
        attributes=_attributes(record.attributes),
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    which = value.WhichOneof("value")
    if which == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if which == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if which is None else cast("object", getattr(value, which))
