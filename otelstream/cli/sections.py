"""What `otelstream stats` prints without a report: five answers, each a few columns of a report or two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from otelstream.cli.answers import Rows, print_rows
from otelstream.cli.terminal import cell, plain


@dataclass(frozen=True, slots=True)
class Section:
    """A table.

    Attributes:
        title: What stands above it.
        report: Whose rows it shows.
        columns: Which of their columns, each with its heading.
        limit: How many rows.
        indent: A column and the one that says how far its values are moved to the right.
        upright: Whether it is lines of a heading and a value.
    """

    title: str
    report: str
    columns: Mapping[str, str]
    limit: int = 10
    indent: tuple[str, str] | None = None
    upright: bool = False


SECTIONS: Final = (
    Section(
        "Runs",
        "runs",
        {
            "name": "name",
            "runs": "runs",
            "failed": "failed",
            "failure_share": "share",
            "cancelled": "cancelled",
            "crashed": "crashed",
            "unended": "unended",
            "p50_s": "p50",
            "p95_s": "p95",
        },
    ),
    Section(
        "One run",
        "run",
        {
            "session": "name",
            "session_id": "session",
            "state": "state",
            "started_at": "started (UTC)",
            "duration_s": "took",
            "llm_calls": "LLM calls",
            "tool_calls": "tool calls",
            "input_tokens": "input tokens",
            "output_tokens": "output tokens",
            "failed_spans": "failed spans",
            "error_type": "error",
            "error_message": "message",
        },
        upright=True,
    ),
    Section(
        "Its steps",
        "run_steps",
        {
            "offset_s": "after",
            "duration_s": "took",
            "step": "step",
            "input_tokens": "in",
            "output_tokens": "out",
            "error_type": "error",
        },
        limit=15,
        indent=("step", "depth"),
    ),
    Section(
        "LLM",
        "models",
        {
            "model": "model",
            "calls": "calls",
            "failed_calls": "failed",
            "p50_s": "p50",
            "p95_s": "p95",
            "first_token_p50_s": "1st token",
            "first_token_p95_s": "p95",
            "input_tokens": "in",
            "output_tokens": "out",
        },
    ),
    Section(
        "Agents and tools",
        "agents_and_tools",
        {
            "operation": "kind",
            "name": "name",
            "executions": "times",
            "failed": "failed",
            "failure_share": "share",
            "p50_s": "p50",
            "p95_s": "p95",
            "total_s": "together",
        },
    ),
    Section(
        "Pipeline health",
        "recording_health",
        {
            "state": "state",
            "sessions": "sessions",
            "frames": "frames",
            "frames_dropped": "dropped",
            "dropped_by_reason": "why",
            "frames_per_commit": "per commit",
            "masked": "masked",
        },
    ),
)
"""The answers of the five dashboards, in their order; the second has two tables."""

_TEXT_CHARACTERS: Final = 26
"""A longer name is cut on a terminal, so that numbers stay beside it at 80 columns."""


def print_sections(out: Console, answers: Mapping[str, Rows], recording: str) -> None:
    """Print all sections.

    Args:
        out: Where to.
        answers: What the reports say, by their names.
        recording: How the user called it, for what to type next.
    """
    for number, section in enumerate(SECTIONS):
        if number:
            out.print()
        out.print(section.title, style="bold")
        rows = answers[section.report].dicts()
        if not rows:
            out.print("  none", style="dim")
            continue
        limit = _TEXT_CHARACTERS if out.is_terminal and not section.upright else None
        shown = [dict(_values(section, row, limit)) for row in rows[: section.limit]]
        columns = {
            column: heading
            for column, heading in section.columns.items()
            if not section.upright or any(row[column] is not None for row in shown)
        }
        print_rows(out, columns, shown, upright=section.upright)
        if len(rows) > section.limit:
            left = len(rows) - section.limit
            again = plain(f"otelstream stats {recording} --report {section.report}")
            out.print(cell(f"and {left:,} more: {again}"), style="dim")


def _values(section: Section, row: Mapping[str, object], limit: int | None) -> Iterator[tuple[str, object]]:
    for column in section.columns:
        value = row[column]
        if section.indent is not None and column == section.indent[0]:
            depth = row[section.indent[1]]
            value = "  " * min(depth if isinstance(depth, int) else 0, 6) + str(value)
        if isinstance(value, str) and limit is not None and len(value) > limit:
            value = f"{value[: limit - 1]}…"
        yield column, value
