"""`otelstream info`: what a recording holds, in numbers."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

import recorder
from otelstream import __version__
from recorder.schema import FORMAT_VERSION
from recorder.writer import Writer
from tests.otelstream.cli.conftest import Cli, Recordings
from tests.otelstream.cli.directories import of_two

TYPES = {
    "llm_stream_chunk": 12,
    "flow_started": 2,
    "flow_finished": 2,
    "default_env": 1,
    "method_execution_started": 1,
    "crew_kickoff_started": 1,
    "task_started": 1,
    "agent_execution_started": 1,
    "agent_logs_started": 1,
    "llm_call_started": 1,
}


def test_json_says_everything(cli: Cli, recordings: Recordings) -> None:
    """Sizes, versions, sessions, the most frequent types of frames, losses, redactions and spans."""
    facts = json.loads(cli("info", recordings.completed, "--json").out)
    size = recordings.completed.stat().st_size
    with recorder.open(recordings.completed) as recording:
        session = recording.session()
    assert session.end is not None

    assert facts == {
        "path": str(recordings.completed),
        "files": 1,
        "live_files": 0,
        "formats": [FORMAT_VERSION],
        "otelstream_versions": [__version__],
        "duckdb_versions": [duckdb.__version__],
        "file_bytes": size,
        "wal_bytes": 0,
        "bytes_per_frame": round(size / 29, 1),
        "sessions": 1,
        "sessions_by_state": {"completed": 1},
        "first": session.start.started_at.isoformat(sep=" ", timespec="milliseconds"),
        "last": session.end.ended_at.isoformat(sep=" ", timespec="milliseconds"),
        "frames": 29,
        "frames_by_type": TYPES,
        "frames_dropped": 0,
        "gaps_by_reason": {},
        "redactions_by_rule": json.loads(session.end.redactions or "{}"),
        "spans": 6,
        "llm_calls": 1,
        "tool_calls": 0,
        "input_tokens": 73,
        "output_tokens": 12,
    }


def lines_of(cli: Cli, path: Path) -> dict[str, str]:
    """The lines that it prints, by their first words."""
    return {line[:12].rstrip(): line[12:] for line in cli("info", path).out.splitlines()}


def test_a_person_reads_the_same(cli: Cli, recordings: Recordings) -> None:
    """One line for each matter."""
    lines = lines_of(cli, recordings.completed)
    known = {name: lines[name] for name in ("recording", "format", "live", "sessions", "dropped", "spans")}

    assert known == {
        "recording": str(recordings.completed),
        "format": str(FORMAT_VERSION),
        "live": "no",
        "sessions": "1: completed 1",
        "dropped": "0",
        "spans": "6: input_tokens 73, output_tokens 12, llm_calls 1",
    }


def test_files_of_a_directory_are_added_up(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """What two files hold is twice as much, and what is no recording is told."""
    runs = of_two(recordings, tmp_path / "runs")
    (runs / "c.duckdb").touch()
    ended = cli("info", runs, "--json")
    facts = json.loads(ended.out)

    assert (
        [facts[name] for name in ("files", "sessions_by_state", "frames", "spans", "file_bytes")],
        ended.err,
    ) == (
        [
            2,
            {"completed": 1, "failed": 1},
            58,
            12,
            recordings.completed.stat().st_size + recordings.failed.stat().st_size,
        ],
        f"otelstream: left out: {runs / 'c.duckdb'} is no DuckDB file, so no recording; check the path.\n",
    )


def test_a_recording_without_sessions(cli: Cli, tmp_path: Path) -> None:
    """A file that holds nothing yet has no frames to divide its size by."""
    Writer(tmp_path / "x.duckdb").close()
    facts = json.loads(cli("info", "x.duckdb", "--json").out)
    lines = lines_of(cli, Path("x.duckdb"))

    assert (facts["bytes_per_frame"], facts["first"], facts["sessions"], lines["sessions"]) == (
        None,
        None,
        0,
        "0",
    )


@pytest.mark.parametrize(("state", "live"), [("recording", 1), ("crashed", 0)])
def test_a_session_without_an_end(state: str, live: int, cli: Cli, tmp_path: Path) -> None:
    """It is being recorded if somebody writes the file, and has crashed if nobody does."""
    from tests.recorder.test_writer import START

    writer = Writer(tmp_path / "x.duckdb")
    writer.begin(START)
    writer.add_gap(START.session_id, 7, "queue_full", START.started_at)
    writer.flush()
    if not live:
        writer.close()
    try:
        facts = json.loads(cli("info", "x.duckdb", "--json").out)
    finally:
        if live:
            writer.close()

    assert [
        facts[name] for name in ("sessions_by_state", "live_files", "frames_dropped", "gaps_by_reason")
    ] == [
        {state: 1},
        live,
        7,
        {"queue_full": 7},
    ]


def test_what_is_no_recording_is_one_sentence(cli: Cli) -> None:
    """The exit code is that of unreadable input."""
    ended = cli("info", "nowhere.duckdb")

    assert (ended.code, ended.err) == (2, "otelstream: nowhere.duckdb does not exist; check the path.\n")
