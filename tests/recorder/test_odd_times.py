"""Frames of the first and the last years of the calendar: whoever asks for times gets an answer."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import recorder
from otelstream.frame import StreamFrame
from recorder.tail import Tail
from tests.contract.programs import frame
from tests.recorder.recordings import change, record, writing

MOMENTS = [
    datetime(1, 1, 1, tzinfo=timezone.utc),
    datetime(1, 1, 1, 0, 0, 0, 7, tzinfo=timezone.utc),
    datetime(2026, 5, 1, tzinfo=timezone.utc),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc),
]


def frames() -> list[StreamFrame]:
    """Tokens of one call, centuries apart."""
    return [frame(number, timestamp=moment) for number, moment in enumerate(MOMENTS)]


def test_a_gap_of_centuries_is_unknown(tmp_path: Path) -> None:
    """The view `tokens` counts nanoseconds, as far as 64 bits have them."""
    with writing(tmp_path / "run.duckdb") as writer:
        record(writer, 0, frames())
    with recorder.open(tmp_path / "run.duckdb") as recording:
        rows = recording.sql("SELECT gap_ns FROM tokens ORDER BY ordinal").rows()

    assert rows == [(None,), (7_000,), (None,), (None,)]


def test_every_view_takes_any_time(tmp_path: Path) -> None:
    """None of them breaks over a time that nanoseconds cannot tell."""
    with writing(tmp_path / "run.duckdb") as writer:
        record(writer, 0, frames())
    with recorder.open(tmp_path / "run.duckdb") as recording:
        views = recording.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").rows()
        for (view,) in views:
            recording.sql(f"FROM {view}").rows()

    assert len(views) > 8


def test_a_session_of_any_time_is_followed(tmp_path: Path) -> None:
    """A start may be made up from a first frame (`recover`), so it may be anywhere."""
    with writing(tmp_path / "run.duckdb") as writer:
        record(writer, 0, frames())
    change(tmp_path / "run.duckdb", "UPDATE session_starts SET started_at = '0001-01-01'")
    with recorder.open(tmp_path / "run.duckdb") as recording:
        newest = [seen.frame.id for seen in Tail(recording).newest(2)]

    assert newest == ["frame-2", "frame-3"]
