"""`otelstream ingest`: frames of another process or language, from a file or standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.frame import frame_json
from tests.e2e.received import spans_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import CREW, GOLDEN, golden, recorded
from tests.otelstream.cli.conftest import Cli, Ended

LINES = (GOLDEN / CREW).read_bytes().splitlines(keepends=True)


def test_a_file_is_recorded(cli: Cli, tmp_path: Path) -> None:
    """The command says how many frames it read and where they are."""
    assert cli("ingest", GOLDEN / CREW, "--record", "x.duckdb") == Ended(
        0, "", "29 frames recorded in x.duckdb\n"
    )


def test_standard_input_is_a_file(cli: Cli, tmp_path: Path) -> None:
    """Without a file, or with `-`, frames come from standard input."""
    cli("ingest", "-", "--record", "x.duckdb", stdin=b"".join(LINES))
    session = recorded(tmp_path / "x.duckdb")

    assert (session.state, session.frame_count, session.start.entry_point) == ("completed", 29, "-")


def test_frames_come_back_byte_for_byte(cli: Cli) -> None:
    """What is read with `--no-redact` is printed again as it was."""
    cli("ingest", GOLDEN / CREW, "--record", "x.duckdb", "--no-redact")

    assert cli("cat", "x.duckdb").out == "".join(frame_json(frame) + "\n" for frame in golden())


def test_spans_are_exported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans go where the variables say."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        cli("ingest", GOLDEN / CREW)

    assert len(spans_of(receiver)) == 6


def test_empty_lines_are_skipped(cli: Cli) -> None:
    """A line of white space is no frame and no error."""
    assert cli("ingest", stdin=b"\n".join([b"", *LINES, b"  ", b""])) == Ended(0, "", "29 frames read\n")


def test_nothing_is_nothing(cli: Cli) -> None:
    """An empty file is no error."""
    assert cli("ingest", stdin=b"") == Ended(0, "", "0 frames read\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"tea", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"3", "not a stream frame: the line: Input should be a valid dictionary or instance of StreamFrame"),
        (b"{}", "not a stream frame: id: Field required"),
        (LINES[3][:100], "not valid JSON: "),
        (b"\xff\xfe", "not valid JSON: "),
        (b"[" * 200_000, "not valid JSON: "),
    ],
)
def test_a_line_that_is_no_frame_is_told_with_its_number(
    cli: Cli, line: bytes, why: str, tmp_path: Path
) -> None:
    """The sentence begins with file and line, and the exit code is 2."""
    (tmp_path / "x.jsonl").write_bytes(b"".join(LINES[:3]) + line.strip() + b"\n" + b"".join(LINES[3:]))
    ended = cli("ingest", "x.jsonl")
    status, error = ended.err.splitlines()

    assert (ended.code, status, error.startswith(f"otelstream: x.jsonl:4: {why}")) == (
        2,
        "3 frames read",
        True,
    )


def test_frames_before_a_bad_line_are_kept(cli: Cli, tmp_path: Path) -> None:
    """What was read is in the recording, of a session that failed."""
    cli("ingest", "--record", "x.duckdb", stdin=b"".join(LINES[:3]) + b"tea\n")
    session = recorded(tmp_path / "x.duckdb")

    assert (session.state, session.frame_count) == ("failed", 3)


@pytest.mark.parametrize(
    ("file", "why"), [("missing.jsonl", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_one_sentence(cli: Cli, file: str, why: str) -> None:
    """The sentence says which file, and why."""
    assert cli("ingest", file) == Ended(2, "", f"otelstream: {file} cannot be read: {why}; check the path.\n")


def test_a_recording_that_cannot_be_made_is_told(cli: Cli) -> None:
    """Where nothing was recorded, the command does not say that it was, and does not succeed."""
    ended = cli("ingest", GOLDEN / CREW, "--record", "/proc/otelstream/x.duckdb")

    assert (ended.code != 0, "recorded in" in ended.err) == (True, False)
