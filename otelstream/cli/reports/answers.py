"""Reports asked of a recording, all in one connection, and printed as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from otelstream.cli.figures import shown
from otelstream.cli.reports.files import Report
from otelstream.cli.terminal import cell
from recorder import Answer, Recording

_SHORTEST_TEXT: Final = 12
_ANY_WIDTH: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What a report says of a recording.

    Attributes:
        report: The report.
        columns: The names of its columns.
        rows: Its rows.
    """

    report: Report
    columns: list[str]
    rows: list[tuple[object, ...]]

    def dicts(self) -> list[dict[str, object]]:
        """Return the rows by the names of the columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def ask(recording: Recording, reports: Sequence[Report], variables: Mapping[str, object]) -> dict[str, Rows]:
    """Return what reports say, by their names. The recording is opened once, as that takes most of the time.

    Raises:
        RecordingError: The recording cannot be read.
    """
    found = {}
    with recording.connection() as connection:
        for report in reports:
            answer = Answer(lambda: nullcontext(connection), report.text, variables=variables)
            found[report.name] = Rows(report, *answer.fetch())
    return found


def print_rows(
    out: Console,
    headings: Mapping[str, str],
    rows: Sequence[Mapping[str, object]],
    *,
    upright: bool = False,
    text_width: int | None = None,
) -> None:
    """Print rows as a table; where that is too wide, each as lines of a column's name and a value.

    Args:
        out: Where to.
        headings: By column, what stands above it.
        rows: The rows, by column.
        upright: Print lines in any case.
        text_width: Cut texts that are wider in a table, and further if need be; else they are whole.
    """
    narrowest = _table(headings, rows, None if text_width is None else _SHORTEST_TEXT)
    needed = Measurement.get(out, out.options.update(width=_ANY_WIDTH), narrowest).maximum
    if rows and (upright or needed > out.width):
        out.print(_upright(headings, rows))
    else:
        out.print(_table(headings, rows, text_width))


def _table(
    headings: Mapping[str, str], rows: Sequence[Mapping[str, object]], text_width: int | None
) -> Table:
    table = Table(box=None, pad_edge=False)
    for column, heading in headings.items():
        if any(isinstance(row[column], int | float) for row in rows):
            table.add_column(cell(heading), no_wrap=True, justify="right")
        else:
            table.add_column(cell(heading), overflow="ellipsis", max_width=text_width)
    for row in rows:
        cells = [cell(shown(column, row[column])) for column in headings]
        for each in cells:
            each.no_wrap = True  # the column may be made narrower all the same: before those of numbers
        table.add_row(*cells)
    return table


def _upright(headings: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for number, row in enumerate(rows):
        if number:
            table.add_row("", "")
        for column, heading in headings.items():
            table.add_row(cell(heading), cell(shown(column, row[column])))
    return table
