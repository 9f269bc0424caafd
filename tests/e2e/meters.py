"""A meter provider of a test's own, and what it has been told."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

Points = dict[str, list[tuple[dict[str, object], float]]]


class Meters:
    """A meter provider of the test's own, and what it has been told."""

    def __init__(self, kind: type[MeterProvider] = MeterProvider) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = kind([self._reader], shutdown_on_exit=False)

    def points(self, prefix: str = "otelstream.") -> Points:
        """Return attributes and values (of histograms: counts) of the metrics with that prefix."""
        data = self._reader.get_metrics_data()
        found = [] if data is None else data.resource_metrics
        return {
            metric.name: [
                (dict(point.attributes or {}), point.count if hasattr(point, "count") else point.value)
                for point in metric.data.data_points
            ]
            for resource in found
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name.startswith(prefix)
        }
