"""PromQL as text: growth of counters that misses no short-lived process, quantiles, shares.

`rate()` and `increase()` need two samples of a series, and a process that lives for less than two exports
has one. Our counters never go down within a process, and each process has an instance of its own by default,
so the difference of two last values is exact, and what a new series begins with has all happened since. Where
processes share an instance (a container that restarts, with the id that Kubernetes' operator gives it), a
series begins anew, and `increase()` is the better estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.panels.metrics import Metric, label_name
from otelstream.span import names

RANGE: Final = "$__range"
"""All that the dashboard shows: for single numbers."""

BAR: Final = "$__interval"
"""From one point to the next: bars of counts that add up."""

SMOOTH: Final = "$__rate_interval"
"""Some intervals: for quantiles, which need measurements."""

FAILED: Final = f'{label_name(names.ERROR_TYPE)}!=""'
"""Selects the measurements of what ended with an error."""

_JOB: Final = 'job=~"(.+/)?($service)"'
_MEMORY: Final = "12h"
"""How long a series may be silent before it counts as a new one: a Prometheus that was away for a night, or a
laptop that slept, must not count all that every process ever did once more."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the variables of a dashboard filter.

    Attributes:
        variables: The name of the variable for each attribute that has one; `service` is always there.
    """

    variables: Mapping[str, str]

    def select(self, metric: Metric, series: str, *conditions: str) -> str:
        """Return a selector that is filtered by each variable whose attribute the metric carries."""
        chosen = [
            f'{label_name(attribute)}=~"${variable}"'
            for attribute, variable in self.variables.items()
            if attribute in metric.attributes
        ]
        return f"{series}{{{', '.join([_JOB, *chosen, *conditions])}}}"


def growth(selector: str, window: str) -> str:
    """Return by how much each counter grew in a window: exactly, and all of one that appeared in it.

    Of one that began anew in the window, it is Prometheus' estimate.
    """
    now = f"last_over_time({selector}[{window}])"
    before = f"last_over_time({selector}[{_MEMORY}] offset {window})"
    anew = f"increase({selector}[{window}]) and resets({selector}[{window}]) > 0"
    return f"({anew} or {now} - {before} >= 0 or {now})"


def summed(expression: str, by: Sequence[str] = ()) -> str:
    """Return the sum over processes, and over all labels but those named."""
    return f"sum{_by(by)}({expression})"


def quantile(share: float, buckets: str, by: Sequence[str] = ()) -> str:
    """Return a quantile of a histogram's measurements in some intervals, over all processes."""
    return f"histogram_quantile({share}, {summed(growth(buckets, SMOOTH), ('le', *by))})"


def quantile_of_range(share: float, buckets: str, by: Sequence[str] = ()) -> str:
    """Return a quantile of all measurements that the dashboard shows, and nothing where there are none.

    Prometheus' NaN would stand in a table, and break its order.
    """
    return f"histogram_quantile({share}, {summed(growth(buckets, RANGE), ('le', *by))}) >= 0"


def part(some: str, every: str) -> str:
    """Return `some`, and 0 where there is only `every`: nothing failed is not the same as nothing known."""
    return f"({some} or 0 * {every})"


def share(some: str, every: str) -> str:
    """Return which share of `every` is `some`, and nothing where there is nothing to divide by."""
    return f"{part(some, every)} / ({every} > 0)"


def mean(total: str, count: str, window: str, by: Sequence[str] = ()) -> str:
    """Return the mean of a histogram's measurements in a window, and nothing where there are none."""
    return f"{summed(growth(total, window), by)} / ({summed(growth(count, window), by)} > 0)"


def per_second(grown: str) -> str:
    """Return the growth from one point to the next, a second."""
    return f"{grown} / ($__interval_ms / 1000)"


def _by(labels: Sequence[str]) -> str:
    named = [label_name(label) for label in labels]
    return f" by ({', '.join(named)}) " if named else ""
