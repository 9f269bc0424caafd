"""What of a report is drawn, and how it looks on a terminal."""

from __future__ import annotations

import io
import time
from datetime import date, datetime

import pytest
from rich.console import Console

import recorder
from otelstream.cli.reports.answers import ask
from otelstream.cli.reports.barchart import print_charts
from otelstream.cli.reports.charts import Chart, charts_of
from otelstream.cli.reports.drawings import DRAWINGS
from otelstream.cli.reports.files import report_names, report_of
from tests.otelstream.cli.conftest import Recordings
from tests.otelstream.cli.reports.answered import HOURS, RUNS, answer


def drawn(charts: list[Chart], width: int = 60) -> list[str]:
    """The lines of charts in a pipe of UTF-8."""
    out = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    print_charts(out, charts)
    assert isinstance(out.file, io.StringIO)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]


def test_every_report_is_drawn(recordings: Recordings) -> None:
    """Each has a row in the table, whose columns it has; none is drawn by a branch."""
    with recorder.open(recordings.both) as recording:
        answers = ask(recording, [report_of(name) for name in report_names()], {})
    titles = {name: [chart.title for chart in charts_of(rows)] for name, rows in answers.items()}

    assert titles == {name: [drawing.title for drawing in DRAWINGS[name]] for name in report_names()}


def test_bars_have_names_values_and_units() -> None:
    """As long as their values; in a pipe without colours."""
    rows = answer("runs", RUNS, ("Tea", 4, 1, 0, 1.2, 5.7), ("Cup", 1, 0, 0, 0.00043, None))

    assert drawn(charts_of(rows)) == [
        "Runs, and how many failed",
        "Tea all     ██████████████████████████████████████████████ 4",
        "    failed  ███████████▌                                   1",
        "    crashed                                                0",
        "Cup all     ███████████▌                                   1",
        "    failed                                                 0",
        "    crashed                                                0",
        "",
        "How long runs take",
        "Tea p50 █████████▎                                     1.2 s",
        "    p95 ████████████████████████████████████████████   5.7 s",
        "Cup p50                                              0.43 ms",
        "    p95                                              unknown",
    ]


def test_a_terminal_without_blocks_gets_other_bars() -> None:
    """Where only ASCII can be written."""
    raw = io.BytesIO()
    out = Console(file=io.TextIOWrapper(raw, encoding="ascii"), width=60, highlight=False, markup=False)
    print_charts(
        out, charts_of(answer("recording_health", ("state", "sessions", "frames", "frames_dropped")))
    )
    print_charts(
        out, charts_of(answer("slowest_tools", ("tool", "p50_s", "p95_s", "longest_s"), ("a", 1, 2, 4)))
    )
    out.file.flush()

    assert raw.getvalue().decode("ascii").splitlines()[-3:] == [
        "a p50     #####                                        1.0 s",
        "  p95     ##########                                   2.0 s",
        "  longest ####################                         4.0 s",
    ]


def test_steps_begin_where_they_began() -> None:
    """A bar is moved to the right; one that nobody saw ending has none."""
    columns = ("step", "offset_s", "duration_s", "error_type")
    rows = answer("run_steps", columns, ("a", 0.0, 4.0, None), ("b", 2.0, 2.0, "500"), ("c", 3.0, None, None))

    assert drawn(charts_of(rows), 40) == [
        "Steps of the run, from its start",
        "a ██████████████████████████████   4.0 s",
        "b                ███████████████   2.0 s",
        "c                                unknown",
    ]


def test_nothing_to_draw_is_said() -> None:
    """A chart without rows is a title and a word."""
    assert drawn(charts_of(answer("run_tokens", ()))) == [
        "Tokens of the run, from its start",
        "  nothing to draw",
    ]


