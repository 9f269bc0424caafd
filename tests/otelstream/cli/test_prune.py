"""`otelstream prune`: what goes, what stays, and what is left alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from tests.contract.programs import frame
from tests.e2e.runs import environment
from tests.otelstream.cli.conftest import Cli
from tests.recorder.recordings import bytes_of, content, end, finished, session_id, start, thaw, writing
from tests.recorder.test_database import held_by_another_process

NOW = datetime.now(timezone.utc).replace(tzinfo=None)


def recording(path: Path, days: float, states: tuple[str, ...] = ("completed",)) -> Path:
    """A recording whose sessions ended so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as writer:
        for number, state in enumerate(states):
            then = NOW - timedelta(days=days)
            writer.begin(replace(start(number), started_at=then))
            writer.add(session_id(number), 0, 0, frame(number, timestamp=then.replace(tzinfo=timezone.utc)))
            if state != "crashed":
                writer.end(session_id(number), end(1, state, ended_at=then))
        writer.flush()
    return path


def left(folder: Path) -> list[str]:
    """What there is beneath a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_old_files_go(cli: Cli, tmp_path: Path) -> None:
    """With their folder, if it is that of a day and empty then; what is younger stays."""
    old = recording(tmp_path / "runs" / "2026-01-01" / "a.duckdb", 8)
    recording(tmp_path / "runs" / "2026-01-02" / "b.duckdb", 6)
    size = old.stat().st_size
    ended = cli("prune", tmp_path / "runs", "--older-than", "7d")

    assert (ended.code, ended.out.splitlines()) == (
        0,
        [
            f"{old}: deleted: 1 sessions, {size:,} bytes",
            f"1 files, 1 sessions, {size:,} bytes are gone",
        ],
    )
    assert left(tmp_path / "runs") == ["2026-01-02", "2026-01-02/b.duckdb"]


def test_the_newest_session_counts(cli: Cli, tmp_path: Path) -> None:
    """A file goes when its newest session is old, not its oldest."""
    path = recording(tmp_path / "a.duckdb", 30)
    with writing(path) as writer:
        writer.begin(replace(start(5), started_at=NOW))
        writer.end(session_id(5), end(0, ended_at=NOW))
        writer.flush()
    cli("prune", tmp_path, "--older-than", "7d")

    assert left(tmp_path) == ["a.duckdb"]


def test_a_wal_goes_with_its_file(cli: Cli, tmp_path: Path) -> None:
    """A killed recording is deleted whole."""
    with writing(tmp_path / "alive.part") as writer:
        then = NOW - timedelta(days=8)
        writer.begin(replace(start(0), started_at=then))
        writer.add(session_id(0), 0, 0, frame(0, timestamp=then.replace(tzinfo=timezone.utc)))
        writer.flush()
        for suffix in (".wal", ""):
            shutil.copyfile(tmp_path / f"alive.part{suffix}", tmp_path / f"a.duckdb{suffix}")
    (tmp_path / "alive.part").unlink()
    cli("prune", tmp_path, "--older-than", "7d")

    assert left(tmp_path) == []


def test_the_oldest_files_go_until_there_is_room(cli: Cli, tmp_path: Path) -> None:
    """No more is deleted than it takes."""
    paths = [recording(tmp_path / f"{name}.duckdb", days) for name, days in (("a", 1), ("b", 3), ("c", 2))]
    limit = sum(path.stat().st_size for path in paths) - 1
    cli("prune", tmp_path, "--max-bytes", f"{limit}B")

    assert left(tmp_path) == ["a.duckdb", "c.duckdb"]


def test_sessions_that_are_kept_stay(cli: Cli, tmp_path: Path) -> None:
    """A file that holds others too is written anew, with what they hold."""
    path = recording(tmp_path / "a.duckdb", 8, ("completed", "failed", "cancelled", "crashed"))
    before = content(path)
    ended = cli("prune", tmp_path, "--older-than", "7d", "--keep", "failed", "--keep", "crashed", "--json")
    (told,) = json.loads(ended.out)["files"]

    assert (told["action"], told["sessions"]) == ("rewritten", 2)
    assert content(path) == {key: before[key] for key in (str(session_id(1)), str(session_id(3)))}


def test_a_file_of_nothing_else_is_kept(cli: Cli, tmp_path: Path) -> None:
    """It is not even written anew."""
    path = recording(tmp_path / "a.duckdb", 8, ("failed",))
    before = bytes_of(path)
    ended = cli("prune", tmp_path, "--older-than", "7d", "--keep", "failed")

    assert (ended.out.splitlines()[0], bytes_of(path)) == (
        f"{path}: kept: all of its 1 sessions stay",
        before,
    )


def test_a_dry_run_does_nothing(cli: Cli, tmp_path: Path) -> None:
    """It says what would be done."""
    path = recording(tmp_path / "a.duckdb", 8)
    before = bytes_of(path)
    ended = cli("prune", tmp_path, "--older-than", "7d", "--dry-run")

    assert (ended.out.splitlines()[0], bytes_of(path)) == (
        f"{path}: would be deleted: 1 sessions, {path.stat().st_size:,} bytes",
        before,
    )


def test_a_file_that_is_being_written_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    """However old it is."""
    path = recording(tmp_path / "a.duckdb", 8)
    with held_by_another_process(path):
        ended = cli("prune", tmp_path, "--older-than", "7d")

        assert (ended.code, ended.out.splitlines()[0], path.exists()) == (
            0,
            f"{path}: left alone: it is being written",
            True,
        )


def test_a_link_to_somewhere_else_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    """Whoever prunes a directory means what is in it."""
    precious = recording(tmp_path / "precious" / "x.duckdb", 8)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link.duckdb").symlink_to(precious)
    ended = cli("prune", tmp_path / "runs", "--older-than", "7d")

    assert (ended.out.splitlines()[0], precious.exists(), left(tmp_path / "runs")) == (
        f"{tmp_path / 'runs' / 'link.duckdb'}: left alone: it is a link to {precious}, which is elsewhere",
        True,
        ["link.duckdb"],
    )


def test_links_go_with_their_file(cli: Cli, tmp_path: Path) -> None:
    """Every name within the directory that leads to what was deleted, and no other."""
    path = recording(tmp_path / "day" / "z.duckdb", 8)
    other = recording(tmp_path / "day" / "y.duckdb", 1)
    for name in ("a", "b"):
        (tmp_path / f"{name}.duckdb").symlink_to(path)
    (tmp_path / "c.duckdb").symlink_to(other)
    cli("prune", tmp_path, "--older-than", "7d")

    assert left(tmp_path) == ["c.duckdb", "day", "day/y.duckdb"]


def test_a_crashed_session_is_as_old_as_it_is(cli: Cli, tmp_path: Path) -> None:
    """Its frames may be of any time: what counts is when they came."""
    alive, path = tmp_path / "alive.part", tmp_path / "a.duckdb"
    with writing(alive) as writer:
        writer.begin(replace(start(0), started_at=NOW))
        long_ago = (NOW - timedelta(days=30)).replace(tzinfo=timezone.utc)
        writer.add(session_id(0), 0, 0, frame(0, timestamp=long_ago))
        writer.flush()
        for suffix in (".wal", ""):
            shutil.copyfile(f"{alive}{suffix}", f"{path}{suffix}")
    before = cli("prune", tmp_path, "--older-than", "7d").out
    with writing(path):
        pass  # marks it as crashed
    after = cli("prune", tmp_path, "--older-than", "7d").out

    assert (before, after, path.exists()) == (after, "0 files, 0 sessions, 0 bytes are gone\n", True)


def test_what_a_killed_process_left_goes(cli: Cli, tmp_path: Path) -> None:
    """Folders in which recordings were being made are removed, also where nothing is recorded any more."""
    script = """if True:
        import os, sys
        from pathlib import Path
        from recorder.creation import folder_beside
        with folder_beside(Path(sys.argv[1])):
            os.kill(os.getpid(), 9)
    """
    path = recording(tmp_path / "2026-01-01" / "a.duckdb", 8)
    subprocess.run([sys.executable, "-c", script, path], env=environment(), check=False)
    between = len(list(path.parent.iterdir()))
    cli("prune", tmp_path, "--older-than", "7d")

    assert (between, left(tmp_path)) == (2, [])


@pytest.mark.parametrize("command", [("prune", "--older-than", "7d"), ("doctor",)], ids=["prune", "doctor"])
def test_a_name_that_is_not_utf8_is_told_in_json(command: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    """As the bytes that it has; the others are handled as ever."""
    path = recording(tmp_path / "a.duckdb", 8)
    shutil.copyfile(path, tmp_path / "bad\udcff.duckdb")
    told = json.loads(cli(command[0], tmp_path, *command[1:], "--json").out)

    assert str(tmp_path / "bad\\udcff.duckdb") in [
        each["file"] for each in (told["files"] + told.get("findings", []))
    ]


def test_what_is_no_recording_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    """Somebody's database, and a file that cannot be read: each with a line."""
    with duckdb.connect(tmp_path / "a.duckdb") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    (tmp_path / "b.duckdb").write_text("no database\n" * 1_000)
    ended = cli("prune", tmp_path, "--older-than", "1s", "--max-bytes", "1B")

    assert ([line.split(": ")[1] for line in ended.out.splitlines()[:2]], left(tmp_path)) == (
        ["left alone", "left alone"],
        ["a.duckdb", "b.duckdb"],
    )


