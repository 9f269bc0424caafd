"""Reading: which session is meant, what state it is in, also while it is being written."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.frame import Outcome
from recorder.reader import BATCH_FRAMES, Recording, Selector
from recorder.session_row import SessionEnd, SessionStart
from recorder.writer import Writer
from tests.contract.programs import Sync, consume, frame, json_of, stream
from tests.recorder.test_writer import END, START

ROOT = Path(__file__).parents[2]
IDS = [uuid.UUID(f"0190000{number}-0000-7000-8000-00000000000{number}") for number in range(4)]
NAMES = ["Orders", "Chat", "Orders", None]
ENDED = datetime(2026, 11, 20, 8, 31, tzinfo=timezone.utc)


def start(number: int) -> SessionStart:
    """The start of a session; its id says its number."""
    return replace(START, session_id=IDS[number], name=NAMES[number])


def end(number: int, state: str = "completed") -> SessionEnd:
    """Its end."""
    return replace(END, session_id=IDS[number], state=state, frame_count=1)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """A recording of four sessions with two names, the last without one."""
    path = tmp_path_factory.mktemp("four") / "four.duckdb"
    writer = Writer(path)
    for number in range(4):
        writer.begin(start(number))
        writer.add(IDS[number], 0, 0, frame(number))
        writer.end(end(number))
    writer.flush()
    writer.close()
    with recorder.open(path) as recording:
        yield recording


@contextmanager
def being_recorded(path: Path, frames: int = 3) -> Iterator[Sync]:
    """A session that this process is recording and that has given its first frames, committed."""
    session = otelstream.observe(stream([frame(number) for number in range(frames + 1)]), record=path)
    iterator = iter(session)
    for _ in range(frames):
        next(iterator)
    otelstream.flush()
    yield session
    consume(session)


def elsewhere(script: str, path: Path) -> str:
    """What another process prints."""
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def test_sessions_come_oldest_first(four: Recording) -> None:
    """Sessions are listed in the order of their start, with their index."""
    sessions = four.sessions()

    assert [(session.index, session.start.session_id) for session in sessions] == list(enumerate(IDS))


def test_sessions_that_begin_together_come_oldest_first(tmp_path: Path) -> None:
    """Sessions that begin within a millisecond are in the order of their start, too."""
    path = tmp_path / "run.duckdb"
    numbers = [str(number) for number in range(20)]
    sessions = [otelstream.observe(stream([frame(0)]), record=path, entry_point=number) for number in numbers]
    iterators = [iter(session) for session in sessions]
    for iterator in iterators:
        next(iterator)
    for iterator in iterators:
        list(iterator)

    assert [session.start.entry_point for session in recorder.open(path).sessions()] == numbers


@pytest.mark.parametrize(
    ("selector", "number"),
    [
        ("last", 3),
        (0, 0),
        (3, 3),
        (-1, 3),
        (-4, 0),
        ("1", 1),
        ("-2", 2),
        (IDS[1], 1),
        (str(IDS[1]), 1),
        (str(IDS[1]).upper(), 1),
        (str(IDS[2])[:13], 2),
        ("01900001", 1),
        ("Chat", 1),
        ("Orders", 2),
    ],
)
def test_a_session_is_found(four: Recording, selector: Selector, number: int) -> None:
    """By `last`, an index from either end, an id or the beginning of one, or a name (the newest of it)."""
    assert four.session(selector).start.session_id == IDS[number]


@pytest.mark.parametrize(
    "selector",
    [
        *(4, -5, "4", "-5", "--1", "-", "²", "orders", "Order", "019", str(IDS[0]) + "0", uuid.UUID(int=0)),
    ],
)
def test_a_session_that_is_not_there(four: Recording, selector: Selector) -> None:
    """An unknown or ambiguous selector is an error that names file, selector and how to list them."""
    with pytest.raises(recorder.SessionNotFoundError) as raised:
        four.session(selector)

    assert str(raised.value) == (
        f"{four.path} has no session {str(selector)!r}; `otelstream ls {four.path}` lists its 4,"
        " by index, id and name."
    )


def test_a_recording_without_sessions(tmp_path: Path) -> None:
    """A file that was made and never recorded into says so."""
    path = tmp_path / "empty.duckdb"
    Writer(path).close()
    with pytest.raises(recorder.SessionNotFoundError) as raised:
        recorder.open(path).session()

    assert str(raised.value) == f"{path} holds no session; record one first."


def test_a_long_session_is_read_in_batches(tmp_path: Path) -> None:
    """Frames come in order and complete across the batches that are read."""
    path = tmp_path / "run.duckdb"
    frames = [frame(number) for number in range(2 * BATCH_FRAMES + 1)]
    consume(otelstream.observe(stream(frames), record=path, redact=False))
    recording = recorder.open(path)

    assert json_of(recording.frames(recording.session())) == json_of(frames)


def test_the_outcome_of_a_session(four: Recording) -> None:
    """How it ended, in the words in which its spans are closed."""
    session = replace(four.session(0), end=end(0, "failed"), state="failed")

    assert session.outcome == Outcome(
        "failed", 1_795_163_460_000_000_000, "shop.errors.Rejected", "nul \0 and ümlaut"
    )


def test_a_crashed_session_ended_with_its_last_frame(four: Recording) -> None:
    """Without a recorded end, the last that is known is the last frame."""
    session = replace(four.session(0), state="crashed", end=None)

    assert session.outcome == Outcome("cut", 1_795_132_800_000_000_000)


def test_a_session_without_frames_is_a_session(tmp_path: Path) -> None:
    """A run that gave no frame is recorded with its result."""
    consume(otelstream.observe(stream([], "nothing"), record=tmp_path / "run.duckdb"))
    session = recorder.replay(tmp_path / "run.duckdb")

    assert (list(session), session.result) == ([], "nothing")


def test_a_session_is_recording_while_this_process_writes_it(tmp_path: Path) -> None:
    """What was committed can be read beside the writer, and the session has no end yet."""
    path = tmp_path / "run.duckdb"
    with being_recorded(path), recorder.open(path) as recording:
        session = recording.session()
        seen = (recording.live, session.state, session.end, json_of(recording.frames(session)))

    assert seen == (True, "recording", None, json_of([frame(0), frame(1), frame(2)]))


def test_a_session_is_recording_while_another_process_writes_it(tmp_path: Path) -> None:
    """Another process reads a copy, and sees the same."""
    script = """if True:
        import sys, recorder
        with recorder.open(sys.argv[1]) as recording:
            session = recording.session()
            frames = [frame.seq for frame in recording.frames(session)]
            print(recording.live, session.state, session.end, frames, recording.path)
    """
    path = tmp_path / "run.duckdb"
    with being_recorded(path):
        seen = elsewhere(script, path)

    assert seen == f"True recording None [0, 1, 2] {path}"


def test_the_copy_of_a_live_recording_is_removed(tmp_path: Path) -> None:
    """Closing a recording that was read from a copy leaves nothing in the temporary folder."""
    script = """if True:
        import os, sys, tempfile, recorder
        tempfile.tempdir = os.path.dirname(sys.argv[1])
        before = sorted(os.listdir(tempfile.tempdir))
        with recorder.open(sys.argv[1]):
            during = sorted(os.listdir(tempfile.tempdir))
        print(len(during) - len(before), sorted(os.listdir(tempfile.tempdir)) == before)
    """
    path = tmp_path / "run.duckdb"
    with being_recorded(path):
        assert elsewhere(script, path) == "1 True"


def test_a_live_session_is_replayed_as_far_as_it_is(tmp_path: Path) -> None:
    """The replay of a run that goes on ends as if it had been cancelled."""
    path = tmp_path / "run.duckdb"
    with being_recorded(path):
        session = recorder.replay(path)
        frames = json_of(session)

    assert (frames, session.is_cancelled) == (json_of([frame(0), frame(1), frame(2)]), True)


def test_a_finished_session_is_not_live(tmp_path: Path) -> None:
    """After the last session ended nobody writes the file."""
    path = tmp_path / "run.duckdb"
    with being_recorded(path):
        pass

    assert recorder.open(path).live is False


def test_a_finished_session_beside_a_live_one_keeps_its_state(tmp_path: Path) -> None:
    """Only the session without an end is being recorded."""
    path = tmp_path / "run.duckdb"
    consume(otelstream.observe(stream([frame(0)]), record=path))
    with being_recorded(path):
        states = [session.state for session in recorder.open(path).sessions()]

    assert states == ["completed", "recording"]


def test_a_recording_is_read_while_it_is_queried(four: Recording) -> None:
    """Two readers in one process do not disturb each other."""
    with four.connection():
        assert len(four.sessions()) == 4


def test_threads_replay_one_recording(four: Recording) -> None:
    """A test suite or a server may replay the same file in several threads at once."""
    with ThreadPoolExecutor(4) as pool:
        replayed = list(pool.map(lambda _: json_of(consume(recorder.replay(four.path))), range(20)))

    assert replayed == [json_of([frame(3)])] * 20


def test_a_query_outlives_the_writer(tmp_path: Path) -> None:
    """A reader beside a writer in one process can go on when the session ends."""
    path = tmp_path / "run.duckdb"
    with (
        being_recorded(path) as session,
        recorder.open(path) as recording,
        recording.connection() as connection,
    ):
        consume(session)

        assert connection.execute("SELECT count(*) FROM frames").fetchall() == [(4,)]


@pytest.mark.parametrize("way", ["symlink", "dots"])
def test_a_recording_is_read_by_another_name_while_it_is_written(way: str, tmp_path: Path) -> None:
    """A live recording of this process can be read by any path that leads to it."""
    path = tmp_path / "run.duckdb"
    if way == "symlink":
        other = tmp_path / "link.duckdb"
        other.symlink_to(path)
    else:
        other = tmp_path / ".." / tmp_path.name / path.name
    with being_recorded(path):
        assert recorder.open(other).session().state == "recording"