def test_what_is_not_drawn_is_counted() -> None:
    """The first rows are drawn: reports have what matters most above."""
    rows = answer("runs", RUNS, *((f"Flow{number}", 1, 0, 0, 1.0, 1.0) for number in range(100)))
    chart = charts_of(rows)[0]

    assert (chart.title, [mark.label for mark in chart.marks[::3]]) == (
        "Runs, and how many failed (80 further not shown)",
        [f"Flow{number}" for number in range(20)],
    )


def test_an_hour_is_drawn_whole_or_not_at_all() -> None:
    """The last ones, and of each all that there is: small flows are summed, so that no run is missing."""
    rows = answer(
        "runs_by_hour",
        HOURS,
        *((datetime(2026, 11, 20, 9), f"Flow{number}", 1) for number in range(5)),
        *((datetime(2026, 11, 20, 10), f"Flow{number}", 40 - number) for number in range(40)),
    )
    (chart,) = charts_of(rows, most=1)

    assert (chart.title, [(mark.series, mark.value) for mark in chart.marks]) == (
        "Runs that began in each hour (UTC) (1 earlier not shown)",
        [*((f"Flow{number}", 40.0 - number) for number in range(6)), ("others", sum(range(1, 35)))],
    )


def test_many_rows_are_drawn_at_once() -> None:
    """The place of a row is looked up and not searched for: 100,000 calls took seven seconds."""
    columns = ("ended_offset_s", "input_tokens_so_far", "output_tokens_so_far")
    rows = answer("run_tokens", columns, *((float(number), number, number) for number in range(100_000)))
    began = time.process_time()
    chart = charts_of(rows)[0]

    assert time.process_time() - began < 3
    assert (chart.left_out, len(chart.marks), chart.marks[0].place) == (98_000, 4_000, 98_000)


def test_a_cost_that_nobody_knows_is_no_zero() -> None:
    """Unknown and known together are what is known; unknown alone is unknown."""
    columns = ("day", "model", "cost_usd")
    day = date(2026, 11, 20)
    rows = answer("cost_by_model_and_day", columns, (day, "a", None), (day, "b", None), (day, "b", 0.5))
    (chart,) = charts_of(rows)

    assert [(mark.series, mark.at, mark.value) for mark in chart.marks] == [
        ("a", datetime(2026, 11, 20), None),
        ("b", datetime(2026, 11, 20), 0.5),
    ]


def test_long_names_that_differ_at_their_ends_are_not_added_up() -> None:
    """Versions of one model, whose names are as long as this at some providers."""
    columns, day = ("day", "model", "cost_usd"), date(2026, 11, 20)
    names = [
        f"bedrock/us.anthropic.claude-3-5-sonnet-{version}" for version in ("20240620-v1:0", "20241022-v2:0")
    ]
    (chart,) = charts_of(answer("cost_by_model_and_day", columns, *((day, name, 0.5) for name in names)))

    assert [(mark.series, mark.value) for mark in chart.marks] == [
        ("bedrock/us.anthro…nnet-20240620-v1:0", 0.5),
        ("bedrock/us.anthro…nnet-20241022-v2:0", 0.5),
    ]


def test_a_flow_that_is_called_failed_is_no_failure() -> None:
    """Only what a report counts as such has its colour."""
    hours = charts_of(answer("runs_by_hour", HOURS, (datetime(2026, 11, 20, 9), "failed", 1)))[0]
    runs = charts_of(answer("runs", RUNS, ("Tea", 4, 1, 0, 1.2, 5.7)))[0]

    assert [chart.is_bad("failed") for chart in (hours, runs)] == [False, True]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("", "(no name)"),
        (None, "(no name)"),
        ("x" * 100, "x" * 17 + "…" + "x" * 18),
        ("a\nb\x1b[2J", "a\\nb\\x1b[2J"),
        ("茶", "茶"),
    ],
)
def test_labels_are_one_line_of_text(name: str | None, label: str) -> None:
    """Whatever a recording calls a flow."""
    chart = charts_of(answer("runs", RUNS, (name, 1, 0, 0, 1.0, 1.0)))[0]

    assert {mark.label for mark in chart.marks} == {label}
