"""From one form of a recording to the other and back: nothing is lost, and spans are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recorder
from otelstream.bridge.remadespans import RemadeSpans
from otelstream.bridge.spanrows import SpanRows
from otelstream.errors import RecordingError, SessionNotFoundError
from otelstream.frame import Outcome, StreamFrame, datetime_ns
from recorder.doctor import examine
from recorder.writing import writer_of
from tests.conftest import NAMES, frames_of
from tests.recorder.odd import ODD, round_trips
from tests.recorder.recordings import NOTICED, change, content, end, finished, killed, session_id, start
from tests.recorder.test_fidelity import frames, linked
from tests.recorder.text.made import written
from tests.recorder.text.test_reading import put

CONTENT = ("session_starts", "frames", "gaps")
EVERYTHING = (
    *CONTENT,
    "sessions",
    "spans",
    "llm_calls",
    "tool_calls",
    "agents",
    "tasks",
    "tokens",
    "messages",
)
SHOWN = (*CONTENT, "sessions", "spans", "llm_calls")
LONGEST = 100
"""How many frames of a golden stream are converted: that each comes back from its line is told elsewhere."""

ERROR = '{"$type":"exception","class":"builtins:ValueError","args":["\\ud800",NaN]}'


def recorded(path: Path, sessions: Iterable[Sequence[StreamFrame]], *, crash: bool = False) -> Path:
    """A recording of sessions with spans, gaps, results, errors; with a crash every third has no end."""
    with closing(writer_of(path)) as writer:
        for number, some in enumerate(sessions):
            named = session_id(number)
            writer.begin(replace(start(number % 60), session_id=named))
            rows = SpanRows()
            for ordinal, each in enumerate(some):
                if ordinal % 10 == 3:
                    writer.add_gap(named, ordinal, "queue_full", NOTICED)
                    writer.flush()
                writer.add(named, ordinal, ordinal * 1_001, each)
                writer.add_spans(named, rows.feed(each))
            if not crash or number % 3:
                known = ended(number, len(some))
                outcome = Outcome(
                    "failed", datetime_ns(known.ended_at), known.error_type, known.error_message
                )
                outcome = outcome if known.state == "failed" else replace(outcome, state="completed")
                writer.add_spans(named, rows.close(outcome))
                writer.end(named, known)
            writer.flush()
    writer_of(path).close()  # tells of the crash
    return path


def ended(number: int, count: int) -> recorder.session_row.SessionEnd:
    """How a session ended: every other one with an error."""
    dropped = sum(range(3, count, 10))
    if number % 2 == 0:
        return end(count, frames_dropped=dropped, redactions='{"shape:jwt":2}')
    error = {"error": ERROR, "error_type": "ValueError", "error_message": "no \ud800 tea"}
    return end(count, "failed", frames_dropped=dropped, result=None, **error)


def rows_of(path: Path, views: Sequence[str]) -> dict[str, list[str]]:
    """What views show, but for the numbers that a file gives its sessions; as text, as NaN is in some."""
    with recorder.open(path) as recording, recording.connection() as connection:
        return {view: sorted(map(str, connection.execute(f"FROM {view}").fetchall())) for view in views}


def there_and_back(path: Path, folder: Path) -> tuple[Path, Path, Path]:
    """The recording as text, as a database again, and as text again."""
    made = folder / "one.jsonl", folder / "two.duckdb", folder / "three.jsonl"
    for before, after in zip((path, *made), made, strict=False):
        recorder.convert(before, after)
    return made


def test_golden_streams_come_back(tmp_path: Path) -> None:
    """Some of them, and the beginnings of all: the text byte for byte, the database row by row."""
    sessions = [frames_of(name)[:LONGEST] for name in NAMES[::9]]
    sessions.append(tuple(each for name in NAMES for each in frames_of(name)[: LONGEST // 5]))
    path = recorded(tmp_path / "x.duckdb", sessions)
    one, two, three = there_and_back(path, tmp_path)

    assert one.read_bytes() == three.read_bytes()
    assert rows_of(two, SHOWN) == rows_of(path, SHOWN)


def test_a_database_that_was_text_is_sound(tmp_path: Path) -> None:
    """Its chain is made anew, and its spans are those of its frames."""
    written(tmp_path / "x.jsonl", 3, 4)
    recorder.convert(tmp_path / "x.jsonl", tmp_path / "x.duckdb")
    found = examine(tmp_path / "x.duckdb", RemadeSpans)

    assert (found.findings, found.frames, found.vouched) == ([], 7, 7)


def test_odd_frames_and_crashes_come_back(tmp_path: Path) -> None:
    """Whatever a frame holds; a session that has crashed has still crashed."""
    # As they are read: objects that are no JSON have become some.
    odd = round_trips(each for name, each in ODD.items() if name != "10-megabytes")
    path = recorded(tmp_path / "x.duckdb", [odd, odd[:7], odd[7:], frames_of("08_method_raises")], crash=True)
    one, two, three = there_and_back(path, tmp_path)

    assert one.read_bytes() == three.read_bytes()
    assert rows_of(two, CONTENT) == rows_of(path, CONTENT)
    assert content(one) == content(two) == content(path)


# Few examples of many sessions: files take longer to be made than to be filled.
@settings(deadline=None, max_examples=2, suppress_health_check=list(HealthCheck))
@given(sessions=st.lists(st.lists(frames(), max_size=14).map(linked), max_size=6))
def test_any_frames_come_back(sessions: list[list[StreamFrame]], tmp_path_factory: Any) -> None:  # noqa: ANN401
    """Whatever runs could emit: the same text, and the same rows."""
    folder = tmp_path_factory.mktemp("any")
    path = recorded(folder / "x.duckdb", sessions)
    one, two, three = there_and_back(path, folder)

    assert one.read_bytes() == three.read_bytes()
    assert rows_of(two, CONTENT) == rows_of(path, CONTENT)


def test_text_that_was_recorded_becomes_a_database_and_back(tmp_path: Path) -> None:
    """The very text."""
    path = recorded(tmp_path / "x.jsonl", map(frames_of, NAMES[:2]))
    one, _, _ = there_and_back(path, tmp_path)

    assert one.read_bytes() == path.read_bytes()


def test_one_session_is_converted(tmp_path: Path) -> None:
    """By any of its names; the others stay behind."""
    recorder.convert(finished(tmp_path / "x.duckdb"), tmp_path / "y.jsonl", 0)

    assert list(content(tmp_path / "y.jsonl")) == [str(session_id(0))]


def test_a_directory_is_converted(tmp_path: Path) -> None:
    """With sessions that are in the WAL of a process that was killed."""
    (tmp_path / "in").mkdir()
    path = killed(tmp_path / "in" / "run.duckdb")
    recorder.convert(tmp_path / "in", tmp_path / "y.jsonl")

    assert content(tmp_path / "y.jsonl") == content(path)


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """A file that exists stays as it is."""
    path = written(tmp_path / "x.jsonl", 1)
    for target in (path, put(tmp_path / "y.duckdb", b"mine")):
        with pytest.raises(RecordingError) as raised:
            recorder.convert(path, target)
        assert str(raised.value) == f"{target} exists; choose another name."


def test_a_session_that_is_not_there_makes_no_file(tmp_path: Path) -> None:
    """The sentence says what is there."""
    path = written(tmp_path / "x.jsonl", 1)
    with pytest.raises(SessionNotFoundError) as raised:
        recorder.convert(path, tmp_path / "y.duckdb", "none")

    assert str(raised.value) == (
        f"{path} has no session 'none'; `otelstream ls {path}` lists its 1, by index, id and name."
    )
    assert [each.name for each in tmp_path.iterdir()] == ["x.jsonl"]


def test_a_damaged_database_is_refused_unless_that_is_accepted(tmp_path: Path) -> None:
    """Text has no chain that would tell of it afterwards."""
    path = finished(tmp_path / "x.duckdb")
    change(path, "UPDATE stored_frames SET seq = 9 WHERE ordinal = 3 AND session = 1")
    with pytest.raises(RecordingError, match=r"is damaged: the hash chain is broken"):
        recorder.convert(path, tmp_path / "y.jsonl")
    recorder.convert(path, tmp_path / "y.jsonl", accept_damage=True)

    assert len(content(tmp_path / "y.jsonl")) == 2


def test_damaged_text_is_refused(tmp_path: Path) -> None:
    """With the line."""
    path = written(tmp_path / "x.jsonl", 2)
    put(path, path.read_bytes().replace(b'"seq":1', b'"seq":"x"'))
    with pytest.raises(RecordingError) as raised:
        recorder.convert(path, tmp_path / "y.duckdb")

    assert str(raised.value).startswith(f"{path} is damaged: line 3 is damaged: not a stream frame: seq: ")
    assert not (tmp_path / "y.duckdb").exists()


def test_a_recording_that_is_written_is_refused(tmp_path: Path) -> None:
    """What it holds changes all the time."""
    path = tmp_path / "x.jsonl"
    with closing(writer_of(path)), pytest.raises(RecordingError) as raised:
        recorder.convert(path, tmp_path / "y.duckdb")

    assert str(raised.value) == f"{path} is being written; wait until its process has ended."
