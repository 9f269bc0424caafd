"""`otelstream cat`: the frames of a session as NDJSON."""

from __future__ import annotations

import os
from pathlib import Path

import otelstream
from otelstream.bridge import redactor_of
from otelstream.frame import frame_json
from otelstream.redact import redacted_frame
from tests.e2e.runs import golden, session
from tests.otelstream.cli.conftest import Cli, Ended, Recordings
from tests.otelstream.cli.directories import of_two


def test_each_frame_is_a_line(cli: Cli, recordings: Recordings) -> None:
    """The frames come as they were recorded: in order, with secrets masked, and otherwise byte for byte."""
    redactor = redactor_of(redact=True, environ=os.environ)
    expected = "".join(frame_json(redacted_frame(frame, redactor)) + "\n" for frame in golden())

    assert cli("cat", recordings.completed) == Ended(0, expected, "")


def test_a_failed_session_is_printed_like_any_other(cli: Cli, recordings: Recordings) -> None:
    """How the run ended is no matter of its frames."""
    assert cli("cat", recordings.failed) == cli("cat", recordings.completed)


def test_a_session_of_a_directory_is_printed(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """The newest of all files, if none is named."""
    runs = of_two(recordings, tmp_path / "runs")

    assert cli("cat", runs) == cli("cat", recordings.failed)


def test_a_lone_surrogate_is_printed_as_an_escape(cli: Cli, tmp_path: Path) -> None:
    """A frame with a text that UTF-8 cannot hold comes out as valid JSON all the same."""
    odd = golden()[0].model_copy(update={"data": {"text": "caf\udce9"}})
    list(otelstream.observe(session([odd]), record=tmp_path / "x.duckdb"))

    assert r'"data":{"text":"caf\udce9"}' in cli("cat", "x.duckdb").out
