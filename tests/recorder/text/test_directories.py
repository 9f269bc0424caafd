"""Directories and patterns that hold recordings of both forms, and files that are neither."""

from __future__ import annotations

from pathlib import Path

import pytest

import recorder
from otelstream.errors import RecordingError
from otelstream.frame import frame_json
from recorder.tail import Tail
from tests.contract.programs import frame
from tests.recorder.recordings import record, session_id, tokens, writing
from tests.recorder.text.made import text_of, written
from tests.recorder.text.test_reading import NO_HEADER


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A directory with a text recording, a database, and lines of frames."""
    folder = tmp_path / "runs"
    (folder / "day").mkdir(parents=True)
    with writing(folder / "day" / "b.duckdb") as writer:
        record(writer, 1, tokens(2))
    written(folder / "a.jsonl", 3)
    (folder / "frames.jsonl").write_text(frame_json(frame()) + "\n")
    return folder


def test_a_directory_of_both_forms_is_one_recording(mixed: Path) -> None:
    """Sessions come by their start; what is no recording is left out with a reason."""
    with recorder.open(mixed) as recording:
        found = [
            (each.file.name, each.index, len(list(recording.frames(each)))) for each in recording.sessions()
        ]
        skipped = recording.skipped

    assert found == [("a.jsonl", 0, 3), ("b.duckdb", 1, 2)]
    assert skipped == [(mixed / "frames.jsonl", NO_HEADER.format(path=mixed / "frames.jsonl"))]


def test_sql_sees_both(mixed: Path) -> None:
    """With the file that each row is of."""
    with recorder.open(mixed) as recording:
        rows = recording.sql("SELECT file, count(*) FROM frames GROUP BY file ORDER BY file").rows()

    assert rows == [(str(mixed / "a.jsonl"), 3), (str(mixed / "day" / "b.duckdb"), 2)]


def test_a_session_that_both_have_appears_once(tmp_path: Path) -> None:
    """The more complete record of it counts, for SQL as well."""
    with writing(tmp_path / "x.duckdb") as writer:
        record(writer, 0, tokens(2), None)
    written(tmp_path / "x.jsonl", 3)
    with recorder.open(tmp_path) as recording:
        found = [(each.file.name, each.frame_count) for each in recording.sessions()]
        rows = recording.sql("SELECT count(*) FROM frames").rows()

    assert (found, rows) == ([("x.jsonl", 3)], [(3,)])


def test_a_pattern_takes_text(mixed: Path) -> None:
    """What it matches and has no header is left out."""
    with recorder.open(mixed / "*.jsonl") as recording:
        found = [each.file.name for each in recording.sessions()]

    assert (found, len(recording.skipped)) == (["a.jsonl"], 1)


def test_an_empty_file_is_left_alone(mixed: Path) -> None:
    """It may be anybody's; a recording that begins is found when it has begun."""
    (mixed / "new.jsonl").touch()
    with recorder.open(mixed) as recording:
        why = dict(recording.skipped)[mixed / "new.jsonl"]
        (mixed / "new.jsonl").write_bytes(text_of(3, 1))
        changed = recording.refresh()
        found = [each.file.name for each in recording.sessions()]

    assert why == f"{mixed / 'new.jsonl'} is empty, so no recording yet."
    assert (mixed / "new.jsonl" in changed, found) == (True, ["a.jsonl", "b.duckdb", "new.jsonl"])


def test_a_damaged_one_of_many_is_left_out(mixed: Path) -> None:
    """With the line that is damaged."""
    (mixed / "c.jsonl").write_bytes(text_of(2, 1).replace(b'"outcome":"completed"', b'"outcome":7'))
    with recorder.open(mixed) as recording:
        found = [each.file.name for each in recording.sessions()]
        why = dict(recording.skipped)[mixed / "c.jsonl"]

    assert found == ["a.jsonl", "b.duckdb"]
    assert why.startswith(f"{mixed / 'c.jsonl'} is damaged: line 3: outcome is 7")


def test_a_directory_without_any_recording(tmp_path: Path) -> None:
    """Says what it looked for."""
    with pytest.raises(RecordingError) as raised:
        recorder.open(tmp_path)

    assert str(raised.value) == f"{tmp_path} holds no recording (*.duckdb, *.jsonl); check the path."


def test_a_tail_follows_both(mixed: Path) -> None:
    """Each frame is given once: those that are there, and those that are added to the text."""
    with recorder.open(mixed) as recording:
        tail = Tail(recording)
        newest = [seen.frame.seq for seen in tail.newest(4)]
        with (mixed / "a.jsonl").open("ab") as file:
            file.write(text_of(2, 2, None))
        first = [(seen.session.id, seen.frame.seq) for seen in tail.since()]
        again = list(tail.since())

    assert (newest, first, again) == (
        [1, 2, 0, 1],
        [(str(session_id(2)), 0), (str(session_id(2)), 1)],
        [],
    )
