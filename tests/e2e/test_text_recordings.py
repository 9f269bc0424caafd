"""What is promised of recordings holds for text: kills, full disks, files that others have or take away."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import otelstream
import recorder
from otelstream.frame import frame_json
from tests.e2e.programs.crashing import Round
from tests.e2e.programs.filling import FAULT_AT, FRAMES
from tests.e2e.programs.filling import RESULT as FILLED
from tests.e2e.programs.journal import LANES, Journal
from tests.e2e.programs.made import made_json
from tests.e2e.runs import RESULT, Ran, environment, golden, run_async, run_python, run_sync
from tests.e2e.test_taken import observed, somebody

ROUNDS: Final = (
    Round("", record="x.jsonl", flush_every_s=0.02, delay_s=0.3),
    Round("", record="x.jsonl", lanes=2, flush_every_s=0.02, delay_s=0.4),
    Round("", record="x.jsonl", frames=30, lanes=2, flush_every_s=0.01, delay_s=0.3),
    Round("", record="x.jsonl", dump_chars=400_000, flush_every_s=0.05, delay_s=0.4),
)
WRITES: Final = """
import sys
from pathlib import Path
from recorder.text.writer import TextWriter
writer = TextWriter(Path(sys.argv[1]))
print("has it", flush=True)
sys.stdin.read()
"""
FORKS: Final = """
import os, sys, otelstream
from recorder import StreamSession
from tests.e2e.programs.made import lane_of
frames = iter(otelstream.observe(StreamSession(sync_iterator=lane_of("parent", 60)), record="x.jsonl"))
for _ in range(30):
    next(frames)
otelstream.flush()
child = os.fork()
if not child:
    list(otelstream.observe(StreamSession(sync_iterator=lane_of("child", 60)), record="y.jsonl"))
    list(frames)
    sys.exit(0)
