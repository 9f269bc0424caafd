"""How each report is drawn: a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["bars", "spans", "steps", "stacks"]
"""Bars beside each other, bars that begin where something began, lines that rise in steps over time, or bars
on a time axis that stand on each other."""

OVER_TIME: Final[tuple[Kind, ...]] = ("steps", "stacks")
"""The kinds that have a time axis."""


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
        limit: How many rows are drawn, of stacks moments: the last of what has a time axis, else the first.
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
