"""Reading: sessions and frames, also while they are being written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

import otelstream
import recorder
from otelstream.frame import Outcome
from recorder.batches import FIRST_FRAMES
from recorder.reader import Recording
from recorder.writer import Writer
from tests.contract.programs import Sync, consume, frame, json_of, stream
from tests.recorder.recordings import record, writing
from tests.recorder.test_database import held_by_another_process
from tests.recorder.test_listing import IDS, end, four, start

__all__ = ["four"]  # a fixture

ROOT = Path(__file__).parents[2]


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


def test_a_long_session_is_read_in_batches(tmp_path: Path) -> None:
    """Frames come in order and complete across the batches that are read."""
    path = tmp_path / "run.duckdb"
    frames = [frame(number) for number in range(5 * FIRST_FRAMES + 1)]
    with writing(path) as writer:
        record(writer, 0, frames)
    recording = recorder.open(path)

    assert json_of(recording.frames(recording.session())) == json_of(frames)


def test_a_part_of_a_session_with_its_offsets(tmp_path: Path) -> None:
    """A batch says where it begins, and when each of its frames arrived; what comes later is not read."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        record(writer, 0, [frame(number) for number in range(FIRST_FRAMES + 10)])
    with recorder.open(path) as recording:
        found = list(recording.batches(recording.session(), 3, FIRST_FRAMES + 5))
        seen = [(each.first, list(each.offsets_ns), [frame.seq for frame in each.frames]) for each in found]

    parts = [range(3, FIRST_FRAMES + 3), range(FIRST_FRAMES + 3, FIRST_FRAMES + 5)]
    assert seen == [(part[0], [1_000 * number for number in part], list(part)) for part in parts]


def test_the_outcome_of_a_session(four: Recording) -> None:
    """How it ended, in the words in which its spans are closed."""
    session = replace(four.session(0), end=end(0, "failed"), state="failed")

    assert session.outcome == Outcome(
        "failed", 1_795_163_460_000_000_000, "shop.errors.Rejected", "nul \0 and ümlaut"
    )


def crashed(path: Path, frames: int) -> Path:
    """A recording of a session that has no end, although nobody writes it."""
    writer = Writer(path)
    writer.begin(start(0))
    for number in range(frames):
        writer.add(IDS[0], number, 0, frame(number))
    writer.flush()
    writer.close()
    return path


@pytest.mark.parametrize(
    ("frames", "ended_ns"), [(1, 1_795_132_800_000_000_000), (2, 1_795_132_800_000_001_000), (0, 0)]
)
def test_a_crashed_session_ended_with_its_last_frame(frames: int, ended_ns: int, tmp_path: Path) -> None:
    """Without a recorded end, the last that is known is the last frame."""
    session = recorder.open(crashed(tmp_path / "run.duckdb", frames)).session()

    assert (session.state, session.frame_count, session.outcome) == (
        "crashed",
        frames,
        Outcome("cut", ended_ns),
    )


def test_a_crashed_session_is_the_same_in_a_list(tmp_path: Path) -> None:
    """All sessions together are told of as each of them is."""
    recording = recorder.open(crashed(tmp_path / "run.duckdb", 2))

    assert recording.sessions() == [recording.session()]


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
    """A reader beside a writer in one process can go on when the session ends, and sees what it saw."""
    path = tmp_path / "run.duckdb"
    with (
        being_recorded(path) as session,
        recorder.open(path) as recording,
        recording.connection() as connection,
    ):
        consume(session)

        assert connection.execute("SELECT count(*) FROM frames").fetchall() == [(3,)]


@pytest.mark.parametrize("act", ["DROP TABLE stored_frames", "DELETE FROM header", "COPY frames TO 'x.csv'"])
def test_a_query_changes_nothing_of_what_this_process_writes(act: str, tmp_path: Path) -> None:
    """Whoever queries a recording beside its writer cannot break it."""
    path = tmp_path / "run.duckdb"
    with being_recorded(path), recorder.open(path) as recording:
        with recording.connection() as connection, pytest.raises(duckdb.Error):
            connection.execute(act)

        assert len(list(recording.frames(recording.session()))) == 3


def test_a_wrong_query_is_no_damage(four: Recording) -> None:
    """An error of the query is DuckDB's own, and says nothing of the file."""
    with pytest.raises(duckdb.CatalogException), four.connection() as connection:
        connection.execute("FROM nothing")


def test_an_error_of_the_program_stays_its_own(four: Recording) -> None:
    """What a program raises while it reads is not told as something about the file."""
    with pytest.raises(ValueError, match=r"^mine$"), four.connection():
        raise ValueError("mine")


def test_reading_beside_the_writer_leaves_its_lock(tmp_path: Path) -> None:
    """After this process has copied the file that it writes, no other one can open it for writing."""
    script = """if True:
        import sys, duckdb
        try:
            duckdb.connect(sys.argv[1])
        except duckdb.IOException as error:
            print("Conflicting lock" in str(error))
    """
    path = tmp_path / "run.duckdb"
    with being_recorded(path):
        with recorder.open(path) as recording, recording.connection():
            pass
        seen = elsewhere(script, path)

    assert seen == "True"


def test_a_recording_that_was_live_is_not_for_ever(tmp_path: Path) -> None:
    """When the writer in this process has closed the file, a reader that was open before says so."""
    path = tmp_path / "run.duckdb"
    with being_recorded(path):
        recording = recorder.open(path)
        before = (recording.session().state, recording.live)

    assert (before, recording.session().state, recording.live) == (("recording", True), "completed", False)


def test_a_half_read_recording_goes_on_while_another_process_writes_it(tmp_path: Path) -> None:
    """A writer that comes between two batches holds the file, so that the rest is read from a copy."""
    path = tmp_path / "run.duckdb"
    frames = [frame(number) for number in range(FIRST_FRAMES + 1)]
    consume(otelstream.observe(stream(frames), record=path, redact=False))
    recording = recorder.open(path)
    iterator = recording.frames(recording.session())
    first = next(iterator)
    with held_by_another_process(path):
        rest = list(iterator)

    assert json_of([first, *rest]) == json_of(frames)


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
