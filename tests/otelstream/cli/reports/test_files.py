"""The reports are where people find them, and in what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.cli.reports import files
from otelstream.cli.reports.files import report_names, report_of

ROOT = Path(__file__).parents[4]


def test_a_checkout_has_those_of_its_dashboards() -> None:
    """Every file of the folder is a report."""
    assert report_names() == tuple(sorted(path.stem for path in (ROOT / "dashboards" / "sql").iterdir()))


def test_a_report_is_found_by_its_name_as_people_type_it() -> None:
    """With dashes, too; it asks a question."""
    found = report_of("runs-by-hour")

    assert (found.name, found.question, found.is_about_one_run) == (
        "runs_by_hour",
        "How many runs began in each hour, and what became of them?",
        False,
    )


def test_reports_about_one_run_are_known_by_their_text() -> None:
    """By the variable that chooses it."""
    assert [name for name in report_names() if report_of(name).is_about_one_run] == [
        *("run", "run_steps", "run_tokens"),
    ]


def test_a_wheel_has_them_where_the_command_looks() -> None:
    """What the build puts beside the package is what an installed command reads first."""
    build = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    _, _, table = build.partition("[tool.hatch.build.targets.wheel.force-include]\n")

    assert table.partition(" #")[0] == '"dashboards/sql" = "otelstream/reports"'


def test_an_installed_package_reads_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a checkout there is no other folder."""
    (tmp_path / "otelstream" / "cli").mkdir(parents=True)
    (tmp_path / "otelstream" / "reports").mkdir()
    (tmp_path / "otelstream" / "reports" / "tea.sql").write_text("/* Is there tea?\n\nLimits: */ SELECT 1")
    monkeypatch.setattr(files, "__file__", str(tmp_path / "otelstream" / "cli" / "reports" / "files.py"))
    report_names.cache_clear()
    try:
        assert (report_names(), report_of("tea").question) == (("tea",), "Is there tea?")
    finally:
        report_names.cache_clear()
