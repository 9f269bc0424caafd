"""What all commands share: exit codes, one sentence for an error, and files that are no recordings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.e2e.runs import environment
from tests.otelstream.cli.conftest import (
    Cli,
    Ended,
    Recordings,
    directory,
    empty,
    foreign,
    newer,
    text,
    truncated,
)

Make = Callable[[Path, Recordings], None]

READING: dict[str, tuple[str, ...]] = {
    "ls": (),
    "show": (),
    "cat": (),
    "replay": (),
    "sql": ("FROM sessions",),
    "export otlp": (),
    "export jsonl": (),
}
"""Every command that reads a recording, and what else it must be given."""


def arguments(command: str, path: Path) -> list[str | Path]:
    """Return the command line that makes a command read a file."""
    return [*command.split(), path, *READING[command]]


def test_the_version_is_that_of_the_package(cli: Cli) -> None:
    """`--version` prints what is installed."""
    assert cli("--version") == Ended(0, f"{version('otelstream')}\n", "")


@pytest.mark.parametrize("command", ["demo", "run", "ingest", "ls", "show", "cat", "replay", "sql", "export"])
def test_help_names_every_command(cli: Cli, command: str) -> None:
    """`--help` lists the command, with what it does."""
    assert f" {command} " in cli("--help").out


@pytest.mark.parametrize("command", list(READING))
def test_a_missing_file_is_an_error(cli: Cli, command: str, tmp_path: Path) -> None:
    """The sentence says which file does not exist."""
    path = tmp_path / "missing.duckdb"

    assert cli(*arguments(command, path)) == Ended(
        2, "", f"otelstream: {path} does not exist; check the path.\n"
    )


@pytest.mark.parametrize("command", list(READING))
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (empty, "is no DuckDB file, so no recording; check the path."),
        (text, "is no DuckDB file, so no recording; check the path."),
        (foreign, "is a DuckDB database but no otelstream recording; choose another file."),
        (
            newer,
            "has recording format 99, newer than the 2 that this version reads; upgrade otelstream.",
        ),
    ],
)
def test_a_file_that_is_no_recording_is_an_error(
    cli: Cli, command: str, make: Make, why: str, tmp_path: Path, recordings: Recordings
) -> None:
    """The sentence says what is wrong with which file, and what to do."""
    path = tmp_path / "x.duckdb"
    make(path, recordings)

    assert cli(*arguments(command, path)) == Ended(2, "", f"otelstream: {path} {why}\n")


@pytest.mark.parametrize("command", list(READING))
@pytest.mark.parametrize("make", [truncated, directory])
def test_a_damaged_file_is_an_error(
    cli: Cli, command: str, make: Make, tmp_path: Path, recordings: Recordings
) -> None:
    """One sentence names the file, whatever DuckDB says of it."""
    path = tmp_path / "x.duckdb"
    make(path, recordings)
    ended = cli(*arguments(command, path))

    assert (ended.code, ended.out, ended.err.count("\n"), ended.err.startswith(f"otelstream: {path} ")) == (
        2,
        "",
        1,
        True,
    )


@pytest.mark.parametrize("command", [command for command in READING if command not in ("ls", "sql")])
def test_an_unknown_session_is_an_error(cli: Cli, command: str, recordings: Recordings) -> None:
    """The sentence says what was asked for, and how to find what there is."""
    path = recordings.both

    assert cli(*arguments(command, path), "--session", "nope") == Ended(
        2,
        "",
        f"otelstream: {path} has no session 'nope'; `otelstream ls {path}` lists its 2,"
        " by index, id and name.\n",
    )


@pytest.mark.parametrize("selector", ["0", "-2", "F"])
def test_a_session_is_found_by_index_and_name(cli: Cli, selector: str, recordings: Recordings) -> None:
    """An index, from either end, or a name says which session."""
    assert cli("cat", recordings.both, "-s", selector).code == 0


@pytest.mark.parametrize(
    "selector",
    [
        "2",
        "-3",
        "",
        "²",
    ],
)
def test_a_session_that_is_not_there_is_an_error(cli: Cli, selector: str, recordings: Recordings) -> None:
    """An index that is too high, nothing, or a digit that is no number finds nothing."""
    ended = cli("cat", recordings.both, "-s", selector)

    assert (ended.code, ended.err.count("\n"), " has no session " in ended.err) == (2, 1, True)


def test_a_path_that_is_too_long_is_an_error(cli: Cli, tmp_path: Path) -> None:
    """A name that the file system cannot have is told in one sentence."""
    ended = cli("ls", tmp_path / ("x" * 5_000))

    assert (ended.code, ended.err.count("\n"), ended.err[:12]) == (2, 1, "otelstream: ")


@pytest.mark.parametrize("line", [["ls", "--nope"], ["nope"], ["ls"], ["export", "nope"], ["sql"]])
def test_wrong_usage_is_an_error(cli: Cli, line: list[str]) -> None:
    """A wrong flag or command, or a missing argument, exits with 2 and points to the help."""
    ended = cli(*line)

    assert (ended.code, "--help" in ended.err) == (2, True)


def piped(recording: Path, *line: str) -> tuple[int, bytes]:
    """Run a command whose reader is gone before the first byte; return its exit code and complaint."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "otelstream.cli", line[0], str(recording), *line[1:]],
            stdout=writing,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("line", [["cat"], ["ls"], ["replay"]])
def test_nobody_reading_is_no_error(line: list[str], recordings: Recordings) -> None:
    """In `| head` a command stops without a traceback and without Python's own complaint."""
    _, complaint = piped(recordings.completed, *line)

    assert complaint == b""


def test_a_full_output_is_an_error(recordings: Recordings) -> None:
    """Output that does not fit on the disk is told in one sentence."""
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "otelstream.cli", "cat", str(recordings.completed)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
            timeout=60,
        )

    assert (ran.returncode, ran.stderr.count(b"\n"), ran.stderr[:12]) == (1, 1, b"otelstream: ")


def test_a_closed_output_is_no_traceback(recordings: Recordings) -> None:
    """`>&-` leaves Python without a standard output; the command says so or is silent."""
    ran = subprocess.run(
        f"{sys.executable} -m otelstream.cli ls {recordings.completed} >&-",
        shell=True,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
        timeout=60,
    )

    assert b"Traceback" not in ran.stderr
