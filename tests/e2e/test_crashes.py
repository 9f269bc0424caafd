"""Processes that are really killed while they record: what was acknowledged is there, and every file opens.

By default one of each habit is killed; `OTELSTREAM_CRASHES=100 pytest -s tests/e2e/test_crashes.py` kills
a hundred and says how far behind they were.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

import otelstream
import recorder
from otelstream.errors import RecordingError
from otelstream.frame import frame_json
from tests.e2e.chains import broken_links
from tests.e2e.programs.crashing import Round
from tests.e2e.programs.journal import LANES, Journal
from tests.e2e.programs.made import made_json
from tests.e2e.runs import environment, golden, session

CRASHES: Final = int(os.environ.get("OTELSTREAM_CRASHES", "9"))

HABITS: Final = (
    Round("one file", delay_s=0.7),
    Round("two sessions in a file", lanes=2, flush_every_s=0.02, delay_s=0.8),
    Round("a directory", record="runs/", lanes=2),
    Round("asynchronous", asynchronous=True, flush_every_s=0.01, delay_s=0.8),
    Round("short sessions", frames=30, flush_every_s=0.01),
    Round("checkpoints", dump_chars=400_000, lanes=2, flush_every_s=0.1, delay_s=1.2),
    Round("opening", delay_s=0.15),
    Round("rotation", record="runs/", frames=200, dump_chars=60_000, lanes=2, rotate_mb=1),
    Round("after a crash", name="next", delay_s=0.3),
)
"""What the processes do, in turn, and how long at most; `folder` is a name for it."""


@dataclass(frozen=True)
class Kept:
    """What the recordings of a killed process hold of one session."""

    file: Path
    name: str
    state: str
    lines: list[str]
    broken: list[str]


@dataclass(frozen=True)
class Crash:
    """A process that was killed: what it did, and what it left behind."""

    task: Round
    journal: Journal
    kept: list[Kept]
    unreadable: list[str]

    def count(self, lane: int) -> int:
        """Return how many frames of a lane are kept."""
        return sum(len(each.lines) for each in self.kept if each.name.startswith(self.prefix(lane)))

    def prefix(self, lane: int) -> str:
        """Return what the names of a lane's sessions begin with."""
        return f"{self.task.name}{lane}."

    def lag_s(self, lane: int) -> float:
        """Return the age of the oldest frame that is not kept, in seconds."""
        kept = self.count(lane)
        if kept >= self.journal.emitted(lane):
            return 0.0
        return (self.journal.killed_ns - self.journal.emitted_ns(lane, kept)) / 1e9


def rounds(folder: Path) -> list[Round]:
    """Return what the processes do, with moments drawn at random but always the same ones."""
    chance = random.Random(4)
    tasks: list[Round] = []
    for number in range(CRASHES):
        habit = HABITS[number % len(HABITS)]
        where = folder / str(number)
        where.mkdir()
        after = tasks[0].folder if habit.name == "next" else ""
        delay = chance.uniform(0.02, habit.delay_s) if number else habit.delay_s
        tasks.append(replace(habit, folder=str(where), delay_s=delay, after=after))
    return tasks


def crash_of(task: Round) -> Crash:
    """Read what a killed process left behind."""
    kept: list[Kept] = []
    unreadable = []
    for path in files_of(Path(task.folder)):
        try:
            kept += kept_in(path)
        except RecordingError as error:  # noqa: PERF203  a handful of files
            unreadable.append(str(error))
    return Crash(task, Journal(Path(task.folder, "journal")), kept, unreadable)


def files_of(folder: Path) -> list[Path]:
    """Return the recordings beneath a folder, but for files that were made and got not a byte."""
    return sorted(path for path in folder.rglob("[!.]*.duckdb") if path.stat().st_size)


def kept_in(path: Path) -> list[Kept]:
    """Return the sessions of a recording.

    Raises:
        RecordingError: It cannot be read.
    """
    with recorder.open(path) as recording:
        sessions = recording.sessions()
        with recording.connection() as connection:
            broken = [broken_links(connection, each.number) for each in sessions]
        return [
            Kept(
                path, str(each.start.name), each.state, [frame_json(f) for f in recording.frames(each)], links
            )
            for each, links in zip(sessions, broken, strict=True)
        ]


def summary(path: Path) -> list[tuple[str, str, int]]:
    """Return name, state and number of frames of each session that is written down to have ended."""
    with recorder.open(path) as recording:
        sessions = recording.sessions()
    return [(str(each.start.name), each.state, each.frame_count) for each in sessions if each.end]


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[Crash]:
    """Processes that were killed at random moments, and what a first reader finds."""
    tasks = rounds(tmp_path_factory.mktemp("crashes"))
    told = subprocess.run(
        [sys.executable, "-m", "tests.e2e.programs.crashing"],
        input=b"".join(task.line() for task in tasks),
        env=environment(),
        capture_output=True,
        timeout=60 + 5 * CRASHES,
        check=True,
    )
    assert (told.stdout.split(), told.stderr) == ([b"-9"] * CRASHES, b"")
    made = [crash_of(task) for task in tasks]
    report(made)
    return made


