"""Of several records of one session the most complete is taken, and what only another has is told."""

from __future__ import annotations

from pathlib import Path

import recorder
from otelstream.bridge.masking import mask
from otelstream.bridge.merging import merge
from otelstream.redact import Redactor
from tests.conftest import frames_of
from tests.recorder.recordings import content, record, session_id, tokens, writing


def two(folder: Path, first: int, second: int) -> None:
    """Two records of one session that has no end, with so many frames."""
    for name, count in (("a", first), ("b", second)):
        with writing(folder / f"{name}.duckdb") as writer:
            record(writer, 0, tokens(count), None)


def test_of_unfinished_sessions_the_longer_record_is_taken(tmp_path: Path) -> None:
    """Whatever its name, in a merge and in a view over both."""
    two(tmp_path, 20, 25)
    with recorder.open(tmp_path) as recording:
        seen = [each.frame_count for each in recording.sessions()]
    merged = merge([tmp_path], tmp_path / "out" / "all.duckdb")

    assert (seen, merged.frames, merged.conflicts) == ([25], 25, [])


def test_what_only_the_other_record_holds_is_a_conflict(tmp_path: Path) -> None:
    """One of them is taken, and the other one is named."""
    with writing(tmp_path / "a.duckdb") as writer:
        record(writer, 0, frames_of("05_crew_two_agents_tools"))
    with writing(tmp_path / "b.duckdb") as writer:
        record(writer, 0, tokens(5))
    merged = merge([tmp_path], tmp_path / "out" / "all.duckdb")

    assert merged.conflicts == merged.skipped == [(str(session_id(0)), tmp_path / "b.duckdb")]


def test_a_masked_copy_is_taken_before_its_original(tmp_path: Path) -> None:
    """Secrets that somebody masked do not come back."""
    with writing(tmp_path / "a.duckdb") as writer:
        record(writer, 0, frames_of("05_crew_two_agents_tools"))
    mask(tmp_path / "a.duckdb", tmp_path / "b.duckdb", Redactor())
    merged = merge([tmp_path], tmp_path / "out" / "all.duckdb")

    assert (merged.skipped, merged.conflicts) == ([(str(session_id(0)), tmp_path / "a.duckdb")], [])
    assert content(tmp_path / "out" / "all.duckdb") == content(tmp_path / "b.duckdb")
