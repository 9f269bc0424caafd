"""What is in a recording, and what is missing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from recorder.writer import Writer
from tests.dashboards.reports import Row, a_flow, ended, rows_of
from tests.recorder.recordings import change, end, session_id, start, thaw

NOTICED = datetime(2026, 11, 20, 9)


def lossy(path: Path, number: int, state: str | None, gaps: dict[str, int], commits: int = 1) -> None:
    """Record a session of four frames with such gaps; without a state it does not end."""
    writer = Writer(path)
    writer.begin(start(number))
    for ordinal, frame in enumerate(ended(a_flow()).frames):
        writer.add(session_id(number), ordinal, 0, frame)
        if ordinal < commits - 1:
            writer.flush()
    for reason, frames in gaps.items():
        writer.add_gap(session_id(number), frames, reason, NOTICED)
    if state is not None:
        dropped = sum(gaps.values())
        writer.end(session_id(number), end(4, state, frames_dropped=dropped, redactions={"key": 2, "url": 1}))
    writer.flush()
    writer.close()


def report(path: Path) -> list[Row]:
    """Without the moment of the last run."""
    return [row[:-1] for row in rows_of("recording_health", path)]


def test_losses_are_told_by_state_and_reason(tmp_path: Path) -> None:
    """The biggest first, over all sessions of a state."""
    path = tmp_path / "a.duckdb"
    lossy(path, 0, "completed", {"queue_full": 2, "redaction": 3})
    lossy(path, 1, "completed", {"queue_full": 9})
    lossy(path, 2, "failed", {})

    assert report(path) == [
        ("completed", 2, 2, 8, 14, 3, "queue_full 11, redaction 3", 2, 4.0, None, 6),
        ("failed", 1, 1, 4, 0, 0, None, 1, 4.0, None, 3),
    ]


def test_what_is_there_of_a_session_without_an_end_is_counted(tmp_path: Path) -> None:
    """Its frames, its commits and its losses, though no row sums them up."""
    lossy(tmp_path / "a.duckdb", 0, None, {"frame": 1}, commits=2)

    assert report(tmp_path / "a.duckdb") == [
        ("recording", 1, 1, 4, 1, 1, "frame 1", 2, 2.0, None, None),
    ]


@pytest.mark.parametrize("state", ["completed", None])
def test_files_of_a_directory_are_not_mixed_up(state: str | None, tmp_path: Path) -> None:
    """Sessions of two files have the same number there, and each its own losses and commits."""
    lossy(tmp_path / "a.duckdb", 0, "failed", {"queue_full": 2}, commits=3)
    lossy(tmp_path / "b.duckdb", 1, state, {})

    assert [(row[0], *row[3:9]) for row in sorted(report(tmp_path), key=str)] == sorted(
        [
            ("failed", 4, 2, 1, "queue_full 2", 3, 1.3),
            (state or "recording", 4, 0, 0, None, 1, 4.0),
        ],
        key=str,
    )


def test_where_frames_of_format_1_are_missing_is_unknown(tmp_path: Path) -> None:
    """It says how many they are and not where, which is not at no place."""
    path = thaw("format-1/finished", tmp_path)
    change(path, "UPDATE session_ends SET frames_dropped = 4 WHERE state = 'failed'")

    assert [(row[0], *row[4:7]) for row in report(path)] == [
        ("completed", 0, 0, None),
        ("cancelled", 0, 0, None),
        ("failed", 4, None, None),
    ]
