"""`otelstream recover`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.otelstream.cli.conftest import Cli
from tests.recorder.recordings import change, content, finished, session_id


def test_all_of_it_is_exit_code_0(cli: Cli, tmp_path: Path) -> None:
    """By default the new recording is beside the old one."""
    path = finished(tmp_path / "run.duckdb")
    ended = cli("recover", path)

    assert (ended.code, ended.err, ended.out.splitlines()[-1]) == (
        0,
        "",
        f"37 frames of 2 sessions are in {tmp_path / 'run-recovered.duckdb'}, read again and compared;"
        " nothing is lost.",
    )
    assert content(tmp_path / "run-recovered.duckdb") == content(path)


def test_loss_is_exit_code_3(cli: Cli, tmp_path: Path) -> None:
    """What was lost is named, for programs too."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM stored_frames WHERE session = 1 AND ordinal >= 25")
    ended = cli("recover", path, "-o", tmp_path / "new.duckdb", "--json")
    told = json.loads(ended.out)

    assert (ended.code, told["is_complete"], told["sessions"][1]) == (
        3,
        False,
        {
            "session": str(session_id(1)),
            "state": "completed",
            "frames": 25,
            "vouched": 20,
            "lost": [[25, 29]],
            "altered": [],
            "notes": [],
            "is_complete": False,
        },
    )


def test_a_refusal_is_exit_code_2(cli: Cli, tmp_path: Path) -> None:
    """One sentence, and no traceback."""
    (tmp_path / "run.duckdb").touch()
    ended = cli("recover", tmp_path / "run.duckdb")

    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        f"otelstream: {tmp_path / 'run.duckdb'} cannot be recovered: it holds nothing, not one byte.\n",
    )


def test_a_file_that_is_there_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    """A second run says so."""
    path = finished(tmp_path / "run.duckdb")
    cli("recover", path)
    ended = cli("recover", path)

    assert (ended.code, ended.err) == (
        2,
        f"otelstream: {tmp_path / 'run-recovered.duckdb'} exists; choose another name with -o.\n",
    )
