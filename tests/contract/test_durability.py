"""What a recording promises to a process that dies: acknowledged frames are there, and the file opens."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import otelstream
import recorder
from recorder.writer import Writer
from tests.contract.programs import frame, stream

ROOT = Path(__file__).parents[2]

CHILD = """
import sys
import otelstream
from recorder import StreamSession
from tests.contract.programs import frame

def frames():
    number = 0
    while True:
        yield frame(number)
        number += 1

for each in otelstream.observe(StreamSession(sync_iterator=frames()), record=sys.argv[1]):
    if each.seq % 100 == 99:
        assert otelstream.flush()
        print(each.seq + 1, flush=True)
"""


@pytest.fixture
def killed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    """A recording whose process was killed at some moment, and how many frames it had been told are safe."""
    path = tmp_path / "run.duckdb"
    moment = random.Random(request.param)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(moment.randint(1, 8))]
        threading.Event().wait(moment.random() / 10)
        child.kill()
        told += [line for line in child.stdout if line.endswith("\n")]
    return path, int(told[-1])


@pytest.mark.parametrize("killed", range(5), indirect=True)
def test_a_kill_loses_no_acknowledged_frame(killed: tuple[Path, int]) -> None:
    """After SIGKILL the file holds a prefix of the frames, at least as long as what `flush` said is safe."""
    path, acknowledged = killed
    with recorder.open(path) as recording:
        session = recording.session()
        numbers = [each.seq for each in recording.frames(session)]

    assert (session.state, numbers, len(numbers) >= acknowledged) == (
        "crashed",
        list(range(len(numbers))),
        True,
    )


@pytest.mark.parametrize("killed", [5], indirect=True)
def test_a_later_writer_marks_a_crashed_session(killed: tuple[Path, int]) -> None:
    """Whoever opens the file for writing next writes down that the session has no end."""
    path, _ = killed
    with recorder.open(path) as recording:
        before = recording.session()
    Writer(path).close()
    with recorder.open(path) as recording:
        end = recording.session().end

    assert end is not None
    assert (end.state, end.frame_count, end.result, end.error) == ("crashed", before.frame_count, None, None)


@pytest.mark.parametrize("killed", [6], indirect=True)
def test_a_crashed_session_is_replayed_up_to_the_cut(killed: tuple[Path, int]) -> None:
    """The replay of a killed run yields what there is, then says that it was cancelled and has no result."""
    session = recorder.replay(killed[0])
    numbers = [each.seq for each in session]

    assert (numbers, session.is_cancelled) == (list(range(len(numbers))), True)
    with pytest.raises(RuntimeError, match="No result available"):
        _ = session.result


EXIT = """
import sys
import otelstream
from recorder import StreamSession
from tests.contract.programs import frame

observed = otelstream.observe(StreamSession(sync_iterator=iter([frame(0), frame(1)])), record=sys.argv[1])
frames = observed.events
next(frames)
sys.exit()
"""


def test_a_process_that_exits_leaves_a_finished_recording(tmp_path: Path) -> None:
    """A session that is open at the end of the program is ended and committed then."""
    path = tmp_path / "run.duckdb"
    subprocess.run([sys.executable, "-c", EXIT, str(path)], check=True, cwd=ROOT)
    with recorder.open(path) as recording:
        session = recording.session()

    assert (session.state, session.frame_count) == ("cancelled", 1)


def test_a_session_that_is_forgotten_leaves_a_finished_recording(tmp_path: Path) -> None:
    """A program that leaves the loop and drops the session without closing it has a recording up to there."""
    path = tmp_path / "run.duckdb"
    for _ in otelstream.observe(stream([frame(0), frame(1)]), record=path):
        break
    gc.collect()
    otelstream.flush()
    with recorder.open(path) as recording:
        session = recording.session()

    assert (recording.live, session.state, session.frame_count) == (False, "cancelled", 1)
