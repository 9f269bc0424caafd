"""`otelstream merge`: many recordings into one."""

from __future__ import annotations

import json
import os
from pathlib import Path

from recorder.doctor import examine
from tests.otelstream.cli.conftest import Cli
from tests.recorder.recordings import change, content, finished, killed, record, session_id, tokens, writing
from tests.recorder.test_database import held_by_another_process


def two(folder: Path) -> list[Path]:
    """Two recordings, of which the one that is named first has the later session."""
    for name, number in (("a", 4), ("b", 3)):
        with writing(folder / f"{name}.duckdb") as writer:
            record(writer, number, tokens(number))
    return [folder / "a.duckdb", folder / "b.duckdb"]


def test_sessions_come_by_their_start(cli: Cli, tmp_path: Path) -> None:
    """All of them, with what they hold, oldest first."""
    paths = two(tmp_path)
    ended = cli("merge", *paths, "-o", tmp_path / "all.duckdb")

    assert (ended.code, ended.out) == (
        0,
        f"2 sessions with 7 frames of 2 files are in {tmp_path / 'all.duckdb'}\n",
    )
    assert list(content(tmp_path / "all.duckdb").items()) == [
        *content(paths[1]).items(),
        *content(paths[0]).items(),
    ]


def test_what_is_merged_is_vouched_for(cli: Cli, tmp_path: Path) -> None:
    """The chain is made anew, and nothing is left beside the file."""
    (tmp_path / "in").mkdir()
    cli("merge", *two(tmp_path / "in"), "-o", tmp_path / "all.duckdb")
    found = examine(tmp_path / "all.duckdb")

    assert (found.findings, found.vouched, sorted(os.listdir(tmp_path))) == ([], 7, ["all.duckdb", "in"])


def test_a_directory_is_merged(cli: Cli, tmp_path: Path) -> None:
    """Crashed sessions come along, with the WAL that holds them."""
    (tmp_path / "in").mkdir()
    path = killed(tmp_path / "in" / "run.duckdb")
    cli("merge", tmp_path / "in", "-o", tmp_path / "all.duckdb")

    assert content(tmp_path / "all.duckdb") == content(path)


def test_a_session_that_is_there_is_skipped(cli: Cli, tmp_path: Path) -> None:
    """The most complete record of it is taken, and the others are named."""
    with writing(tmp_path / "a.duckdb") as writer:
        record(writer, 0, tokens(5), None)
    with writing(tmp_path / "b.duckdb") as writer:
        record(writer, 0, tokens(9))
    ended = cli("merge", tmp_path / "a.duckdb", tmp_path / "b.duckdb", "-o", tmp_path / "all.duckdb")

    assert ended.out.splitlines()[0] == (
        f"skipped: {session_id(0)} of {tmp_path / 'a.duckdb'}, which is there already"
    )
    assert content(tmp_path / "all.duckdb") == content(tmp_path / "b.duckdb")


def test_a_broken_chain_is_an_error(cli: Cli, tmp_path: Path) -> None:
    """Nothing is made, and the sentence says what can be done."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "UPDATE stored_frames SET seq = 7 WHERE session = 1 AND ordinal = 12")
    ended = cli("merge", path, "-o", tmp_path / "all.duckdb")

    assert (ended.code, ended.err) == (
        2,
        f"otelstream: {path} is damaged: the hash chain is broken: not what was recorded: frames 10 to 19;"
        " recover it first, or --accept-damage.\n",
    )
    assert not (tmp_path / "all.duckdb").exists()


def test_damage_can_be_accepted(cli: Cli, tmp_path: Path) -> None:
    """What is missing becomes a gap, and what was accepted is told."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM stored_frames WHERE session = 1 AND ordinal >= 25")
    ended = cli("merge", path, "-o", tmp_path / "all.duckdb", "--accept-damage", "--json")
    told = json.loads(ended.out)

    assert (ended.code, told["frames"], len(told["notes"])) == (0, 32, 2)
    assert content(tmp_path / "all.duckdb")[str(session_id(1))].gaps == [(25, 5, "damaged")]


def test_a_recording_that_is_being_written_is_not_merged(cli: Cli, tmp_path: Path) -> None:
    """It would be a half of it."""
    path = finished(tmp_path / "run.duckdb")
    with held_by_another_process(path):
        ended = cli("merge", path, "-o", tmp_path / "all.duckdb")

    assert (ended.code, ended.err) == (
        2,
        f"otelstream: {path} is being written; wait until its process has ended.\n",
    )


def test_a_file_that_is_there_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    """Also if it is one of the recordings."""
    path = finished(tmp_path / "run.duckdb")
    ended = cli("merge", path, "-o", path)

    assert (ended.code, ended.err) == (2, f"otelstream: {path} exists; choose another name with -o.\n")
