"""Processes that end in any way while they record: what was emitted is stored, and they end as ever."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

import recorder
from otelstream.frame import frame_json
from recorder.tables import HAS_APPENDER
from tests.e2e.programs.ending import ALL, FRAMES, WAYS
from tests.e2e.programs.made import made_json
from tests.e2e.runs import environment

LIMIT_S: Final = 10.0
"""How long an end may take; we promise five seconds and a bit, but the machine may be busy."""

CUT: Final = ("cancelled", FRAMES)
WHOLE: Final = ("completed", ALL)

CODES: Final = {
    "asleep": -15,
    "a handler before": 3,
    "a handler after": 3,
    "ignored before": 0,
    "ignored after": 0,
    "in C": -15,
    "with our lock": -15,
    "waiting for a thread": -15,
    "only in a thread": -15,
    "in a loop": -15,
    "in a fork": 115,  # what the parent makes of the child's end by the signal
    "to a silent collector": -15,
    "switched off": -15,
    "interrupted": -2,
    "exit": 4,
    "exit in a thread": 0,
    "an exception": 1,
    "exit at once": 6,
    "flushed, and exit at once": 6,
}
STORED: Final = {
    "asleep": CUT,
    "a handler before": CUT,
    "a handler after": CUT,
    "ignored before": WHOLE,
    "ignored after": WHOLE,
    "in C": CUT,
    "waiting for a thread": CUT,
    "in a loop": CUT,
    "in a fork": CUT,
    "to a silent collector": CUT,
    "interrupted": CUT,
    "exit": CUT,
    "exit in a thread": CUT,
    "an exception": CUT,
    "flushed, and exit at once": ("crashed", FRAMES),
}


@dataclass(frozen=True)
class Ended:
    """Where the processes recorded, and how each ended."""

    cwd: Path
    codes: dict[str, int]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A process for each way of ending."""
    cwd = tmp_path_factory.mktemp("ended")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.e2e.programs.ending"],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        timeout=200,
        check=True,
    )
    told = json.loads(ran.stdout)
    return Ended(
        cwd,
        {way: each["code"] for way, each in told.items()},
        {way: each["seconds"] for way, each in told.items()},
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_process_ends_as_it_would_without_us(ended: Ended, way: str) -> None:
    """Its exit status is the program's own, or the signal."""
    if not HAS_APPENDER and CODES[way] not in (-15, 6):
        pytest.skip("DuckDB 1.x aborts a forked process that had any thread when its interpreter ends")
    assert ended.codes[way] == CODES[way]


@pytest.mark.parametrize("way", WAYS)
def test_a_process_ends_soon(ended: Ended, way: str) -> None:
    """Nothing that it does or holds keeps it for long."""
    assert ended.seconds[way] < LIMIT_S


@pytest.mark.parametrize("way", STORED)
def test_all_that_was_emitted_is_stored(ended: Ended, way: str) -> None:
    """The recording has every frame, and says how the session ended."""
    state, count = STORED[way]
    with recorder.open(ended.cwd / way / "x.duckdb") as recording:
        session = recording.session()
        lines = [frame_json(frame) for frame in recording.frames(session)]

    assert (session.state, lines) == (state, made_json("lane", count))


@pytest.mark.parametrize("name", ["main.duckdb", "x.duckdb"])
def test_sessions_of_all_threads_are_stored(ended: Ended, name: str) -> None:
    """A session of another thread ends like that of the main thread."""
    with recorder.open(ended.cwd / "waiting for a thread" / name) as recording:
        session = recording.session()

    assert (session.state, session.frame_count) == CUT


def test_the_parent_of_a_process_that_was_ended_records_on(ended: Ended) -> None:
    """A signal to a forked child ends the child's sessions, and none of its parent."""
    with recorder.open(ended.cwd / "in a fork" / "parent.duckdb") as recording:
        session = recording.session()

    assert (session.state, session.frame_count) == CUT


@pytest.mark.parametrize("way", ["switched off", "with our lock", "only in a thread", "exit at once"])
def test_what_is_like_a_kill_leaves_a_file_that_opens(ended: Ended, way: str) -> None:
    """Where nothing can be flushed there is no recording yet, or one with what was committed before."""
    path = ended.cwd / way / "x.duckdb"
    states = []
    if path.exists():
        with recorder.open(path) as recording:
            states = [(session.state, session.frame_count) for session in recording.sessions()]

    assert states in ([], [("crashed", FRAMES)])
