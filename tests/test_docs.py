"""What the documents say is so: README's code runs, its commands exist, FORMAT.md knows every column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
from otelstream.cli import app
from otelstream.demo.environment import quiet_environment
from otelstream.source.ndjson import read_frames
from recorder import StreamSession
from recorder.schema import FORMAT_VERSION

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.crewai
def test_readme_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of the README, run one after the other on the demo flow, raise nothing."""
    quiet_environment()
    from otelstream.demo.flow import DemoFlow

    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"flow": DemoFlow()}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(block, names)
    assert (tmp_path / "runs.duckdb").exists()


@pytest.mark.crewai
def test_rerun_document_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of RERUN.md records the demo flow and runs it again, and serves what it says it serves."""
    quiet_environment()
    document = (ROOT / "docs" / "RERUN.md").read_text(encoding="utf-8")

    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", document, re.DOTALL):
        exec(block, names)
    assert str(names["rerun"].report) == "6 calls served, 0 live"


def test_readme_is_short_and_starts_with_code() -> None:
    """The README has at most 120 lines, and code within its first 30."""
    lines = README.splitlines()
    assert len(lines) <= 120
    assert any(line.startswith("```python") for line in lines[:30])


def test_readme_commands_exist() -> None:
    """Every `otelstream` command of the README is one."""
    shown = set(re.findall(r"^\$ otelstream (\w+)", README, re.MULTILINE))
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert shown - known - {group.name for group in app.registered_groups} == set()


def test_format_document_names_every_column() -> None:
    """Each table of the schema has a section in FORMAT.md that names each of its columns."""
    schema = (ROOT / "recorder" / "schema" / f"{FORMAT_VERSION:04}.sql").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", document, re.DOTALL | re.MULTILINE))
    missing = [
        f"{table}.{column}"
        for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", schema, re.DOTALL)
        for column in re.findall(r"^    (\w+) ", body, re.MULTILINE)
        if f"`{column}`" not in sections.get(table, "")
    ]
    assert missing == []


def test_format_document_sql_runs(tmp_path: Path) -> None:
    """The query of FORMAT.md runs on a recording."""
    document = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n(.*?)```", document, re.DOTALL)
    golden = ROOT / "tests/golden/frames/16_llm_stream_events.jsonl"
    frames = read_frames(golden.read_bytes().splitlines(), "golden")
    session = otelstream.observe(StreamSession[None](sync_iterator=frames), record=tmp_path / "a.duckdb")
    text = "".join(frame.content for frame in session)
    with recorder.open(tmp_path / "a.duckdb") as recording, recording.connection() as connection:
        assert [row[1] for row in connection.execute(query).fetchall()] == [text]
