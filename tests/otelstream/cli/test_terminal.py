"""Text of a recording on a terminal: it may be somebody else's, and must not steer it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otelstream.cli.terminal import CELL_CHARACTERS, cell, plain
from recorder.writer import Writer
from tests.contract.programs import frame
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
