"""`otelstream replay`: a recorded session again, as its consumer saw it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import otelstream
from otelstream.jsontext import decode_json
from tests.contract.programs import frame, stream
from tests.e2e.runs import RESULT, golden, run_sync, session
from tests.otelstream.cli.conftest import Cli, Ended, Recordings
from tests.otelstream.cli.directories import of_two

TEXT = "".join(frame.content for frame in golden())


def test_the_text_comes_and_then_the_result(cli: Cli, recordings: Recordings) -> None:
    """The tokens as they were streamed, and a line about the end."""
    assert cli("replay", recordings.completed) == Ended(
        0, f"{TEXT}\ncompleted, 29 frames, result: {RESULT!r}\n", ""
    )


def test_a_failed_run_fails_again(cli: Cli, recordings: Recordings) -> None:
    """The exception is told in one sentence, and the exit code is 1."""
    assert cli("replay", recordings.failed) == Ended(
        1,
        f"{TEXT}\nfailed, 29 frames, result: None\n",
        "otelstream: the run failed: ValueError: there is no tea\n",
    )


def test_json_of_a_completed_run(cli: Cli, recordings: Recordings) -> None:
    """A program gets state, number of frames and result, and no text."""
    ended = cli("replay", recordings.completed, "--json")

    assert (ended.code, json.loads(ended.out)) == (
        0,
        {"state": "completed", "frames": 29, "result": RESULT, "error": None},
    )


def test_json_of_a_failed_run(cli: Cli, recordings: Recordings) -> None:
    """A program gets the exception, and the exit code is 1."""
    ended = cli("replay", recordings.failed, "--json")

    assert (ended.code, ended.err, json.loads(ended.out)) == (
        1,
        "",
        {
            "state": "failed",
            "frames": 29,
            "result": None,
            "error": {"type": "ValueError", "message": "there is no tea"},
        },
    )


@pytest.mark.parametrize("session", ["0", "last"])
def test_a_session_of_a_directory_is_replayed(
    session: str, cli: Cli, recordings: Recordings, tmp_path: Path
) -> None:
    """The same as from the file that holds it."""
    runs = of_two(recordings, tmp_path / "runs")

    assert cli("replay", runs, "-s", session) == cli(
        "replay", recordings.completed if session == "0" else recordings.failed
    )


def test_a_cancelled_run_is_no_failure(cli: Cli, tmp_path: Path) -> None:
    """What its consumer closed early ends early again."""
    live = otelstream.observe(session(), record=tmp_path / "x.duckdb")
    next(iter(live))
    live.close()

    assert cli("replay", "x.duckdb") == Ended(0, "cancelled, 1 frames, result: None\n", "")


def test_an_error_of_many_lines_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    """The text of an exception may have lines; what the command says of it has one."""
    run_sync({"record": tmp_path / "x.duckdb"}, ValueError("no tea\nno milk"))

    assert cli("replay", "x.duckdb").err.count("\n") == 1


@pytest.mark.parametrize("command", ["replay", "play"])
def test_a_broken_pipe_of_the_run_is_no_broken_output(command: str, cli: Cli, tmp_path: Path) -> None:
    """The run had a pipe of its own, say to a tool's server."""
    run_sync({"record": tmp_path / "x.duckdb"}, BrokenPipeError(32, "the server is gone"))

    assert cli(command, "x.duckdb").err == (
        "otelstream: the run failed: BrokenPipeError: [Errno 32] the server is gone\n"
    )


def test_text_of_a_call_without_an_id_ends_its_line(cli: Cli, tmp_path: Path) -> None:
    """What is said of the end stands on a line of its own."""
    list(otelstream.observe(stream([frame(0)]), record=tmp_path / "x.duckdb"))

    assert cli("replay", "x.duckdb").out == "0 \ncompleted, 1 frames, result: 'done'\n"


@pytest.mark.parametrize(
    ("result", "told"), [(b"\xff", r"b'\xff'"), ("\ud800", "\ud800"), ({b"\xff": 1}, {r"b'\xff'": 1})]
)
def test_json_of_a_result_that_json_does_not_know(
    result: object, told: object, cli: Cli, tmp_path: Path
) -> None:
    """Bytes that are no text and half characters are written so that it can be read."""
    list(otelstream.observe(stream([frame(0)], result), record=tmp_path / "x.duckdb"))

    assert decode_json(cli("replay", "x.duckdb", "--json").out)["result"] == told


def test_a_result_without_a_text(cli: Cli, tmp_path: Path) -> None:
    """Python refuses to write integers that are too long; the command says so and goes on."""
    list(otelstream.observe(stream([frame(0)], 10**5000), record=tmp_path / "x.duckdb"))

    assert cli("replay", "x.duckdb").out.endswith(
        "result: <builtins:int whose repr raised builtins:ValueError>\n"
    )
