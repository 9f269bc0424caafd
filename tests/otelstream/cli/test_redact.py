"""`otelstream redact`: an old recording with today's rules."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.contract.programs import frame
from tests.otelstream.bridge.test_rewrite import KEY, secretive
from tests.otelstream.cli.conftest import Cli
from tests.recorder.recordings import bytes_of, change, content, finished, killed, record, writing
from tests.recorder.test_database import held_by_another_process


def test_a_new_file_holds_no_secret(cli: Cli, tmp_path: Path) -> None:
    """How often which rule fired is told, never what it found."""
    path = secretive(tmp_path / "run.duckdb")
    before = bytes_of(path)
    ended = cli("redact", path)

    assert (ended.code, ended.err, ended.out) == (
        0,
        "",
        "       2  key\n       6  key sk-…\n"
        f"1 sessions with 17 frames are in {tmp_path / 'run-redacted.duckdb'}, secrets masked\n",
    )
    assert KEY.encode() not in (tmp_path / "run-redacted.duckdb").read_bytes()
    assert bytes_of(path) == before


def test_a_recording_is_replaced(cli: Cli, tmp_path: Path) -> None:
    """In place there is one file before and one after, with the same permissions."""
    path = secretive(tmp_path / "run.duckdb")
    path.chmod(0o640)
    ended = cli("redact", path, "--in-place", "--json")

    assert (ended.code, json.loads(ended.out)["fired"]) == (0, {"key": 2, "key sk-…": 6})
    assert (KEY.encode() in path.read_bytes(), os.listdir(tmp_path)) == (False, [path.name])
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_wal_is_redacted_too(cli: Cli, tmp_path: Path) -> None:
    """A killed recording is one file then, with all of its sessions."""
    path = killed(tmp_path / "run.duckdb")
    before = {key: (each.state, len(each.frames)) for key, each in content(path).items()}
    cli("redact", path, "--in-place")

    assert {key: (each.state, len(each.frames)) for key, each in content(path).items()} == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_secret_of_the_environment_is_masked(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of variables with secret names are known."""
    monkeypatch.setenv("SHOP_PASSWORD", "open-sesame")
    with writing(tmp_path / "run.duckdb") as writer:
        record(writer, 0, [frame(0, data={"text": "say open-sesame, and open-sesame again"})])
    ended = cli("redact", tmp_path / "run.duckdb")

    assert ended.out.splitlines()[0] == "       2  value"


def test_a_damaged_recording_stays_as_it_is(cli: Cli, tmp_path: Path) -> None:
    """It must be recovered first."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "DELETE FROM stored_frames WHERE session = 1 AND ordinal = 7")
    before = bytes_of(path)
    ended = cli("redact", path, "--in-place")

    assert (ended.code, "recover it first" in ended.err, bytes_of(path)) == (2, True, before)


def test_a_recording_that_is_being_written_stays_as_it_is(cli: Cli, tmp_path: Path) -> None:
    """Its process would write into a file that is gone."""
    path = finished(tmp_path / "run.duckdb")
    with held_by_another_process(path):
        ended = cli("redact", path, "--in-place")

    assert (ended.code, ended.err) == (
        2,
        f"otelstream: {path} is being written; wait until its process has ended.\n",
    )


def test_in_place_and_a_name_exclude_each_other(cli: Cli, tmp_path: Path) -> None:
    """It is not guessed which one is meant."""
    ended = cli("redact", tmp_path / "run.duckdb", "--in-place", "-o", "new.duckdb")

    assert (ended.code, ended.err) == (
        2,
        "otelstream: --in-place and --output exclude each other; leave one of them out.\n",
    )
