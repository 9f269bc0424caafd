"""What `otelstream stats` prints without a report: five answers, each a few columns of a report or two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Final

from rich.console import Console

from otelstream.cli.figures import size
from otelstream.cli.reports.answers import Rows, print_rows
from otelstream.cli.terminal import cell


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
            "first_token_p50_s": "1st token",
            "first_token_p95_s": "p95",
            "output_tokens_per_s": "tokens/s",
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

_TEXT_WIDTH: Final = 26
"""What is wider is cut on a terminal, so that numbers stay beside it at 80 columns."""


def print_sections(out: Console, answers: Mapping[str, Rows], recording: str, bytes_on_disk: int) -> None:
    """Print all sections.

    Args:
        out: Where to.
        answers: What the reports say, by their names.
        recording: How the user called it, for what to type next.
        bytes_on_disk: How big its files are.
    """
    for section in SECTIONS:
        out.print(section.title, style="bold")
        _print_section(out, section, answers[section.report].dicts(), recording)
        out.print()
    frames = [row["frames"] for row in answers["recording_health"].dicts()]
    total = sum(count for count in frames if isinstance(count, int))
    each = f", {bytes_on_disk / total:,.0f} bytes per frame" if total else ""
    out.print(f"{size(bytes_on_disk)} on disk{each}", style="dim")


def _print_section(
    out: Console, section: Section, rows: Sequence[Mapping[str, object]], recording: str
) -> None:
    if not rows:
        out.print("none", style="dim")
        return
    shown = [dict(_values(section, row)) for row in rows[: section.limit]]
    columns = {
        column: heading
        for column, heading in section.columns.items()
        if not section.upright or any(row[column] is not None for row in shown)
    }
    text_width = _TEXT_WIDTH if out.is_terminal else None
    print_rows(out, columns, shown, upright=section.upright, text_width=text_width)
    if len(rows) > section.limit:
        again = f"otelstream stats {quote(recording)} --report {section.report}"
        out.print(cell(f"and {len(rows) - section.limit:,} more: {again}"), style="dim")


def _values(section: Section, row: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for column in section.columns:
        value = row[column]
        if section.indent is not None and column == section.indent[0]:
            depth = row[section.indent[1]]
            value = "  " * min(depth if isinstance(depth, int) else 0, 6) + str(value)
        yield column, value
