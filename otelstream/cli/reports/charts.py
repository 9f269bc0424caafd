"""What of the rows of a report is drawn, as marks of charts. Nothing is drawn here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from math import isfinite
from typing import Final

from otelstream.cli.figures import shown
from otelstream.cli.reports.answers import Rows
from otelstream.cli.reports.drawings import DRAWINGS, OVER_TIME, Drawing
from otelstream.cli.terminal import plain

FAILURES: Final = ("failed", "failed spans", "missing")
"""Series that tell of something bad."""

SERIES: Final = 6
"""How many series are told apart; all others are drawn as one."""

OTHERS: Final = "others"

LABEL_CHARACTERS: Final = 36
"""A longer label is cut in its middle, as names of models differ at their ends."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar, or a point of a line.

    Attributes:
        place: Which place it has beside others.
        label: What it is of.
        series: What it tells.
        at: When, of steps and stacks.
        start: Where a bar begins.
        value: How long or high it is; None if that is unknown.
        failed: Whether it is of something that failed.
    """

    place: int
    label: str
    series: str
    at: datetime | float | None
    start: float
    value: float | None
    failed: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with the values of a recording.

    Attributes:
        drawing: How it is drawn.
        column: A column whose name tells the unit.
        marks: What is drawn.
        left_out: How many rows or moments are not drawn.
    """

    drawing: Drawing
    column: str
    marks: list[Mark] = field(default_factory=list)
    left_out: int = 0

    @property
    def title(self) -> str:
        """What stands above it, with what is missing in it."""
        if not self.left_out:
            return self.drawing.title
        which = "earlier" if self.drawing.kind in OVER_TIME else "further"
        return f"{self.drawing.title} ({self.left_out:,} {which} not shown)"

    @property
    def series(self) -> list[str]:
        """The series, in their order."""
        return list(dict.fromkeys(mark.series for mark in self.marks))

    def is_bad(self, series: str) -> bool:
        """Tell whether a series is of something bad; a flow or a model may be called so, and is not."""
        return self.drawing.by is None and series in FAILURES

    @property
    def known(self) -> list[tuple[Mark, float]]:
        """The marks whose value is known, with it."""
        return [(mark, mark.value) for mark in self.marks if mark.value is not None]


def charts_of(answer: Rows, most: int | None = None) -> list[Chart]:
    """Return what is drawn of the rows of a report.

    Args:
        answer: The rows.
        most: Draw no more of them than this, however many the drawing would take.
    """
    return [_chart(drawing, answer.dicts(), most) for drawing in DRAWINGS[answer.report.name]]


def _chart(drawing: Drawing, rows: Sequence[Mapping[str, object]], most: int | None) -> Chart:
    limit = drawing.limit if most is None else min(drawing.limit, most)
    # Of a moment all is drawn or nothing, as half of it would be taken for the whole.
    places = list(dict.fromkeys(_place(drawing, number, row) for number, row in enumerate(rows)))
    first = max(len(places) - limit, 0) if drawing.kind in OVER_TIME else 0
    taken = {place: first + number for number, place in enumerate(places[first : first + limit])}
    marks = [
        mark
        for number, row in enumerate(rows)
        if (place := _place(drawing, number, row)) in taken
        for mark in _marks(drawing, row, taken[place])
    ]
    if drawing.by is not None:
        marks = _grouped(marks)
    return Chart(drawing, next(iter(drawing.values)), marks, len(places) - len(taken))


def _place(drawing: Drawing, number: int, row: Mapping[str, object]) -> object:
    """Return what tells a place on the axis from others: the moment of stacks, else the row itself."""
    return number if drawing.by is None else row[drawing.x[0]]


def _grouped(marks: Sequence[Mark]) -> list[Mark]:
    """Return one mark for each series and moment; series that are not among the biggest are one."""
    totals: dict[str, float] = defaultdict(float)
    for mark in marks:
        totals[mark.series] += mark.value or 0
    named = sorted(totals, key=lambda name: -totals[name])[:SERIES]
    found: dict[tuple[int, str], Mark] = {}
    for mark in marks:
        series = mark.series if mark.series in named else OTHERS
        other = found.get((mark.place, series))
        values = [each.value for each in (mark, other) if each is not None and each.value is not None]
        found[mark.place, series] = replace(mark, series=series, value=sum(values) if values else None)
    return list(found.values())


def _marks(drawing: Drawing, row: Mapping[str, object], place: int) -> Iterator[Mark]:
    label = _label(": ".join(shown(column, row[column]) for column in drawing.x if row[column] is not None))
    start = row[drawing.start] if drawing.start else None
    failed = drawing.failed is not None and row[drawing.failed] is not None
    for column, name in drawing.values.items():
        series = name if drawing.by is None else _label(shown(drawing.by, row[drawing.by]))
        value = row[column]
        yield Mark(
            place=place,
            label=label,
            series=series,
            at=_moment(row[drawing.x[0]]) if drawing.kind in OVER_TIME else None,
            start=_number(start) or 0.0,
            value=_number(value),
            failed=failed,
        )


def _moment(value: object) -> datetime | float | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return _number(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _label(text: str) -> str:
    text = plain(text) or "(no name)"
    if len(text) <= LABEL_CHARACTERS:
        return text
    ending = LABEL_CHARACTERS // 2
    return f"{text[: LABEL_CHARACTERS - ending - 1]}…{text[-ending:]}"
