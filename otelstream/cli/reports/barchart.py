"""Charts on a terminal, as rows of bars; in a pipe they have no colours."""

from __future__ import annotations

from typing import Final

from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from otelstream.cli.figures import shown
from otelstream.cli.reports.charts import Chart, Mark

ROWS: Final = 25
"""How many rows of a report are drawn."""

WIDTH: Final = 100
"""Wider than this no chart is."""

_COLOURS: Final = ("cyan", "yellow", "magenta", "green", "blue", "bright_cyan")


def print_charts(out: Console, charts: list[Chart]) -> None:
    """Print charts one below the other."""
    for number, chart in enumerate(charts):
        if number:
            out.print()
        out.print(Text(chart.title, style="bold"))
        if not chart.marks:
            out.print("  nothing to draw", style="dim")
            continue
        out.print(_table(chart, min(out.width, WIDTH), ascii_only=out.options.ascii_only))


def _table(chart: Chart, width: int, *, ascii_only: bool) -> Table:
    longest = max((mark.start + value for mark, value in chart.known), default=0) or 1
    series = chart.series
    table = Table.grid(padding=(0, 1), expand=True)
    table.width = width
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=width * 2 // 5)
    if len(series) > 1:
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=width // 5)
    table.add_column(ratio=1)
    table.add_column(no_wrap=True, justify="right")
    above = None
    for mark in chart.marks:
        label = Text("" if mark.place == above else mark.label)
        names = [Text(mark.series)] if len(series) > 1 else []
        is_bad = mark.failed or chart.is_bad(mark.series)
        style = "red" if is_bad else _COLOURS[series.index(mark.series) % len(_COLOURS)]
        bar = _bar(mark, longest, style, width // 3, ascii_only=ascii_only)
        table.add_row(label, *names, bar, Text(_figure(chart.column, mark)))
        above = mark.place
    return table


def _bar(mark: Mark, longest: float, style: str, width: int, *, ascii_only: bool) -> RenderableType:
    if mark.value is None:
        return Text("")
    if not ascii_only:
        return Bar(longest, mark.start, mark.start + mark.value, color=style)
    begin, end = (round(width * place / longest) for place in (mark.start, mark.start + mark.value))
    return Text(" " * begin + "#" * (end - begin), style=style)


def _figure(column: str, mark: Mark) -> str:
    return "unknown" if mark.value is None else shown(column, mark.value)
