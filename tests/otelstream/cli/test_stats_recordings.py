"""`otelstream stats` over recordings of any kind: many files, text, empty, old, live, somebody else's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import otelstream
import recorder
from otelstream.cli.reports.sections import SECTIONS
from recorder.writer import Writer
from tests.e2e.runs import environment, golden, session
from tests.otelstream.cli.conftest import Cli, Ended, Recordings
from tests.otelstream.cli.directories import of_two
from tests.recorder.recordings import start, thaw


def test_a_directory_and_a_pattern_are_one_recording(
    cli: Cli, recordings: Recordings, tmp_path: Path
) -> None:
    """Runs of several files are counted together, and what is left out is told."""
    runs = of_two(recordings, tmp_path / "runs")
    (runs / "c.duckdb").touch()
    told = [cli("stats", path, "-r", "runs", "--json") for path in (runs, "runs/**/[ab].duckdb")]

    assert [(ended.code, json.loads(ended.out)[0]["runs"], ended.err.count("\n")) for ended in told] == [
        (0, 2, 1),
        (0, 2, 0),
    ]


def test_text_says_what_its_database_says(cli: Cli, tmp_path: Path) -> None:
    """But for commits, which only a database has, and how big it is."""
    list(otelstream.observe(session(golden()), record=tmp_path / "a.jsonl"))
    recorder.convert(tmp_path / "a.jsonl", tmp_path / "a.duckdb")
    told = [cli("stats", f"a.{form}").out.splitlines() for form in ("jsonl", "duckdb")]

    assert told[0][: told[0].index("Pipeline health")] == told[1][: told[1].index("Pipeline health")]


def test_a_recording_of_nothing_says_so(cli: Cli, tmp_path: Path) -> None:
    """Each answer is none; no number is made up."""
    Writer(tmp_path / "x.duckdb").close()
    ended = cli("stats", "x.duckdb")

    assert (ended.code, ended.out.split("\n")[:-2], ended.err) == (
        0,
        [line for section in SECTIONS for line in (section.title, "none", "")],
        "",
    )


def test_format_1_has_no_spans_and_says_so(cli: Cli, tmp_path: Path) -> None:
    """What is empty is not taken for nothing that happened."""
    ended = cli("stats", thaw("format-1/finished", tmp_path))

    assert (ended.code, ended.err) == (
        0,
        "otelstream: 1 of 1 files are of format 1, which has no spans: of those there are sessions,"
        " and no durations, calls or tokens.\n",
    )


def test_a_session_without_an_end_is_explained(cli: Cli, tmp_path: Path) -> None:
    """While nobody writes the file, its process must have died."""
    with_start = Writer(tmp_path / "a.duckdb")
    with_start.begin(start(0))
    with_start.flush()
    with_start.close()

    assert cli("stats", "a.duckdb").err == (
        "otelstream: 1 sessions have no end: no file is being written, so their processes died.\n"
    )


def test_a_recording_that_is_being_written(tmp_path: Path, cli: Cli) -> None:
    """A run that is not over is counted, with what of it has ended; nobody is kept from writing."""
    program = (
        "import sys, time, otelstream\n"
        "from tests.e2e.runs import session, golden\n"
        "running = iter(otelstream.observe(session(golden()), record='x.duckdb'))\n"
        "for _ in range(20): next(running)\n"
        "otelstream.flush(10); print('on', flush=True); sys.stdin.read()\n"
        "print(len(list(running)), otelstream.losses())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        ended = cli("stats", "x.duckdb", "--json")
        rest, _ = process.communicate("")

    found = json.loads(ended.out)
    assert (ended.code, found["runs"][0]["unended"], found["recording_health"][0]["frames"]) == (0, 1, 20)
    assert "`otelstream ls` tells" in ended.err
    assert rest == "9 {}\n"


def test_names_move_no_cursor_and_are_no_markup(cli: Cli, tmp_path: Path) -> None:
    """A recording may be somebody else's: its texts are text, in tables and in charts."""
    name = "[red]Tea[/x]\x1b[2J\u202e"
    named = [frame.model_copy(update={"data": {**frame.data, "flow_name": name}}) for frame in golden()]
    list(otelstream.observe(session(named), record=tmp_path / "x.duckdb"))
    said = [cli("stats", "x.duckdb", *options).out for options in ((), ("-r", "runs"), ("--plot",))]

    assert [("[red]Tea[/x]\\x1b[2J\\u202e" in text, "\x1b" in text) for text in said] == [(True, False)] * 3


def test_a_picture_does_not_replace_the_recording(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """A recording may have any name."""
    (tmp_path / "x.png").write_bytes(before := recordings.both.read_bytes())
    ended = cli("stats", "x.png", "-o", "x.png")

    assert ended == Ended(2, "", "otelstream: x.png is the recording itself; choose another path.\n")
    assert (tmp_path / "x.png").read_bytes() == before
