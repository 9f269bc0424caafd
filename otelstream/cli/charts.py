"""How each report is drawn, as a table, and what of its rows is drawn then. It draws nothing itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Final, Literal

from otelstream.cli.answers import Rows
from otelstream.cli.figures import shown
from otelstream.cli.terminal import plain

Kind = Literal["bars", "spans", "steps", "stacks"]
"""Bars beside each other, bars that begin where something began, lines that rise in steps over time, or bars
on a time axis that stand on each other."""

FAILURES: Final = ("failed", "failed spans", "missing")
"""Series that tell of something bad."""

SERIES: Final = 6
"""How many series are told apart; all others are drawn as one."""

LABEL_CHARACTERS: Final = 36
"""A longer label is cut."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How rows of a report become a chart.

    Attributes:
        title: What stands above it.
        kind: Of which kind it is.
        x: Columns that name a bar; of steps and stacks, the one that says when.
        values: Columns that say how long a bar or high a line is, each with what it is called.
        by: Of stacks, the column by which they are told apart.
        start: Of spans, the column that says where a bar begins.
        failed: A column that has a value in rows of what failed.
        width_s: Of stacks, how many seconds each stands for.
        limit: How many rows are drawn: of steps and stacks the last ones, else the first.
    """

    title: str
    kind: Kind
    x: tuple[str, ...]
    values: Mapping[str, str]
    by: str | None = None
    start: str | None = None
    failed: str | None = None
    width_s: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar, or a point of a line.

    Attributes:
        label: What it is of.
        series: What it tells.
        at: When, of steps and stacks.
        start: Where a bar begins.
        value: How long or high it is; None if that is unknown.
        failed: Whether it is of something that failed.
    """

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
        left_out: How many rows are not drawn.
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
        which = "earlier" if self.drawing.kind in ("steps", "stacks") else "further"
        return f"{self.drawing.title} ({self.left_out:,} {which} not shown)"

    @property
    def series(self) -> list[str]:
        """The series, in their order."""
        return list(dict.fromkeys(mark.series for mark in self.marks))

    @property
    def known(self) -> list[tuple[Mark, float]]:
        """The marks whose value is known, with it."""
        return [(mark, mark.value) for mark in self.marks if mark.value is not None]


DURATIONS: Final = {"p50_s": "p50", "p95_s": "p95"}