status = os.waitpid(child, 0)[1]
list(frames)
print(status, dict(otelstream.losses()))
"""


def kept_in(path: Path) -> dict[str, tuple[str, list[str]]]:
    """The state and the frames of each session, by its name."""
    with recorder.open(path) as recording:
        return {
            str(each.start.name): (each.state, [frame_json(frame) for frame in recording.frames(each)])
            for each in recording.sessions()
        }


@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("error", [None, LookupError("the flow's own")])
def test_a_run_is_recorded_as_into_a_database(run: Any, error: Exception | None, tmp_path: Path) -> None:  # noqa: ANN401
    """Frame by frame, with its result and its exception; the program notices nothing."""
    runs = [run({"record": tmp_path / name}, error) for name in ("x.jsonl", "x.duckdb")]
    replays = []
    for name in ("x.jsonl", "x.duckdb"):
        replayed = recorder.replay(tmp_path / name)
        with recorder.open(tmp_path / name) as recording:
            end = recording.session().end
            frames = [frame_json(each) for each in recording.frames(recording.session())]
        assert end is not None
        replays.append(
            (frames, end.state, end.result, end.error_type, end.frame_count, replayed.is_completed)
        )

    assert runs == [Ran(golden(), RESULT) if error is None else Ran(golden(), error=error)] * 2
    assert replays[0] == replays[1]
    assert len(replays[0][0]) == len(golden())


def test_what_was_flushed_is_read_while_it_goes_on(tmp_path: Path) -> None:
    """By this process as by others; then by whoever follows it."""
    path = tmp_path / "x.jsonl"
    frames = observed("long", path)
    for _ in range(20):
        next(frames)
    otelstream.flush(30)
    with recorder.open(path) as recording:
        tail = recorder.Tail(recording)
        before = (recording.session().state, len(tail.newest(100)))
        list(frames)
        after = (len(list(tail.since())), recording.session().state)

    assert (before, after) == (("recording", 20), (40, "completed"))


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Round, Path]]:
    """Processes that were killed, and what they left."""
    folder = tmp_path_factory.mktemp("crashes")
    tasks = [Round(**{**vars_of(each), "folder": str(folder / str(at))}) for at, each in enumerate(ROUNDS)]
    for task in tasks:
        Path(task.folder).mkdir()
    told = subprocess.run(
        [sys.executable, "-m", "tests.e2e.programs.crashing"],
        input=b"".join(task.line() for task in tasks),
        env=environment(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert (told.stdout.split(), told.stderr) == ([b"-9"] * len(tasks), b"")
    return [(task, Path(task.folder, "x.jsonl")) for task in tasks]


def vars_of(task: Round) -> dict[str, Any]:
    """The fields of a round."""
    fields: dict[str, Any] = json.loads(task.line())
    return fields


def test_no_acknowledged_frame_is_lost(crashes: list[tuple[Round, Path]]) -> None:
    """A process that is killed leaves at least what `flush` said is safe, as a prefix of what it emitted."""
    lost, wrong, acknowledged = [], [], 0
    for task, path in crashes:
        journal, kept = Journal(Path(task.folder, "journal")), kept_in(path)
        for lane in range(LANES):
            names = [name for name in kept if name.startswith(f"{task.name}{lane}.")]
            acknowledged += journal.acknowledged(lane)
            if sum(len(kept[name][1]) for name in names) < journal.acknowledged(lane):
                lost.append((task, lane))
        wrong += [
            name for name, (_, lines) in kept.items() if lines != made_json(name, len(lines), task.dump_chars)
        ]

    assert (lost, wrong, acknowledged > 0) == ([], [], True)


def test_a_session_without_its_end_has_crashed(crashes: list[tuple[Round, Path]]) -> None:
    """Before anybody writes the file again, and afterwards."""
    seen: set[str] = set()
    for _, path in crashes:
        before = {name: state for name, (state, _) in kept_in(path).items()}
        list(observed("next", path))
        after = {name: state for name, (state, _) in kept_in(path).items()}
        assert after == {**before, "next": "completed"}
        seen.update(before.values())

    assert "crashed" in seen  # where sessions are short a kill may find none that goes on


@dataclass(frozen=True)
class Fault:
    """What a program says in whose recording something went wrong, and what is left."""

    name: str
    told: dict[str, Any]
    file: Path


@pytest.fixture(scope="module", params=["limit", "no directory", "no file", "another file"])
def fault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fault:
    """A text recording that meets a fault in the middle: no more room, or it is removed or replaced."""
    folder = tmp_path_factory.mktemp("fault") / "d"
    folder.mkdir()
    arguments = ["-W", "ignore", "-m", "tests.e2e.programs.filling", request.param, str(folder / "x.jsonl")]
    done = run_python(arguments, tmp_path_factory.mktemp("cwd"))
    assert done.returncode == 0, done.stderr
    return Fault(request.param, json.loads(done.stdout), folder / "x.jsonl")


def test_a_fault_of_the_disk_is_counted_and_said_once(fault: Fault) -> None:
    """The program gets its frames and results; what was committed stays, and no line is torn."""
    stored = FAULT_AT
    if fault.name == "limit":
        ((state, lines),) = kept_in(fault.file).values()
        stored = len(lines)
        assert (state, stored >= FAULT_AT, fault.file.read_bytes()[-1:]) == ("crashed", True, b"\n")
    told = fault.told

    assert (told["whole"], told["results"]) == (True, [FILLED] * 2)
    assert told["losses"] == {"recording": 2 * FRAMES - stored}
    assert [str(fault.file) in line for line in told["said"]] == [True]
    if fault.name == "another file":
        assert fault.file.read_text() == "not ours"


def test_a_file_that_somebody_else_writes_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No session is delayed by it, and none is lost."""
    caplog.set_level(logging.WARNING, "otelstream")
    path = tmp_path / "x.jsonl"
    list(observed("before", path))
    with somebody(WRITES, path):
        for name in ("first", "second"):
            list(observed(name, path))
        meanwhile = dict(otelstream.losses())
    flushed = otelstream.flush(30)

    assert (meanwhile, flushed, dict(otelstream.losses())) == ({}, True, {})
    assert kept_in(path) == {
        name: ("completed", made_json(name, 60)) for name in ("before", "first", "second")
    }
    assert caplog.messages == [
        f"{path} is being written by another process; try a file of its own. Frames are kept until it is"
        " free, as far as there is room."
    ]


def test_sessions_at_the_same_time_share_a_file(tmp_path: Path) -> None:
    """Each is whole, though their lines alternate."""
    path = tmp_path / "x.jsonl"
    runs = [observed(name, path) for name in ("one", "two", "three")]
    for number in range(60):
        for run in runs:
            next(run)
        if number % 20 == 0:
            otelstream.flush(30)
    for run in runs:
        assert list(run) == []

    assert kept_in(path) == {name: ("completed", made_json(name, 60)) for name in ("one", "two", "three")}
    assert sum(line.startswith(b'{"session":') for line in path.read_bytes().splitlines()) > 3


def test_a_fork_leaves_the_file_to_its_parent(tmp_path: Path) -> None:
    """The child records into a file of its own, and nothing of it comes into that of the parent."""
    done = run_python(["-W", "ignore", "-c", FORKS], tmp_path)

    assert (done.returncode, done.stdout.decode()) == (0, "0 {}\n")
    assert kept_in(tmp_path / "x.jsonl") == {"parent": ("completed", made_json("parent", 60))}
    assert kept_in(tmp_path / "y.jsonl") == {"child": ("completed", made_json("child", 60))}


def test_another_file_is_not_written(tmp_path: Path) -> None:
    """Frames for lines that are no recording are counted as lost, and the lines stay as they are."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"tea":"green"}\n')
    list(observed("lost", path))

    assert (dict(otelstream.losses()), path.read_text()) == ({"recording": 60}, '{"tea":"green"}\n')
    assert os.listdir(tmp_path) == ["x.jsonl"]
