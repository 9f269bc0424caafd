"""The committed dashboards are what the code says, and what Grafana's own models read."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Final

import pytest

pytest.importorskip("grafana_foundation_sdk", reason="grafana-foundation-sdk needs Python 3.11")

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.panels import writing
from dashboards.panels.about import About, Row, arranged
from dashboards.panels.links import to_dashboard
from dashboards.panels.measured import number
from tests.dashboards.panels.queries import dashboards

PLACED: Final = ', "placement": "inControlsMenu"'
"""What the SDK says of every link that it makes."""


def test_the_files_are_fresh() -> None:
    """Each file is what the code makes, and there is no other."""
    assert list(writing.complaints()) == []


def test_stale_files_are_told_each_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed file, a missing one and one too many are told, with what to do."""
    monkeypatch.setattr(writing, "FOLDER", tmp_path)
    writing.write_all()
    (tmp_path / "runs.json").write_text("{}", encoding="utf-8")
    (tmp_path / "llm.json").unlink()
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")

    assert list(writing.complaints()) == [
        "dashboards/grafana/runs.json is not what the code says; run `make docs`.",
        "dashboards/grafana/llm.json is missing; run `make docs`.",
        "dashboards/grafana/mine.json is made by no code; remove it.",
    ]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run `python -m dashboards.panels` in this process."""
    monkeypatch.setattr(sys, "argv", ["panels", *arguments])
    runpy.run_module("dashboards.panels", run_name="__main__")


def test_the_check_says_nothing_where_all_is_fresh(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `make check` runs ends without a word, with exit code 0."""
    run(monkeypatch, "--check")

    assert capsys.readouterr() == ("", "")


def test_the_check_exits_with_one_where_a_file_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentences go to the error output, and the exit code is 1; nothing is written."""
    monkeypatch.setattr(writing, "FOLDER", tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--check")

    assert str(ended.value.code).count("is missing; run `make docs`.") == len(writing.BOARDS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_grafanas_models_lose_nothing(name: str) -> None:
    """A dashboard that Grafana's models read and write again is the same but for where they put links."""
    register_default_plugins()
    board = dashboards()[name]
    again = json.dumps(Dashboard.from_json(board), cls=JSONEncoder).replace(PLACED, "")

    assert json.loads(again) == board


def test_a_row_that_does_not_fill_the_grid_is_refused() -> None:
    """Panels side by side are as wide as the grid, or the mistake is told with the row's last panel."""
    link = to_dashboard("t", "otelstream-run")
    panel = number(About("Too small", "d", "short", link, width=5), "vector(1)")

    with pytest.raises(ValueError, match="The row of 'Too small' is 5 columns wide; make it 24"):
        arranged([Row(4, [panel])])


def test_an_instant_query_has_no_intervals() -> None:
    """A number for the whole time that asks for a rate interval would be that of its last minutes."""
    link = to_dashboard("t", "otelstream-run")

    with pytest.raises(ValueError, match="use \\$__range"):
        number(About("t", "d", "short", link), "rate(otelstream_frames_total[$__rate_interval])")