DRAWINGS: Final[Mapping[str, tuple[Drawing, ...]]] = {
    "agents_and_tools": (
        Drawing("How long agents and tools take", "bars", ("name",), DURATIONS),
        Drawing("How many executions failed", "bars", ("name",), {"executions": "all", "failed": "failed"}),
    ),
    "cost_by_model_and_day": (
        Drawing(
            "What calls cost each day (example prices)",
            "stacks",
            ("day",),
            {"cost_usd": "cost"},
            by="model",
            width_s=86_400,
            limit=400,
        ),
    ),
    "longest_prompts": (
        Drawing("The longest prompts, in characters", "bars", ("session", "agent"), {"characters": "all"}),
    ),
    "models": (
        Drawing("Tokens of models", "bars", ("model",), {"input_tokens": "input", "output_tokens": "output"}),
        Drawing(
            "How long models take to their first token",
            "bars",
            ("model",),
            {"first_token_p50_s": "p50", "first_token_p95_s": "p95"},
        ),
    ),
    "recording_health": (
        Drawing("Sessions by how they ended", "bars", ("state",), {"sessions": "sessions"}),
        Drawing(
            "Frames that are recorded, and that are missing",
            "bars",
            ("state",),
            {"frames": "recorded", "frames_dropped": "missing"},
        ),
    ),
    "retries_and_failures": (
        Drawing(
            "What failed, and how often another try helped",
            "bars",
            ("operation", "subject"),
            {"failed": "failed", "recovered": "recovered"},
        ),
    ),
    "run": (
        Drawing(
            "Calls of the run",
            "bars",
            ("session",),
            {"llm_calls": "LLM calls", "tool_calls": "tool calls", "failed_spans": "failed spans"},
        ),
    ),
    "run_steps": (
        Drawing(
            "Steps of the run, from its start",
            "spans",
            ("step",),
            {"duration_s": "took"},
            start="offset_s",
            failed="error_type",
            limit=40,
        ),
    ),
    "run_tokens": (
        Drawing(
            "Tokens of the run, from its start",
            "steps",
            ("ended_offset_s",),
            {"input_tokens_so_far": "input", "output_tokens_so_far": "output"},
            limit=2_000,
        ),
    ),
    "runs": (
        Drawing(
            "Runs, and how many failed",
            "bars",
            ("name",),
            {"runs": "all", "failed": "failed", "crashed": "crashed"},
        ),
        Drawing("How long runs take", "bars", ("name",), DURATIONS),
    ),
    "runs_by_hour": (
        Drawing(
            "Runs that began in each hour (UTC)",
            "stacks",
            ("hour",),
            {"runs": "runs"},
            by="name",
            width_s=3_600,
            limit=2_000,
        ),
    ),
    "runs_that_loop": (
        Drawing(
            "What was done again and again",
            "bars",
            ("session", "subject"),
            {"times": "times", "failed": "failed"},
        ),
    ),
    "slowest_tools": (
        Drawing("How long tools take", "bars", ("tool",), {**DURATIONS, "longest_s": "longest"}),
    ),
    "time_to_first_token": (
        Drawing(
            "How long models take to their first token",
            "bars",
            ("model",),
            {**DURATIONS, "longest_s": "longest"},
        ),
    ),
}
"""By report, what is drawn of it."""


def charts_of(answer: Rows, most: int | None = None) -> list[Chart]:
    """Return what is drawn of the rows of a report.

    Args:
        answer: The rows.
        most: Draw no more of them than this, however many the drawing would take.
    """
    return [_chart(drawing, answer.dicts(), most) for drawing in DRAWINGS[answer.report.name]]


def _chart(drawing: Drawing, rows: Sequence[Mapping[str, object]], most: int | None) -> Chart:
    limit = drawing.limit if most is None else min(drawing.limit, most)
    taken = rows[-limit:] if drawing.kind in ("steps", "stacks") else rows[:limit]
    marks = [mark for row in taken for mark in _marks(drawing, row)]
    if drawing.by is not None:
        marks = _grouped(marks)
    return Chart(drawing, next(iter(drawing.values)), marks, len(rows) - len(taken))


def _grouped(marks: Sequence[Mark]) -> list[Mark]:
    """Return marks whose series are the biggest ones, and the others together as one more."""
    totals: dict[str, float] = defaultdict(float)
    for mark in marks:
        totals[mark.series] += mark.value or 0
    named = sorted(totals, key=lambda name: -totals[name])[:SERIES]
    return [mark if mark.series in named else replace(mark, series="others") for mark in marks]


def _marks(drawing: Drawing, row: Mapping[str, object]) -> Iterator[Mark]:
    label = _label(": ".join(shown(column, row[column]) for column in drawing.x if row[column] is not None))
    start = row[drawing.start] if drawing.start else None
    failed = drawing.failed is not None and row[drawing.failed] is not None
    for column, name in drawing.values.items():
        series = name if drawing.by is None else _label(shown(drawing.by, row[drawing.by]))
        value = row[column]
        yield Mark(
            label=label,
            series=series,
            at=_moment(row[drawing.x[0]]) if drawing.kind in ("steps", "stacks") else None,
            start=float(start) if isinstance(start, int | float) else 0.0,
            value=float(value) if isinstance(value, int | float) else None,
            failed=failed,
        )


def _moment(value: object) -> datetime | float | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return float(value) if isinstance(value, int | float) else None


def _label(text: str) -> str:
    text = plain(text) or "(no name)"
    return text if len(text) <= LABEL_CHARACTERS else f"{text[: LABEL_CHARACTERS - 1]}…"
