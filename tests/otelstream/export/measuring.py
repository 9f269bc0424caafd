"""Metrics of made-up and golden sessions as plain values, and the exemplars among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
)
from opentelemetry.trace import SpanContext

from otelstream.export.instruments import Instruments, observe_standing
from otelstream.export.metrics import MetricSink
from otelstream.export.standing import Standing
from otelstream.frame import Outcome, StreamFrame
from otelstream.span.model import Operation
from otelstream.span.names import Convention
from otelstream.span.options import SpanOptions
from otelstream.testing import assembled

Points = dict[str, list[tuple[dict[str, object], float]]]
Find = Callable[[str], SpanContext | None]


def no_span(_: str) -> None:
    """Find no span."""


class Measured:
    """A meter that nobody else uses, and the sinks that measure with it.

    Args:
        version: The version of the conventions.
        span_context: Finds the spans.
    """

    def __init__(self, version: Convention = "1.41", span_context: Find = no_span) -> None:
        self.standing = Standing()
        self._reader = InMemoryMetricReader()
        meter = MeterProvider([self._reader], shutdown_on_exit=False).get_meter("otelstream")
        observe_standing(meter, self.standing)
        self._instruments = Instruments(meter, version, self.standing)
        self._span_context = span_context

    def sink(self) -> MetricSink:
        """Return what measures one session."""
        return MetricSink(self._instruments, self._span_context)

    def metrics(self) -> list[Metric]:
        """Return all metrics that say something."""
        data = self._reader.get_metrics_data()
        return [
            metric
            for resource in ([] if data is None else data.resource_metrics)
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def points(self) -> Points:
        """Return attributes and values of all metrics."""
        return {
            metric.name: [
                (dict(point.attributes or {}), _value_of(point)) for point in metric.data.data_points
            ]
            for metric in self.metrics()
        }

    def exemplars(self) -> dict[str, list[tuple[float, int | None]]]:
        """Return the values and the spans' ids of all exemplars, by metric; metrics without are left out."""
        found = {
            metric.name: sorted(
                (exemplar.value, exemplar.span_id)
                for point in metric.data.data_points
                if isinstance(point, HistogramDataPoint | NumberDataPoint)
                for exemplar in point.exemplars
            )
            for metric in self.metrics()
        }
        return {name: exemplars for name, exemplars in found.items() if exemplars}


def measured(
    frames: Sequence[StreamFrame], version: Convention = "1.41", outcome: Outcome | None = None
) -> Points:
    """Return attributes and values of the metrics of a session."""
    return measured_of(assembled(frames, outcome, SpanOptions(semconv=version)), version)


def measured_of(operations: Iterable[Operation], version: Convention = "1.41") -> Points:
    """Return the same of operations."""
    made = Measured(version)
    made.sink().apply(operations)
    return made.points()


def _value_of(point: object) -> float:
    """Return a number, or the sum of a histogram."""
    if isinstance(point, HistogramDataPoint):
        return round(point.sum, 6)
    assert isinstance(point, NumberDataPoint)
    return point.value
