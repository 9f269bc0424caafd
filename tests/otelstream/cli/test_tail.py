"""`otelstream tail`: the newest frames of a recording, and those that come."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from recorder.writer import Writer
from tests.contract.programs import frame
from tests.e2e.runs import environment, golden
from tests.otelstream.cli.conftest import Cli, Ended, Recordings
from tests.otelstream.cli.directories import of_two
from tests.recorder.test_many import record, session_id
from tests.recorder.test_writer import START


def test_the_newest_frames_are_printed(cli: Cli, recordings: Recordings) -> None:
    """One line for each of the last ten, in their order."""
    lines = cli("tail", recordings.completed).out.splitlines()

    assert [line.split()[2] for line in lines] == [each.type for each in golden()[-10:]]


def test_json_is_what_cat_prints(cli: Cli, recordings: Recordings) -> None:
    """Programs get the frames as they were recorded."""
    whole = cli("cat", recordings.completed).out.splitlines()

    assert cli("tail", recordings.completed, "--json", "-n", "3").out.splitlines() == whole[-3:]


@pytest.mark.parametrize(("count", "shown"), [("0", 0), ("1", 1), ("29", 29), ("99", 29)])
def test_as_many_as_there_are(count: str, shown: int, cli: Cli, recordings: Recordings) -> None:
    """No more frames are printed than the recording has."""
    assert len(cli("tail", recordings.completed, "-n", count).out.splitlines()) == shown


def test_the_newest_of_all_sessions(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """Of a directory the frames of the session that was recorded last come last."""
    whole = [cli("cat", path).out.splitlines() for path in (recordings.completed, recordings.failed)]
    runs = of_two(recordings, tmp_path / "runs")

    assert cli("tail", runs, "--json", "-n", "31").out.splitlines() == [*whole[0][-2:], *whole[1]]


def test_one_session_can_be_chosen(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """`--session` names it as in other commands."""
    runs = of_two(recordings, tmp_path / "runs")

    assert cli("tail", runs, "-s", "0", "-n", "3") == cli("tail", recordings.completed, "-n", "3")


def test_a_recording_without_frames_is_nothing(cli: Cli, tmp_path: Path) -> None:
    """There is nothing to print, and that is no error."""
    Writer(tmp_path / "x.duckdb").close()

    assert cli("tail", "x.duckdb") == Ended(0, "", "")


def test_what_is_left_out_is_told(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """A file that is no recording is a sentence on standard error."""
    runs = of_two(recordings, tmp_path / "runs")
    (runs / "c.duckdb").touch()

    assert cli("tail", runs, "-n", "1").err == (
        f"otelstream: left out: {runs / 'c.duckdb'} is no DuckDB file, so no recording; check the path.\n"
    )


def test_what_is_no_recording_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    """The exit code is that of unreadable input; one that is no recording is not waited for either."""
    (tmp_path / "x.duckdb").touch()
    ended = [cli("tail", "nowhere.duckdb"), cli("tail", "-f", "x.duckdb")]

    assert ended == [
        Ended(2, "", "otelstream: nowhere.duckdb does not exist; check the path.\n"),
        Ended(2, "", "otelstream: x.duckdb is no DuckDB file, so no recording; check the path.\n"),
    ]


@contextmanager
def following(
    path: Path, *options: str, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """While another process follows a recording."""
    with subprocess.Popen(
        [sys.executable, "-m", "otelstream.cli", "tail", "-f", "--json", str(path), *options],
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as follower:
        try:
            yield follower
        finally:
            follower.kill()


def seqs(follower: subprocess.Popen[str], count: int) -> list[int]:
    """The sequence numbers of the next frames that it prints."""
    assert follower.stdout is not None
    return [json.loads(follower.stdout.readline())["seq"] for _ in range(count)]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A recording of a session with two frames that goes on."""
    with closing(Writer(tmp_path / "runs" / "a.duckdb")) as opened:
        opened.begin(START)
        add(opened, 0, 1)
        yield opened


def add(writer: Writer, *numbers: int) -> None:
    """Add frames to the session, and commit them."""
    for number in numbers:
        writer.add(START.session_id, number, number, frame(number))
    writer.flush()


def test_frames_come_as_they_are_committed(writer: Writer) -> None:
    """First what there is, then each further frame once, in order."""
    with following(writer.path) as follower:
        seen = [seqs(follower, 2)]
        for numbers in ([2], [3, 4]):
            add(writer, *numbers)
            seen.append(seqs(follower, len(numbers)))

    assert seen == [[0, 1], [2], [3, 4]]


def test_frames_come_after_a_checkpoint(writer: Writer) -> None:
    """When the writer has moved its WAL into the file, the file is copied again."""
    with following(writer.path, "-n", "1") as follower:
        seen = seqs(follower, 1)
        add(writer, 2)
        writer._connection.execute("FORCE CHECKPOINT recording")
        add(writer, 3)
        seen += seqs(follower, 2)

    assert seen == [1, 2, 3]


