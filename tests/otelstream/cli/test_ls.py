"""`otelstream ls`: one line per session, or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import otelstream
import recorder
from tests.e2e.runs import golden, session
from tests.otelstream.cli.conftest import Cli, Recordings
from tests.otelstream.cli.directories import of_two


def test_each_session_is_a_line(cli: Cli, recordings: Recordings) -> None:
    """Index, id, name, state and number of frames of each session, oldest first."""
    lines = cli("ls", recordings.both).out.splitlines()
    with recorder.open(recordings.both) as recording:
        ids = [recorded.id for recorded in recording.sessions()]

    assert [(words[0], words[1], words[2], words[3], words[-2:]) for words in map(str.split, lines)] == [
        ("#", "id", "name", "state", ["frames", "dropped"]),
        ("0", ids[0], "F", "completed", ["29", "0"]),
        ("1", ids[1], "F", "failed", ["29", "0"]),
    ]


def test_json_has_the_same_and_more(cli: Cli, recordings: Recordings) -> None:
    """A program reads every fact of the session, the error included."""
    facts = json.loads(cli("ls", recordings.both, "--json").out)[1]
    with recorder.open(recordings.both) as recording:
        stored = recording.session(1)
    assert stored.end is not None

    assert facts == {
        "index": 1,
        "id": stored.id,
        "name": "F",
        "state": "failed",
        "started_at": stored.start.started_at.isoformat(sep=" ", timespec="milliseconds"),
        "duration_s": round((stored.end.ended_at - stored.start.started_at).total_seconds(), 3),
        "frames": 29,
        "frames_dropped": 0,
        "conversation_id": None,
        "trace_id": None,
        "error_type": "ValueError",
        "error_message": "there is no tea",
        "file": str(recordings.both),
    }


def test_brackets_in_a_name_are_text(cli: Cli, tmp_path: Path) -> None:
    """A flow may be called as it likes: its name is not taken for formatting."""
    named = [
        frame.model_copy(update={"data": {**frame.data, "flow_name": "Tea[v2][/x]"}}) for frame in golden()
    ]
    list(otelstream.observe(session(named), record=tmp_path / "x.duckdb"))

    assert "Tea[v2][/x]" in cli("ls", "x.duckdb").out


def test_sessions_of_a_directory_say_where_they_are(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """With more than one file there is a column for it, beneath the directory that was asked."""
    lines = cli("ls", of_two(recordings, tmp_path / "runs")).out.splitlines()

    assert [(words[0], words[3], words[-1]) for words in map(str.split, lines)] == [
        ("#", "state", "file"),
        ("0", "completed", "2026-11-20/a.duckdb"),
        ("1", "failed", "b.duckdb"),
    ]


def test_a_pattern_says_where_its_sessions_are(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """What a pattern matches is named whole."""
    of_two(recordings, tmp_path / "runs")
    lines = cli("ls", "runs/**/[ab].duckdb").out.splitlines()

    assert [line.split()[-1] for line in lines] == ["file", "runs/2026-11-20/a.duckdb", "runs/b.duckdb"]


def test_what_is_left_out_is_told(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """A file that is no recording is a sentence on standard error, and no failure."""
    runs = of_two(recordings, tmp_path / "runs")
    (runs / "c.duckdb").touch()
    ended = cli("ls", runs, "--json")

    assert (ended.code, [facts["index"] for facts in json.loads(ended.out)], ended.err) == (
        0,
        [0, 1],
        f"otelstream: left out: {runs / 'c.duckdb'} is no DuckDB file, so no recording; check the path.\n",
    )


def test_a_recording_without_sessions_is_an_empty_list(cli: Cli, tmp_path: Path) -> None:
    """A file that was made and has no session yet is no error."""
    from recorder.writer import Writer

    Writer(tmp_path / "x.duckdb").close()

    assert json.loads(cli("ls", "x.duckdb", "--json").out) == []
