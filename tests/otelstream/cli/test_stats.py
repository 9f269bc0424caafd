"""`otelstream stats`: the answers of the dashboards, of a recording of any kind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from otelstream.cli.reports.files import report_names
from otelstream.cli.reports.sections import SECTIONS
from recorder.writer import Writer
from tests.otelstream.cli.conftest import Cli, Recordings
from tests.recorder.recordings import start

TITLES = ["Runs", "One run", "Its steps", "LLM", "Agents and tools", "Pipeline health"]


def test_the_answers_are_tables_with_titles(cli: Cli, recordings: Recordings) -> None:
    """Runs, the last of them with its steps, models, agents, health: in this order, with units."""
    ended = cli("stats", recordings.both)
    lines = ended.out.splitlines()

    assert (ended.code, ended.err, [line for line in lines if line in TITLES]) == (0, "", TITLES)
    assert [
        line.split()
        for line in lines
        if line.startswith(("F ", "state ", "completed  ", "failed  ")) and "spans" not in line
    ] == [
        ["F", "2", "1", "50", "%", "0", "0", "1.7", "s", "1.7", "s"],
        ["state", "failed"],
        ["state", "sessions", "frames", "dropped", "why", "per", "commit", "masked"],
        *([state, "1", "29", "0", "29", "6"] for state in ("completed", "failed")),
    ]


def test_steps_stand_beneath_what_they_are_in(cli: Cli, recordings: Recordings) -> None:
    """Each is moved to the right by how deep it is."""
    lines = cli("stats", recordings.completed).out.splitlines()
    first = lines.index("Its steps") + 1
    at = lines[first].index("step")

    assert [len(line[at:]) - len(line[at:].lstrip()) for line in lines[first + 1 : first + 7]] == [
        *(0, 2, 4, 6, 8, 10)
    ]


def test_a_report_is_printed_whole(cli: Cli, recordings: Recordings) -> None:
    """Behind its question, with the columns that its file explains."""
    lines = cli("stats", recordings.both, "--report", "runs-by-hour").out.splitlines()

    assert (lines[0], lines[1].split(), lines[2].split()[2:]) == (
        "How many runs began in each hour, and what became of them?",
        ["hour", "name", "runs", "failed", "crashed", "unended"],
        ["F", "2", "1", "0", "0"],
    )


def test_a_report_that_is_too_wide_stands_upright(
    cli: Cli, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name and a value on each line, and no number is cut."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("stats", recordings.both, "--report", "models").out.splitlines()

    assert [line.split() for line in lines[1:4]] == [
        ["model", "gpt-4o-mini"],
        ["provider", "openai"],
        ["calls", "2"],
    ]


def test_json_of_a_report_is_that_of_sql(cli: Cli, recordings: Recordings) -> None:
    """The rows as they are, not as people read them."""
    text = (Path(__file__).parents[3] / "dashboards" / "sql" / "runs.sql").read_text()

    assert cli("stats", recordings.both, "-r", "runs", "--json") == cli(
        "sql", recordings.both, text, "--json"
    )


def test_json_of_all_answers_is_by_report(cli: Cli, recordings: Recordings) -> None:
    """Each with all of its rows and columns."""
    found = json.loads(cli("stats", recordings.both, "--json").out)

    assert {name: len(rows) for name, rows in found.items()} == {
        "runs": 1,
        "run": 1,
        "run_steps": 6,
        "models": 1,
        "agents_and_tools": 1,
        "recording_health": 2,
    }


def test_a_run_is_named_as_elsewhere(cli: Cli, recordings: Recordings) -> None:
    """As in `show`; it is the last one if none is named."""
    chosen = [
        json.loads(cli("stats", recordings.both, "-r", "run", "--json", *option).out)[0]["state"]
        for option in ((), ("-s", "0"))
    ]

    assert chosen == ["failed", "completed"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--report", "tea"], f"there is no report 'tea'; choose one of {', '.join(report_names())}."),
        (
            ["--report", "runs", "--session", "0"],
            "the report runs is about all sessions; --session goes with run, run_steps, run_tokens.",
        ),
        (["--output", "runs.txt"], "runs.txt is no name of a picture; let it end in .png or .svg."),
        (["-r", "run", "--session", "tea"], None),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    options: list[str], sentence: str | None, cli: Cli, recordings: Recordings
) -> None:
    """It names the value, and what to do; nothing else is printed."""
    ended = cli("stats", recordings.both, *options)

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert sentence is None or ended.err == f"otelstream: {sentence}\n"


def test_json_is_not_drawn(cli: Cli, recordings: Recordings) -> None:
    """One of both is asked for."""
    ended = cli("stats", recordings.both, "--json", "--plot")

    assert (ended.code, ended.out, "JSON is not drawn" in ended.err) == (2, "", True)


def test_the_rest_of_many_rows_is_named(cli: Cli, tmp_path: Path) -> None:
    """The first ten, and what to type for all; the name of the recording is quoted for a shell."""
    writer = Writer(tmp_path / "my runs.duckdb")
    for number in range(12):
        writer.begin(replace(start(number), name=f"Flow{number:02}"))
    writer.flush()
    writer.close()

    assert (
        "and 2 more: otelstream stats 'my runs.duckdb' --report runs\n" in cli("stats", "my runs.duckdb").out
    )


def test_every_section_shows_columns_of_its_report(cli: Cli, recordings: Recordings) -> None:
    """A column that a report has no more would be a traceback."""
    found = json.loads(cli("stats", recordings.both, "--json").out)

    assert [
        (section.report, set(section.columns) - set(found[section.report][0])) for section in SECTIONS
    ] == [(section.report, set()) for section in SECTIONS]