def test_new_sessions_and_new_files_come(writer: Writer) -> None:
    """A directory is followed as a whole."""
    with following(writer.path.parent, "-n", "1") as follower:
        seen = seqs(follower, 1)
        later = replace(START, session_id=session_id(5), started_at=START.started_at + timedelta(hours=1))
        writer.begin(later)
        writer.add(later.session_id, 0, 0, frame(70))
        writer.flush()
        seen += seqs(follower, 1)
        record(writer.path.parent / "2026-11-20" / "b.duckdb", 6)
        seen += seqs(follower, 7)

    assert seen == [1, 70, 0, 1, 2, 3, 4, 5, 6]


def test_a_directory_may_be_empty_at_first(tmp_path: Path) -> None:
    """Whoever follows it waits for the first recording."""
    with following(tmp_path) as follower:
        record(tmp_path / "a.duckdb", 1)

        assert seqs(follower, 2) == [0, 1]


@pytest.mark.parametrize("name", ["a.duckdb", "*.duckdb"])
def test_what_is_not_there_yet_is_waited_for(name: str, tmp_path: Path) -> None:
    """That is said once."""
    with following(tmp_path / name) as follower:
        assert follower.stderr is not None
        told = follower.stderr.readline()
        record(tmp_path / "a.duckdb", 1)
        seen = seqs(follower, 2)
        follower.send_signal(signal.SIGINT)
        rest = follower.communicate(timeout=30)[1]

    assert (told.endswith("It is waited for.\n"), seen, rest) == (True, [0, 1], "otelstream: interrupted\n")


def test_a_file_that_is_made_anew_is_followed(tmp_path: Path) -> None:
    """However long it is away; its sessions are new ones, whatever their numbers are."""
    path = record(tmp_path / "a.duckdb", 0, 1, 2)
    with following(path, "-n", "1") as follower:
        seqs(follower, 1)
        path.unlink()
        assert follower.stderr is not None
        told = follower.stderr.readline()
        record(path, 3)
        seen = seqs(follower, 4)

    assert (told, seen) == (
        f"otelstream: {path} does not exist; check the path. It is waited for.\n",
        [0, 1, 2, 3],
    )


def test_a_file_that_is_rewritten_is_followed(tmp_path: Path) -> None:
    """Retention and redaction number its sessions anew: the next one has a number that another had."""
    path = record(tmp_path / "a.duckdb", 0, 1, 2)
    with following(path, "-n", "1") as follower:
        seqs(follower, 1)
        record(tmp_path / "b.part", 3).replace(path)
        seen = seqs(follower, 4)

    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_copy(number: signal.Signals, writer: Writer, tmp_path: Path) -> None:
    """What is being written is read from a copy, which goes with whoever reads it."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, as under nohup")
    copies = tmp_path / "copies"
    copies.mkdir()
    with following(writer.path, variables={"TMPDIR": str(copies)}) as follower:
        seqs(follower, 2)
        before = len(os.listdir(copies))
        follower.send_signal(number)
        follower.communicate(timeout=30)

    assert (before, os.listdir(copies), follower.returncode) == (1, [], 128 + number)


def test_the_copy_of_a_killed_reader_goes_with_the_next(writer: Writer, tmp_path: Path) -> None:
    """It knows that nobody has that any more; the copies of those who live stay."""
    copies = tmp_path / "copies"
    copies.mkdir()
    variables = {"TMPDIR": str(copies)}
    with following(writer.path, variables=variables) as killed:
        seqs(killed, 2)
    dead = os.listdir(copies)
    with following(writer.path, variables=variables) as first:
        seqs(first, 2)
        with following(writer.path, variables=variables) as second:
            seqs(second, 2)
            left = os.listdir(copies)

    assert (len(dead), len(left), set(left) & set(dead)) == (1, 2, set())


def test_one_session_can_be_followed(writer: Writer) -> None:
    """What other sessions do is not printed."""
    with following(writer.path, "-s", str(START.session_id), "-n", "1") as follower:
        seen = seqs(follower, 1)
        writer.begin(replace(START, session_id=session_id(5)))
        writer.add(session_id(5), 0, 0, frame(70))
        add(writer, 2)
        seen += seqs(follower, 1)

    assert seen == [1, 2]


def test_ctrl_c_ends_it(writer: Writer) -> None:
    """The exit code is that of an interrupt, and there is no traceback."""
    with following(writer.path, "-n", "1") as follower:
        seqs(follower, 1)
        follower.send_signal(signal.SIGINT)
        out, err = follower.communicate(timeout=30)

    assert (follower.returncode, out, err) == (130, "", "otelstream: interrupted\n")


def test_a_reader_that_leaves_ends_it(writer: Writer) -> None:
    """In `| head` it does not go on for ever, although no frame comes that it could fail to print."""
    with following(writer.path, "-n", "1") as follower:
        seqs(follower, 1)
        assert follower.stdout is not None
        assert follower.stderr is not None
        follower.stdout.close()
        follower.wait(timeout=30)

        assert "Traceback" not in follower.stderr.read()


def test_the_writer_is_not_disturbed(writer: Writer) -> None:
    """It commits, checkpoints and closes the file while somebody follows it, and nothing is missing."""
    with following(writer.path, "-n", "2") as follower:
        seen = seqs(follower, 2)
        for number in range(2, 12):
            add(writer, number)
            writer._connection.execute("FORCE CHECKPOINT recording")
        writer.close()
        seen += seqs(follower, 10)
        Writer(writer.path).close()  # nobody holds the file
    writer = Writer(writer.path)

    assert seen == list(range(12))
