"""Every report: how it is written and listed, and what it says of golden recordings.

`OTELSTREAM_UPDATE_GOLDEN=1 pytest tests/dashboards/test_sql.py` writes the texts of the answers anew; read
the difference before committing it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

import otelstream
import recorder
from otelstream.cli import main
from otelstream.cli.reports.answers import Rows, ask
from otelstream.cli.reports.files import report_of
from recorder.writer import Writer
from tests.conftest import frames_of
from tests.dashboards.reports import FOLDER, REPORTS, rows_of, text_of
from tests.e2e.runs import session
from tests.recorder.recordings import thaw

ANSWERS = Path(__file__).parents[1] / "golden" / "reports"
RUNS = {
    "a": ("05_crew_two_agents_tools", "06_tool_raises", "07d_llm_http500_nonstream_sync"),
    "b": ("07_llm_http500", "18_close_early", "25_mcp_tool", "20_long_5000_chunks"),
}
"""The golden streams of each file of the directory."""

OF_THE_RECORDER = {
    "run": ("started_at", "ended_at"),
    "runs": ("last_at",),
    "recording_health": ("commits", "frames_per_commit", "last_at"),
}
"""Columns that say when or how a session was recorded, so that they differ each time."""

NOT_WRITTEN_DOWN = ("runs_by_hour",)
"""Reports of nothing but such columns: two tests of an hour apart have other rows."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of two recordings."""
    folder = tmp_path_factory.mktemp("runs")
    for file, names in RUNS.items():
        for name in names:
            list(otelstream.observe(session(frames_of(name)), record=folder / f"{file}.duckdb"))
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A recording of nothing."""
    Writer(tmp_path / "empty.duckdb").close()
    return tmp_path / "empty.duckdb"


def told(path: Path) -> str:
    """The answers of all reports as text; a session is called by its place in the recording."""
    with recorder.open(path) as recording:
        names = {each.start.session_id: f"session {each.index}" for each in recording.sessions()}
        reports = [report_of(report) for report in REPORTS if report not in NOT_WRITTEN_DOWN]
        answers = ask(recording, reports, {})
    return "\n".join(f"# {name}\n" + "".join(lines(rows, names)) for name, rows in answers.items())


def lines(answer: Rows, names: dict[UUID, str]) -> Iterator[str]:
    """The columns, and a line for each row."""
    yield " | ".join(answer.columns) + "\n"
    hidden = [answer.columns.index(column) for column in OF_THE_RECORDER.get(answer.report.name, ())]
    for row in answer.rows:
        values = [names[value] if isinstance(value, UUID) else value for value in row]
        for place in hidden:
            values[place] = "…"
        yield " | ".join("NULL" if value is None else str(value) for value in values) + "\n"


def check(path: Path, name: str) -> None:
    """Compare the answers about a recording with those that were written down, or write them down."""
    golden, text = ANSWERS / f"{name}.txt", told(path)
    if os.environ.get("OTELSTREAM_UPDATE_GOLDEN") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["format-1/finished", "format-1/crashed", "format-2/finished", "format-2/crashed"]
)
def test_reports_over_a_frozen_recording(name: str, tmp_path: Path) -> None:
    """Every row of every report over a recording that an earlier release made."""
    check(thaw(name, tmp_path), name.replace("/", "-"))


def test_reports_over_a_directory(runs: Path) -> None:
    """Every row of every report over the golden streams of two files."""
    check(runs, "directory")


def test_reports_over_a_pattern(runs: Path) -> None:
    """The files of a pattern are one recording as those of a directory are."""
    check(runs / "?.duckdb", "directory")


def test_reports_over_nothing(empty: Path) -> None:
    """A recording without sessions gives no row, not even one of zeros."""
    check(empty, "nothing")


def test_every_report_is_listed() -> None:
    """README.md has a row for each file, with the first line of its comment."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`(\w+)`\]\(sql/(\w+)\.sql\) \| (.*) \|$", readme, re.MULTILINE)

    assert listed == [
        (report, report, text_of(report).partition("\n")[0].removeprefix("/* ")) for report in REPORTS
    ]


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_one_query(report: str) -> None:
    """Its text is one SELECT."""
    types = [statement.type for statement in duckdb.extract_statements(text_of(report))]

    assert types == [duckdb.StatementType.SELECT]


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_explains_its_columns(report: str, empty: Path) -> None:
    """Its comment asks a question, names each column that does not explain itself, and tells its limits."""
    comment, _, _ = text_of(report).partition("*/")
    with recorder.open(empty) as recording:
        columns = set(recording.sql(text_of(report)).columns)
    plain = {"session_id", "session", "day", "model", "provider", "tool", "agent", "operation", "started_at"}

    assert (
        comment.startswith("/* ") and comment.partition("\n")[0].endswith("?"),
        "\nLimits: " in comment,
        sorted(name for name in columns - plain if not re.search(rf"\b{name}\b", comment)),
    ) == (True, True, [])


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_runs_from_the_command_line(
    report: str, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text of its file is an argument of `otelstream sql`."""
    file = runs / "a.duckdb"
    monkeypatch.setattr("sys.argv", ["otelstream", "sql", str(file), text_of(report), "--json"])
    with pytest.raises(SystemExit) as left:
        main()

    assert (left.value.code or 0, len(json.loads(capsys.readouterr().out))) == (0, len(rows_of(report, file)))
