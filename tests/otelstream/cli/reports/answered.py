"""Answers of reports, made up, to draw charts of."""

from __future__ import annotations

from collections.abc import Sequence

from otelstream.cli.reports.answers import Rows
from otelstream.cli.reports.files import report_of

RUNS = ("name", "runs", "failed", "crashed", "p50_s", "p95_s")
HOURS = ("hour", "name", "runs")


def answer(report: str, columns: Sequence[str], *rows: tuple[object, ...]) -> Rows:
    """What a report might say, in the columns that are drawn."""
    return Rows(report_of(report), list(columns), list(rows))
