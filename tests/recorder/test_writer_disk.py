"""What a writer does to the disk beside its commits: checkpoints in time, and nothing once it gave up."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

import pytest

import recorder
from otelstream.errors import RecordingError
from otelstream.testing import make_frame
from recorder import writer as writing
from recorder.session_row import SessionStart
from recorder.writer import Writer

START = SessionStart(
    session_id=uuid.UUID(int=7),
    started_at=datetime(2026, 11, 24),
    mode="sync",
    name=None,
    entry_point=None,
    conversation_id=None,
    recorded_as="x.duckdb",
    redacted=True,
    parent_trace_id=None,
    parent_span_id=None,
    parent_sampled=None,
    service_name=None,
    host="host",
    pid=1,
    otelstream_version="0",
    crewai_version=None,
    python_version="3",
)


def committed(path: Path) -> Writer:
    """Return a writer that has committed one frame."""
    writer = Writer(path)
    writer.begin(START)
    writer.add(START.session_id, 0, 0, make_frame("tick"))
    writer.flush()
    return writer


def wal_of(path: Path) -> Path:
    """Return the file in which DuckDB keeps what the recording does not hold yet."""
    return path.with_name(path.name + ".wal")


def stored(path: Path) -> int:
    """Return how many frames can be read."""
    with recorder.open(path) as recording:
        return recording.session("last").frame_count


def test_a_small_wal_is_left_as_it_is(tmp_path: Path) -> None:
    """A checkpoint rewrites a part of the file, so it is not made for a few frames."""
    writer = committed(tmp_path / "x.duckdb")
    before = wal_of(writer.path).stat().st_size
    writer.checkpoint()

    assert wal_of(writer.path).stat().st_size == before > 0
    writer.close()


def test_a_big_wal_is_moved_into_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed is in the file then, and the next commit begins a new WAL."""
    monkeypatch.setattr(writing, "CHECKPOINT_BYTES", 10)
    writer = committed(tmp_path / "x.duckdb")
    writer.checkpoint()

    assert not wal_of(writer.path).exists() or wal_of(writer.path).stat().st_size == 0
    writer.close()
    assert stored(tmp_path / "x.duckdb") == 1


def test_a_checkpoint_without_a_wal_does_nothing(tmp_path: Path) -> None:
    """A recording that nothing was committed to has none."""
    writer = Writer(tmp_path / "x.duckdb")
    writer.checkpoint()
    writer.close()


def test_an_abandoned_recording_keeps_its_wal(tmp_path: Path) -> None:
    """Nothing more is written where a commit failed; what was committed before is read from the WAL."""
    writer = committed(tmp_path / "x.duckdb")
    writer.close(abandoned=True)

    assert (wal_of(writer.path).exists(), stored(tmp_path / "x.duckdb")) == (True, 1)


@pytest.mark.parametrize("way", ["removed", "replaced"])
def test_nothing_goes_to_a_file_that_lost_its_name(way: str, tmp_path: Path) -> None:
    """DuckDB would write on, into a file that nobody finds."""
    path = tmp_path / "x.duckdb"
    writer = committed(path)
    path.rename(tmp_path / "elsewhere.duckdb")
    if way == "replaced":
        path.write_bytes(b"somebody else's")
    writer.add(START.session_id, 1, 0, make_frame("tick"))

    with pytest.raises(RecordingError, match="was removed or replaced while it was recorded"):
        writer.flush()
    writer.close(abandoned=True)


def test_a_killed_recording_is_appended_to(tmp_path: Path) -> None:
    """The next writer finds what the WAL holds, marks its session crashed, and goes on."""
    committed(tmp_path / "x.duckdb").close(abandoned=True)
    Writer(tmp_path / "x.duckdb").close()

    with recorder.open(tmp_path / "x.duckdb") as recording:
        (session,) = recording.sessions()
    assert (session.state, session.frame_count) == ("crashed", 1)
