"""SQL on a text recording: a database is made of it for the time being."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest

import recorder
from otelstream.errors import RecordingError
from recorder.text.writer import TextWriter
from tests.conftest import frames_of
from tests.recorder.recordings import session_id
from tests.recorder.text.made import add, frames, text_of, written
from tests.recorder.text.test_conversion import EVERYTHING, recorded, rows_of
from tests.recorder.text.test_reading import put


def test_views_show_what_those_of_a_database_show(tmp_path: Path) -> None:
    """All of them, spans made of the frames among them."""
    sessions = [frames_of("04_crew_streaming"), frames_of("08_method_raises")]
    text = recorded(tmp_path / "x.jsonl", sessions)
    shown = rows_of(text, EVERYTHING)

    assert shown == rows_of(recorded(tmp_path / "x.duckdb", sessions), EVERYTHING)
    assert all(shown[view] for view in ("spans", "llm_calls", "messages"))


def test_a_session_that_goes_on_is_seen(tmp_path: Path) -> None:
    """As far as it is committed whenever somebody asks."""
    path = tmp_path / "x.jsonl"
    counts = []
    with closing(TextWriter(path)) as writer, recorder.open(path) as recording:
        answer = recording.sql(
            "SELECT state, count(*) FROM sessions JOIN frames USING (session_id) GROUP BY 1"
        )
        add(writer, 0, frames(2))
        counts += answer.rows()
        writer.add(session_id(0), 2, 2_000, frames(3)[2])
        writer.flush()
        counts += answer.rows()

    assert counts == [("recording", 2), ("recording", 3)]


def test_tables_that_are_out_of_date_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often somebody asks while the text grows, there is one database; whoever reads goes on."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    path = written(tmp_path / "x.jsonl", 2)
    with recorder.open(path) as recording:
        rows = iter(recording.sql("SELECT ordinal FROM frames ORDER BY ordinal"))
        first = next(rows)
        for number in (1, 2, 3):
            with path.open("ab") as file:
                file.write(text_of(number, 1))
            count = recording.sql("SELECT count(*) FROM sessions").rows()
        found = len(list((tmp_path / "temporary").glob("*/*/*.duckdb")))
        rest = list(rows)

    assert (first, rest, count, found) == ((0,), [(1,)], [(4,)], 1)


def test_a_session_that_has_crashed(tmp_path: Path) -> None:
    """Has an end that says so, and the spans that its frames make."""
    path = put(tmp_path / "x.jsonl", text_of(0, 2, None))
    with recorder.open(path) as recording:
        assert recording.sql("SELECT state, frame_count FROM sessions").rows() == [("crashed", 2)]


def test_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside the text nor where it was made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    path = written(tmp_path / "x.jsonl", 2)
    with recorder.open(path) as recording:
        recording.sql("FROM frames").rows()
        during = len(list(folder.iterdir()))

    assert (during, list(folder.iterdir())) == (1, [])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["temporary", "x.jsonl"]


def test_damage_is_told(tmp_path: Path) -> None:
    """With the line, not with a place in a database that nobody has seen."""
    path = put(tmp_path / "x.jsonl", text_of(0, 2).replace(b'"seq":1', b'"seq":"x"'))
    with recorder.open(path) as recording, pytest.raises(RecordingError) as raised:
        recording.sql("FROM frames").rows()

    assert str(raised.value).startswith(f"{path} is damaged: line 3: not a stream frame: seq: ")


def test_a_wrong_query_is_told(tmp_path: Path) -> None:
    """As of a database; it can reach nothing else either."""
    path = written(tmp_path / "x.jsonl", 1)
    with recorder.open(path) as recording:
        for query, sentence in [
            ("FROM tea", "the query cannot be run: Catalog Error: Table with name tea does not exist!."),
            (f"FROM read_text('{path}')", "the query cannot be run: Permission Error: "),
            ("DELETE FROM stored_frames", "the query cannot be run: "),
        ]:
            with pytest.raises(RecordingError) as raised:
                recording.sql(query).rows()
            assert str(raised.value).startswith(sentence)
