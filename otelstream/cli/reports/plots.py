"""One chart on axes of matplotlib. It is imported only where a picture is drawn."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from otelstream.cli.figures import seconds, shown, unit_of
from otelstream.cli.reports.charts import Chart, Mark
from otelstream.cli.reports.drawings import OVER_TIME

_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442", "#999999")
"""Told apart by people who see few colours, too (Okabe and Ito)."""
_FAILED: Final = "#D55E00"

_SINCE: Final = "since the run began"

_BAR: Final = 0.18
_AROUND: Final = 1.1
_TIME: Final = 3.2
"""Inches: of a bar, of what is around the bars of a chart, of a chart over time."""


def height(chart: Chart) -> float:
    """Return how high a chart should be, in inches."""
    if not chart.known:
        return _AROUND
    if chart.drawing.kind in OVER_TIME:
        return _TIME
    gap = 0 if chart.drawing.kind == "spans" else 0.7
    return _AROUND + _BAR * max(len(_rows(chart)) * (len(chart.series) + gap), 2)


def draw(axes: Axes, chart: Chart) -> None:
    """Draw a chart, with title, units, and what its colours mean."""
    axes.set_title(chart.title)
    if not chart.known:
        axes.text(0.5, 0.5, "nothing to draw", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    _KINDS[chart.drawing.kind](axes, chart)
    series = chart.series
    if len(series) > 1:
        # A label that begins with an underscore would not be shown.
        patches = [
            Patch(color=_colour(chart, name), label=f" {name}" if name.startswith("_") else name)
            for name in series
        ]
        axes.legend(handles=patches, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _bars(axes: Axes, chart: Chart) -> None:
    rows, series = _rows(chart), chart.series
    thickness = 0.8 / len(series)
    longest = max(mark.start + value for mark, value in chart.known) or 1
    texts: list[str] = []
    for row, marks in enumerate(rows):
        for mark in marks:
            place = series.index(mark.series)
            at = row + (place - (len(series) - 1) / 2) * thickness
            if mark.value is not None:
                colour = _FAILED if mark.failed else _colour(chart, mark.series)
                length = max(mark.value, longest * 0.0015) if mark.value else 0  # so that it is seen at all
                axes.barh(at, length, thickness * 0.9, left=mark.start, color=colour)
            texts.append("unknown" if mark.value is None else shown(chart.column, mark.value))
            axes.text(
                mark.start + (mark.value or 0) + longest * 0.006,
                at,
                texts[-1],
                va="center",
                fontsize=7,
                color="0.3" if mark.value is not None else "0.55",
            )
    axes.set_yticks(range(len(rows)), [marks[0].label for marks in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first row stands above
    axes.set_xlim(0, longest * (1.04 + 0.013 * max(len(text) for text in texts)))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=_is_counted(chart)))
    axes.xaxis.set_major_formatter(_figures(chart))
    axes.set_xlabel(_SINCE if chart.drawing.start else unit_of(chart.column))
    axes.grid(axis="x", color="0.9")


def _steps(axes: Axes, chart: Chart) -> None:
    for name in chart.series:
        points = [
            (mark.at, value)
            for mark, value in chart.known
            if mark.series == name and isinstance(mark.at, float)
        ]
        x, y = [at for at, _ in points], [value for _, value in points]
        axes.step(x, y, where="post", color=_colour(chart, name), marker="o", markersize=3)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    axes.set_xlabel(_SINCE)
    _upward(axes, chart)


def _stacks(axes: Axes, chart: Chart) -> None:
    below: dict[datetime, float] = defaultdict(float)
    wide = timedelta(seconds=chart.drawing.width_s) / timedelta(days=1)
    for name in chart.series:
        found = [
            (mark.at, value)
            for mark, value in chart.known
            if mark.series == name and isinstance(mark.at, datetime)
        ]
        axes.bar(
            [_days(at) for at, _ in found],
            [value for _, value in found],
            width=wide,
            bottom=[below[at] for at, _ in found],
            align="edge",
            color=_colour(chart, name),
        )
        for at, value in found:
            below[at] += value
    first, last = _days(min(below)), _days(max(below))
    spare = max((last - first) / 20, wide)
    axes.set_xlim(
        max(first - spare, _FIRST_DAY), min(last + wide + spare, _LAST_DAY)
    )  # a text may say any day
    locator = dates.AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]  # has no types
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC")
    _upward(axes, chart)


def _upward(axes: Axes, chart: Chart) -> None:
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=_is_counted(chart)))
    axes.yaxis.set_major_formatter(_figures(chart))
    axes.set_ylabel(unit_of(chart.column))
    axes.grid(axis="y", color="0.9")


_KINDS: Final = {"bars": _bars, "spans": _bars, "steps": _steps, "stacks": _stacks}


def _rows(chart: Chart) -> list[list[Mark]]:
    """Return the marks of each place."""
    return [list(marks) for _, marks in groupby(chart.marks, key=lambda mark: mark.place)]


def _figures(chart: Chart) -> FuncFormatter:
    return FuncFormatter(lambda value, _: shown(chart.column, value))


def _is_counted(chart: Chart) -> bool:
    return all(value == int(value) for _, value in chart.known)


def _colour(chart: Chart, name: str) -> str:
    if chart.is_bad(name):
        return _FAILED
    return _COLOURS[chart.series.index(name) % len(_COLOURS)]


def _days(at: datetime) -> float:
    return float(dates.date2num(at))  # type: ignore[no-untyped-call]  # has no types


_FIRST_DAY: Final = _days(datetime.min)
_LAST_DAY: Final = _days(datetime(9999, 12, 31, 23, 59, 59))
"""The ends of the calendar, beyond which no axis goes."""