def test_old_formats_go_too(cli: Cli, tmp_path: Path) -> None:
    """A recording of format 1 is one."""
    path = thaw("format-1/finished", tmp_path)
    ended = cli("prune", tmp_path, "--max-bytes", "1B")

    assert (ended.out.splitlines()[0].startswith(f"{path}: deleted: 7 sessions"), left(tmp_path)) == (
        True,
        [],
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "prune needs --older-than or --max-bytes; say what shall go."),
        (("--older-than", "7x"), "'7x' is no duration; write for example 30m, 12h, 7d or 2w."),
        (("--older-than", "-7d"), "'-7d' is no duration; write for example 30m, 12h, 7d or 2w."),
        (("--max-bytes", "2 gold"), "'2 gold' is no size; write for example 500MB, 2GB or 1GiB."),
        (
            ("--max-bytes", "2GB", "--keep", "nice"),
            "--keep 'nice' is no state of a session; choose of completed, failed, cancelled, crashed.",
        ),
    ],
)
def test_a_value_that_cannot_be_used(
    options: tuple[str, ...], sentence: str, cli: Cli, tmp_path: Path
) -> None:
    """One sentence on standard error, exit code 2, and nothing is deleted."""
    finished(tmp_path / "a.duckdb")
    ended = cli("prune", tmp_path, *options)

    assert (ended.code, ended.err, os.listdir(tmp_path)) == (2, f"otelstream: {sentence}\n", ["a.duckdb"])
