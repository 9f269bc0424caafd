"""A named recording that somebody else has open: no session waits for it, and what it cost is not lost."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

import otelstream
import recorder
from otelstream import bridge
from otelstream.frame import StreamFrame, frame_json
from recorder import StreamSession
from tests.e2e.programs.made import lane_of, made_json
from tests.e2e.runs import environment

FRAMES: Final = 60

READS: Final = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("has it", flush=True)
sys.stdin.read()
"""
WRITES: Final = READS.replace(", read_only=True", "")
ASKS: Final = """
import sys, recorder
with recorder.open(sys.argv[1]) as recording:
    rows = iter(recording.sql("FROM frames"))
    next(rows)
    print("has it", flush=True)
    sys.stdin.read()
"""


@contextmanager
def somebody(program: str, path: Path) -> Iterator[int]:
    """While another process has the recording open; gives its id."""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"has it\n"
            yield process.pid
        finally:
            process.stdin.close()


def observed(name: str, path: Path) -> Iterator[object]:
    """A session that is recorded."""
    session: StreamSession[None] = StreamSession(sync_iterator=lane_of(name, FRAMES))
    return iter(otelstream.observe(session, record=path))


def stored(path: Path) -> dict[str, list[str]]:
    """The frames of each session, by its name; all have their ends."""
    with recorder.open(path) as recording:
        return {
            f"{each.start.name} {each.state}": [frame_json(frame) for frame in recording.frames(each)]
            for each in recording.sessions()
        }


def expected(*names: str) -> dict[str, list[str]]:
    """The sessions as they should be."""
    return {f"{name} completed": made_json(name, FRAMES) for name in names}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recording that has a session."""
    list(observed("before", tmp_path / "x.duckdb"))
    return tmp_path / "x.duckdb"


@pytest.mark.parametrize(("program", "what"), [(READS, "read"), (WRITES, "written")])
def test_sessions_are_recorded_when_the_file_is_free(
    program: str, what: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They end at once, and one sentence says who has the file and that frames are kept."""
    caplog.set_level(logging.WARNING, "otelstream")
    with somebody(program, path) as pid:
        began = time.monotonic()
        for name in ("first", "second", "third"):
            list(observed(name, path))
        seconds = time.monotonic() - began
        meanwhile = dict(otelstream.losses())
    flushed = otelstream.flush(30)

    assert (meanwhile, flushed, dict(otelstream.losses()), seconds < 5) == ({}, True, {}, True)
    assert stored(path) == expected("before", "first", "second", "third")
    assert [line.partition(";")[0] for line in caplog.messages] == [
        f"{path} is being {what} by another process (PID {pid})"
    ]


def test_a_session_is_recorded_as_soon_as_the_file_is_free(path: Path) -> None:
    """From its first frame on, while it goes on."""
    with somebody(READS, path):
        frames = observed("long", path)
        for _ in range(FRAMES // 2):
            next(frames)
        kept = otelstream.flush(0.1)
    otelstream.flush(30)
    with recorder.open(path) as recording:
        then = (recording.session().state, recording.session().frame_count)
    list(frames)

    assert (kept, then) == (False, ("recording", FRAMES // 2))
    assert stored(path) == expected("before", "long")


def test_what_has_no_room_is_counted_and_a_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue's limit holds for what waits as well."""
    otelstream.shutdown(5)
    monkeypatch.setenv("OTELSTREAM_QUEUE_MB", "1")
    with somebody(READS, path):
        session: StreamSession[None] = StreamSession(sync_iterator=slowly("big", 200, 20_000))
        list(otelstream.observe(session, record=path))
        lost = dict(otelstream.losses())
    otelstream.flush(30)
    with recorder.open(path) as recording:
        last = recording.session()
        gaps = [(gap.frames, gap.reason) for gap in recording.gaps(last)]

    assert 0 < last.frame_count < 200
    assert (lost, gaps) == (
        {"recording": 200 - last.frame_count},
        [(200 - last.frame_count, "recording")],
    )


def slowly(name: str, count: int, dump_chars: int) -> Iterator[StreamFrame]:
    """Frames, each of which waits until the one before it has been taken."""
    for number, frame in enumerate(lane_of(name, count, dump_chars)):
        wide = {"data": {**frame.data, "text": "tea " * (dump_chars // 4)}}
        yield frame.model_copy(update=wide)
        if number % 20 == 0:
            until_taken()


def until_taken() -> None:
    """Wait until the pipeline has taken what was put into the queue."""
    pipeline = bridge._pipeline
    assert pipeline is not None
    while any(run.stream.waiting for run in pipeline._runs):
        time.sleep(0.005)


def test_what_is_kept_at_the_end_is_counted(path: Path) -> None:
    """A process that ends waits a little, and then says what it could not record."""
    with somebody(WRITES, path):
        list(observed("lost", path))
        ended = otelstream.shutdown(20)
        lost: Mapping[str, int] = dict(otelstream.losses())

    assert (ended, lost, stored(path)) == (True, {"recording": FRAMES}, expected("before"))


def test_a_query_of_another_process_keeps_nobody_from_writing(path: Path) -> None:
    """However slowly its rows are read: the session is committed when it ends."""
    with somebody(ASKS, path):
        list(observed("beside", path))
        seen = stored(path)

    assert seen == expected("before", "beside")


def test_a_query_of_this_process_keeps_it_from_nothing(path: Path) -> None:
    """The rows are those of the moment at which it was asked."""
    with recorder.open(path) as recording:
        rows = iter(recording.sql("FROM frames"))
        next(rows)
        list(observed("beside", path))
        rest = len(list(rows))

    assert (rest, stored(path)) == (FRAMES - 1, expected("before", "beside"))
