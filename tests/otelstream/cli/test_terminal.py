"""Text of a recording on a terminal: it may be somebody else's, and must not steer it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from otelstream.cli.terminal import CELL_CHARACTERS, ESCAPING, cell, plain
from recorder.writer import Writer
from tests.contract.programs import frame
from tests.e2e.runs import run_python
from tests.otelstream.cli.conftest import Cli, Recordings
from tests.recorder.recordings import change, end, session_id, start

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe"
SAFE = r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tea", "tea"),
        ("Tee für 茶 👩‍💻 שלום", "Tee für 茶 👩‍💻 שלום"),
        (EVIL, SAFE),
        ("one\ntwo\tthree", r"one\ntwo\tthree"),
        ("half \ud83d", r"half \ud83d"),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    """What steers a terminal is written out; letters of any script stay."""
    assert plain(text) == expected


def test_ends_of_lines_may_stay() -> None:
    """As in the text of an answer."""
    assert plain("one\ntwo\x07", keep="\n\t") == "one\ntwo\\x07"


def test_what_an_output_cannot_have_stays_json() -> None:
    """JSON knows escapes of four digits only; Python's own are of two or eight, too."""
    text = json.dumps("café 茶 🫖", ensure_ascii=False) + ' "\ud800"'

    assert text.encode("ascii", ESCAPING) == rb'"caf\u00e9 \u8336 \ud83e\uded6" "\ud800"'


def test_json_on_an_output_of_ascii(tmp_path: Path) -> None:
    """The names of a recording are in any script, and a pipe may be of none but ASCII."""
    writer = Writer(tmp_path / "a.duckdb")
    writer.begin(replace(start(0), name="café 🫖"))
    writer.flush()
    writer.close()
    ran = run_python(
        ["-m", "otelstream.cli", "stats", "a.duckdb", "-r", "runs", "--json"],
        tmp_path,
        {"PYTHONIOENCODING": "ascii"},
    )

    assert json.loads(ran.stdout)[0]["name"] == "café 🫖"


def test_a_cell_is_cut() -> None:
    """A table is no place for a dump."""
    assert str(cell("x" * (CELL_CHARACTERS + 1))) == "x" * (CELL_CHARACTERS - 1) + "…"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A recording whose every text tries to steer the terminal."""
    path = tmp_path / "evil.duckdb"
    writer = Writer(path)
    writer.begin(start(0))
    writer.add(session_id(0), 0, 0, frame(0, type=EVIL, data={"chunk": EVIL}))
    writer.end(session_id(0), end(1, "failed", error_message=EVIL, error_type=EVIL))
    writer.flush()
    writer.close()
    change(
        path,
        f"UPDATE session_starts SET name = {json.dumps(EVIL)!r}, otelstream_version = {EVIL!r}",
        f"UPDATE header SET otelstream_version = {EVIL!r}",
    )
    return path


@pytest.mark.parametrize("command", ["ls", "info", "show", "tail", "replay", "doctor"])
def test_no_command_lets_it_through(command: str, cli: Cli, evil: Path) -> None:
    """Whatever a person reads on the terminal has no control characters but ends of lines."""
    ended = cli(command, evil)

    assert [each for each in ended.out + ended.err if not each.isprintable() and each != "\n"] == []


def test_sql_does_not_either(cli: Cli, recordings: Recordings) -> None:
    """Neither in a value nor in the name of a column."""
    ended = cli("sql", recordings.completed, f"SELECT '{EVIL}' AS \"{EVIL}\"")

    assert ended.out.split() == [SAFE, SAFE]
