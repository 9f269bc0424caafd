"""`otelstream play` without a terminal: what is printed, how it ends, and what cannot be played."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.contract.programs import frame
from tests.otelstream.cli.conftest import Cli, Ended, Recordings
from tests.otelstream.cli.directories import of_two
from tests.recorder.recordings import session_id, writing
from tests.recorder.timing import record_at

EVENTS: Final = (
    ("flow_started", "flow", "Tea"),
    ("llm_stream_chunk", "llm", "Oolong"),
    ("tea", "cups", "hot"),
)
LINES: Final = (
    "    0.000s      0  flow_started                Tea\n",
    "call: Oolong\n",
    "    0.000s      2  tea                         hot\n",
)


@pytest.fixture
def tea(tmp_path: Path) -> Path:
    """A run of three frames, one of them on a channel of a newer runtime; and the same that failed."""
    arrivals = [
        (number, frame(number, type=type_, channel=channel, data={_field(type_): said}))
        for number, (type_, channel, said) in enumerate(EVENTS)
    ]
    with writing(tmp_path / "tea.duckdb") as writer:
        record_at(writer, 0, arrivals, "failed")
        record_at(writer, 1, arrivals)
    return tmp_path / "tea.duckdb"


def _field(type_: str) -> str:
    return "chunk" if type_ == "llm_stream_chunk" else "query"


def test_a_run(cli: Cli, tea: Path) -> None:
    """Its text and its events, and then its result."""
    assert cli("play", tea) == Ended(0, "".join(LINES) + "completed, 3 frames, result: 'done'\n", "")


def test_a_failed_run(cli: Cli, tea: Path) -> None:
    """The exception is told in one sentence, and the exit code is 1."""
    assert cli("play", tea, "-s", "0") == Ended(
        1,
        "".join(LINES) + "failed, 3 frames, result: None\n",
        "otelstream: the run failed: ValueError: boom\n",
    )


@pytest.mark.parametrize(
    ("options", "shown", "ending"),
    [
        (("--start", "1"), LINES[1:], "completed, 2 frames, result: 'done'"),
        (
            ("--start", "llm_stream_chunk", "--until", "llm_stream_chunk"),
            LINES[1:2],
            "cut, 1 frames, result: 'done'",
        ),
        (("--until", "frame-1"), LINES[:2], "cut, 2 frames, result: 'done'"),
        (("--until", "0.001s"), LINES, "completed, 3 frames, result: 'done'"),
        (("--start", "0.0000s", "--until", "0"), LINES[:1], "cut, 1 frames, result: 'done'"),
        (("--start", "2026-11-20T00:00:00.000001Z"), LINES[1:], "completed, 2 frames, result: 'done'"),
        (("--start=-1",), LINES[2:], "completed, 1 frames, result: 'done'"),
        (("--channels", "llm"), LINES[1:2], "completed, 1 frames, result: 'done'"),
        (("-c", " flow , cups,tools"), (LINES[0], LINES[2]), "completed, 2 frames, result: 'done'"),
        (("--rate", "0"), LINES, "completed, 3 frames, result: 'done'"),
        (("-r", "0.5", "-i", "0"), LINES, "completed, 3 frames, result: 'done'"),
    ],
)
def test_a_part(options: tuple[str, ...], shown: tuple[str, ...], ending: str, cli: Cli, tea: Path) -> None:
    """What is asked for, and whether it went to the end."""
    assert cli("play", tea, *options) == Ended(0, f"{''.join(shown)}{ending}\n", "")


def test_a_part_before_a_failure(cli: Cli, tea: Path) -> None:
    """What failed later has not failed yet."""
    assert cli("play", tea, "-s", "0", "--until", "0") == Ended(
        0, f"{LINES[0]}cut, 1 frames, result: None\n", ""
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--start", "nobody"),
            "has no frame of the id or the type 'nobody'; it has 3, which `otelstream cat` prints.",
        ),
        (("--until", "-9"), "has no frame number -9; it has 3, which `otelstream cat` prints."),
        (
            ("--start", "2", "--until", "1"),
            "has no frame from start 2 on that is not behind until 1; give a later one.",
        ),
    ],
)
def test_frames_that_are_not_there(options: tuple[str, ...], sentence: str, cli: Cli, tea: Path) -> None:
    """One sentence with the session and the value; the exit code is that of wrong usage."""
    assert cli("play", tea, *options) == Ended(
        2, "", f"otelstream: session {session_id(1)} of {tea} {sentence}\n"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--channels", "llm,teas"),
            "There is no channel 'teas'; the channels are llm, flow, tools, messages, lifecycle, custom.",
        ),
        (
            ("--channels", ""),
            "There is no channel ''; the channels are llm, flow, tools, messages, lifecycle, custom.",
        ),
        (("--start-paused",), "--start-paused waits for a key, and there is no terminal; leave it out."),
        (("--rate", "inf"), "rate is inf; give 0 or a positive number."),
    ],
)
def test_options_that_cannot_be_used(options: tuple[str, ...], sentence: str, cli: Cli, tea: Path) -> None:
    """So with values that mean nothing."""
    assert cli("play", tea, *options) == Ended(2, "", f"otelstream: {sentence}\n")


def test_a_recording_that_is_not_there(cli: Cli) -> None:
    """As in every other command."""
    assert cli("play", "x.duckdb") == Ended(2, "", "otelstream: x.duckdb does not exist; check the path.\n")


@pytest.mark.parametrize("session", ["0", "last"])
def test_a_session_of_a_directory(session: str, cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """The same as from the file that holds it."""
    runs = of_two(recordings, tmp_path / "runs")
    file = recordings.completed if session == "0" else recordings.failed

    assert cli("play", runs, "-s", session, "-r", "0") == cli("play", file, "-r", "0")
