"""`otelstream doctor`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.otelstream.cli.conftest import Cli
from tests.recorder.recordings import change, finished, killed, session_id


def test_a_sound_recording(cli: Cli, tmp_path: Path) -> None:
    """Versions, states and counts, and that it is sound."""
    path = finished(tmp_path / "run.duckdb")
    ended = cli("doctor", path)
    lines = ended.out.splitlines()

    assert (ended.code, ended.err, lines[1:]) == (
        0,
        "",
        [
            "  2 sessions (1 completed, 1 failed), 37 frames, 37 of them vouched for by the hash chain",
            "  sound",
        ],
    )
    assert lines[0].startswith(f"{path}: format 2, made by otelstream ")


def test_damage_is_exit_code_1(cli: Cli, tmp_path: Path) -> None:
    """The session and the frames are named."""
    path = finished(tmp_path / "run.duckdb")
    change(path, "UPDATE stored_frames SET seq = 7 WHERE session = 1 AND ordinal = 12")
    ended = cli("doctor", path)

    assert (ended.code, ended.out.splitlines()[2:]) == (
        1,
        [
            f"  error   {session_id(1)}: the hash chain is broken: not what was recorded: frames 10 to 19",
        ],
    )


def test_what_cannot_be_read_is_exit_code_2(cli: Cli, tmp_path: Path) -> None:
    """The reason names the file."""
    path = tmp_path / "run.duckdb"
    ended = cli("doctor", path)

    assert (ended.code, ended.out.splitlines()[1:]) == (
        2,
        [f"  error   {path} does not exist; check the path."],
    )


def test_a_directory_is_examined_file_by_file(cli: Cli, tmp_path: Path) -> None:
    """One that is damaged does not keep the others from being examined."""
    finished(tmp_path / "a.duckdb")
    (tmp_path / "b.duckdb").write_text("no database\n" * 1_000)
    killed(tmp_path / "c.duckdb")
    ended = cli("doctor", tmp_path, "--json")
    files = json.loads(ended.out)["files"]

    assert (ended.code, [(Path(each["file"]).name, each["is_sound"], each["frames"]) for each in files]) == (
        2,
        [("a.duckdb", True, 37), ("b.duckdb", False, 0), ("c.duckdb", True, 57)],
    )


def test_findings_are_rows(cli: Cli, tmp_path: Path) -> None:
    """For programs each finding has a level, a file, a session and what it is."""
    path = killed(tmp_path / "run.duckdb")
    findings = json.loads(cli("doctor", path, "--json").out)["findings"]

    assert findings[1] == {
        "level": "warning",
        "file": str(path),
        "session": str(session_id(2)),
        "what": "its process died",
    }