def report(crashes: list[Crash]) -> None:
    """Say how far behind the files were, and how many frames: for each habit, and for all of them."""
    print()  # noqa: T201  the figures, for whoever asks with -s
    habits = {habit.folder: crashes[number :: len(HABITS)] for number, habit in enumerate(HABITS)}
    for name, some in {**habits, f"all {len(crashes)}": crashes}.items():
        lanes = [(crash, lane) for crash in some for lane in range(LANES) if crash.journal.emitted(lane)]
        lags = [crash.lag_s(lane) * 1e3 for crash, lane in lanes] or [0]
        missing = [crash.journal.emitted(lane) - crash.count(lane) for crash, lane in lanes] or [0]
        emitted = sum(crash.journal.emitted(lane) for crash, lane in lanes)
        acknowledged = sum(crash.journal.acknowledged(lane) for crash, lane in lanes)
        print(  # noqa: T201  as above
            f"{name}: {emitted} frames emitted, {acknowledged} acknowledged;"
            f" not kept: median {statistics.median(missing):g}, most {max(missing)};"
            f" oldest of them: median {statistics.median(lags):.0f} ms, most {max(lags):.0f} ms"
        )


def test_every_file_opens(crashes: list[Crash]) -> None:
    """Whatever a killed process left behind is a recording."""
    assert [(crash.task, crash.unreadable) for crash in crashes if crash.unreadable] == []


def test_no_acknowledged_frame_is_lost(crashes: list[Crash]) -> None:
    """Of each session at least as many frames are kept as `flush` said are safe."""
    lost = [
        (crash.task, lane, crash.journal.acknowledged(lane), crash.count(lane))
        for crash in crashes
        for lane in range(LANES)
        if crash.count(lane) < crash.journal.acknowledged(lane)
    ]

    assert lost == []


def test_frames_were_acknowledged(crashes: list[Crash]) -> None:
    """The test above had something to test."""
    assert any(crash.journal.acknowledged(0) > 0 for crash in crashes)


def test_what_is_kept_is_a_prefix(crashes: list[Crash]) -> None:
    """The frames of each session are the first ones that it emitted, byte for byte."""
    wrong = [
        (crash.task, each.name)
        for crash in crashes
        for each in crash.kept
        if each.lines != made_json(each.name, len(each.lines), crash.task.dump_chars)
    ]

    assert wrong == []


def test_no_frame_is_missing_between_sessions(crashes: list[Crash]) -> None:
    """Of the sessions of a lane, one after the other, all but the last one are whole."""
    cut = []
    for crash in crashes:
        for lane in range(LANES):
            sizes = [
                (int(each.name.partition(".")[2]), len(each.lines))
                for each in crash.kept
                if each.name.startswith(crash.prefix(lane))
            ]
            size = crash.task.frames
            whole = [(number * size, size) for number in range(len(sizes) - 1)]
            if sorted(sizes)[:-1] != whole or (sizes and max(sizes)[0] != len(whole) * size):
                cut.append((crash.task, lane, sizes))

    assert cut == []


def test_a_session_without_its_end_has_crashed(crashes: list[Crash]) -> None:
    """A session of all its frames may have its end; any other one was cut by the kill."""
    states = {(len(each.lines) == crash.task.frames, each.state) for crash in crashes for each in crash.kept}

    assert states <= {(False, "crashed"), (True, "crashed"), (True, "completed")}


def test_the_chain_holds(crashes: list[Crash]) -> None:
    """Every link of each session's hash chain is what its rows give."""
    assert [each for crash in crashes for each in crash.kept if each.broken] == []


def test_a_crashed_session_replays_up_to_the_cut(crashes: list[Crash]) -> None:
    """A replay yields the frames that are kept, then is cancelled."""
    wrong = []
    for crash in crashes:
        for each in [each for each in crash.kept if each.state == "crashed"]:
            replayed = recorder.replay(each.file, each.name)
            lines = [frame_json(frame) for frame in replayed]
            if (lines, replayed.is_cancelled) != (each.lines, True):
                wrong.append((crash.task, each.name))

    assert wrong == []


def test_few_frames_are_not_acknowledged(crashes: list[Crash]) -> None:
    """What is not kept came in the last seconds: a wide bound, as a busy machine is no reason to fail."""
    old = [
        (crash.task, lane, crash.lag_s(lane))
        for crash in crashes
        for lane in range(LANES)
        if crash.lag_s(lane) > 20 and crash.journal.emitted(lane) - crash.count(lane) > 1_000
    ]

    assert old == []


def test_the_next_process_records_into_the_same_file(crashes: list[Crash]) -> None:
    """It marks what has no end as crashed, and appends a session of its own."""
    wrong = []
    for crash in crashes:
        for path in files_of(Path(crash.task.folder)):
            list(otelstream.observe(session(), record=path, redact=False))
            expected = [(each.name, each.state, len(each.lines)) for each in crash.kept if each.file == path]
            *before, (_, state, count) = summary(path)
            if (before, state, count) != (expected, "completed", len(golden())):
                wrong.append((crash.task, path))

    assert (wrong, otelstream.losses()) == ([], {})
