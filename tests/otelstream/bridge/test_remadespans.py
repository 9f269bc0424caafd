"""Spans of a recording are compared with those that its frames make."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

import otelstream
from otelstream.bridge.merging import merge
from otelstream.bridge.recovery import recover
from otelstream.bridge.remadespans import RemadeSpans
from otelstream.span.options import SpanOptions
from recorder.doctor import examine
from tests.conftest import frames_of
from tests.e2e.runs import session
from tests.e2e.test_user_rows import ROWS, frames
from tests.recorder.recordings import change, killed


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crew as it is recorded."""
    path = tmp_path_factory.mktemp("spans") / "run.duckdb"
    list(otelstream.observe(session(frames_of("05_crew_two_agents_tools")), record=path))
    return path


def told(path: Path) -> list[str]:
    """What is said of it."""
    return [f"{each.level}: {each.what}" for each in examine(path, compare=RemadeSpans).findings]


def differ(other: int, of: int, missing: int) -> str:
    """The warning."""
    return (
        f"warning: {other} of its {of} spans are not what its frames make, and {missing} that they make"
        " are missing (the frames are not concerned)"
    )


def test_what_was_recorded_is_what_frames_make(recording: Path, tmp_path: Path) -> None:
    """Of a recording, and of one that was recovered from a crash."""
    recover(killed(tmp_path / "run.duckdb"), tmp_path / "new.duckdb")

    assert told(recording) == []
    assert told(tmp_path / "new.duckdb") == ["warning: its process died"]


@pytest.mark.parametrize(
    ("change_of_one", "expected"),
    [
        ("parent_span_id = NULL WHERE operation = 'chat'", [differ(1, 16, 1)]),
        ("duration_ns = 1 WHERE operation = 'task'", [differ(1, 16, 1)]),
        (
            "input_tokens = 1 WHERE input_tokens IS NOT NULL",
            ["warning: its spans do not add up to what its end says of input_tokens", differ(1, 16, 1)],
        ),
    ],
)
def test_spans_that_somebody_changed_are_told(
    change_of_one: str, expected: list[str], recording: Path, tmp_path: Path
) -> None:
    """A warning that claims no loss of frames."""
    copy = Path(shutil.copy(recording, tmp_path / "run.duckdb"))
    which = change_of_one.partition("WHERE")[2]
    only = f"AND rowid = (SELECT min(rowid) FROM stored_spans WHERE {which})"
    change(copy, f"UPDATE stored_spans SET {change_of_one} {only}")

    assert told(copy) == expected


def test_spans_of_the_users_own_types_outlive_a_merge(tmp_path: Path) -> None:
    """Without the rows that made them they are copied; with them they are compared."""
    path, new = tmp_path / "run.duckdb", tmp_path / "new.duckdb"
    list(otelstream.observe(session(frames()), record=path, spans=SpanOptions(rows=ROWS)))
    merge([path], new)

    assert examine(new, compare=partial(RemadeSpans, ROWS)).findings == []
    assert told(new) == [
        "info: its spans are of frame types of the user's own: compared with OTELSTREAM_ROWS only"
    ]
