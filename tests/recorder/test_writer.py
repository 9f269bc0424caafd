"""Writing: what is committed is in the file, by either way in, and from several sessions."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
import recorder.tables
from otelstream.frame import StreamFrame
from recorder.rows import ContextRow, FrameRow
from recorder.session_row import Gap, SessionEnd, SessionStart, SpanRow, SpanTotals
from recorder.writer import Writer
from tests.contract.programs import consume, frame, json_of, stream
from tests.recorder.odd import EQUAL, GOLDEN, ODD, golden_lines

START = SessionStart(
    session_id=uuid.UUID("01900000-0000-7000-8000-000000000001"),
    started_at=datetime(2026, 11, 20, 8, 30, 0, 123456),
    mode="async",
    name="Orders",
    entry_point="shop.flows:Orders",
    conversation_id="conversation-1",
    recorded_as="/somewhere/run.duckdb",
    redacted=True,
    parent_trace_id="0" * 31 + "1",
    parent_span_id="0" * 15 + "2",
    parent_sampled=False,
    service_name="shop",
    host="host-1",
    pid=4711,
    otelstream_version="0.1.0",
    crewai_version=None,
    python_version="3.11.7",
)
END = SessionEnd(
    ended_at=datetime(2026, 11, 20, 8, 31),
    state="failed",
    frame_count=2,
    frames_dropped=1,
    trace_id="0" * 31 + "1",
    result=None,
    error_type="shop.errors.Rejected",
    error_message="nul \0 and ümlaut",
    error='{"$type":"exception"}',
    redactions='{"shape:jwt":2}',
)
SPAN = SpanRow(
    span_id="0" * 15 + "3",
    parent_span_id=None,
    name="chat gpt-4o-mini",
    operation="chat",
    frame_id="frame-0",
    frame_type="llm_call_started",
    started_at=datetime(2026, 11, 20, 8, 30),
    ended_at=datetime(2026, 11, 20, 8, 30, 1),
    duration_ns=1_000_000_000,
    left_open=False,
    error_type=None,
    error_message=None,
    model="gpt-4o-mini",
    provider="openai",
    agent=None,
    task=None,
    tool=None,
    within_tool=False,
    call_id="call-1",
    finish_reason="stop",
    input_tokens=7,
    output_tokens=5,
    cached_tokens=None,
    written_tokens=None,
    reasoning_tokens=None,
    first_chunk_ns=300_000_000,
    chunks=2,
    attributes="{}",
)
TABLES = (*("session_starts", "contexts", "stored_frames", "gaps", "chain", "stored_spans", "session_ends"),)


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table but the header, in a fixed order."""
    with recorder.open(path) as recording, recording.connection() as connection:
        return {name: connection.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in TABLES}


def write(path: Path, frames: list[StreamFrame]) -> None:
    """Write one session with these frames."""
    writer = Writer(path)
    writer.begin(START)
    for ordinal, each in enumerate(frames):
        writer.add(START.session_id, ordinal, ordinal * 1_000, each)
    writer.end(START.session_id, replace(END, frame_count=len(frames)))
    writer.flush()
    writer.close()


def rewrite(path: Path, copy: Path) -> None:
    """Read every session of a recording and write it into another."""
    writer = Writer(copy)
    with recorder.open(path) as recording:
        for session in recording.sessions():
            writer.begin(session.start)
            with recording.connection() as connection:
                query = "SELECT offset_ns FROM frames WHERE session_id = ? ORDER BY ordinal"
                offsets = connection.execute(query, [session.start.session_id]).fetchall()
            for ordinal, each in enumerate(recording.frames(session)):
                writer.add(session.start.session_id, ordinal, offsets[ordinal][0], each)
            assert session.end is not None
            writer.end(session.start.session_id, session.end)
    writer.flush()
    writer.close()


def test_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Start and end of a session come back field by field."""
    write(tmp_path / "run.duckdb", [frame(0), frame(1)])
    session = recorder.open(tmp_path / "run.duckdb").session()

    assert (session.start, session.end, session.state, session.frame_count) == (START, END, "failed", 2)


def test_odd_frames_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Whatever a frame holds survives the file, byte for byte."""
    frames = list(ODD.values())
    write(tmp_path / "run.duckdb", frames)
    recording = recorder.open(tmp_path / "run.duckdb")

    assert json_of(recording.frames(recording.session())) == json_of(frames)


def test_writing_what_was_read_gives_the_same_rows(tmp_path: Path) -> None:
    """Nothing gets lost on the way through the Python objects."""
    write(tmp_path / "run.duckdb", list(EQUAL.values()))
    rewrite(tmp_path / "run.duckdb", tmp_path / "copy.duckdb")

    assert tables(tmp_path / "copy.duckdb") == tables(tmp_path / "run.duckdb")


@pytest.mark.parametrize("source", ["odd", "05_crew_two_agents_tools.jsonl.gz", "04_crew_streaming.jsonl"])
def test_both_ways_in_write_the_same_rows(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without DuckDB's appender (before DuckDB 2) the same rows are written."""
    golden = {path.name: path for path in GOLDEN}
    frames = (
        [each for name, each in ODD.items() if name != "10-megabytes"]
        if source == "odd"
        else [StreamFrame.model_validate_json(line) for line in golden_lines(golden[source])]
    )
    write(tmp_path / "appended.duckdb", frames)
    monkeypatch.setattr(recorder.tables, "HAS_APPENDER", False)
    write(tmp_path / "unnested.duckdb", frames)

    # Compared by their text, because NaN is in the data of some.
    assert str(tables(tmp_path / "unnested.duckdb")) == str(tables(tmp_path / "appended.duckdb"))


def columns_of(table: str) -> tuple[str, ...]:
    """The columns that the schema gives a table, in its order."""
    schema = (Path(recorder.tables.__file__).parent / "schema" / "0002.sql").read_text(encoding="utf-8")
    lines = schema.partition(f"CREATE TABLE {table} (")[2].partition(");")[0].strip().splitlines()
    return tuple(line.split()[0].rstrip(",") for line in lines)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("session_starts", ("session", *START.__slots__)),
        ("contexts", ContextRow._fields),
        ("stored_frames", (*FrameRow._fields, "id_text")),
        ("stored_spans", ("session", *SpanRow._fields)),
        ("session_ends", ("session", *END.__slots__, *SpanTotals._fields, "digest")),
    ],
)
def test_the_columns_are_those_of_the_row(table: str, columns: tuple[str, ...]) -> None:
    """The order in which a row is appended is the order of the table's columns."""
    assert columns_of(table) == columns


def test_sessions_are_numbered_from_zero(tmp_path: Path) -> None:
    """The other tables refer to a session by its number, and a later writer goes on counting."""
    ids = [uuid.UUID(int=number) for number in range(3)]
    for some in (ids[:2], ids[2:]):
        writer = Writer(tmp_path / "run.duckdb")
        for session_id in some:
            writer.begin(replace(START, session_id=session_id))
            writer.add(session_id, 0, 0, frame(0))
        writer.flush()
        writer.close()

    rows = tables(tmp_path / "run.duckdb")
    assert ([row[:2] for row in rows["session_starts"]], [row[0] for row in rows["stored_frames"]]) == (
        list(enumerate(ids)),
        [0, 1, 2],
    )


def test_frames_of_odd_and_usual_ids_stay_in_their_order(tmp_path: Path) -> None:
    """An id that is no UUID is stored elsewhere, and the frame stands where it stood."""
    ids = ["85346989-d8dc-441e-9b4d-a9425fbca0c7", "", "frame-1", "85346989-d8dc-441e-9b4d-a9425fbca0c8"]
    frames = [frame(number, id=id_) for number, id_ in enumerate([*ids, "8534", *ids])]
    write(tmp_path / "run.duckdb", frames)
    recording = recorder.open(tmp_path / "run.duckdb")

    assert [each.id for each in recording.frames(recording.session())] == [each.id for each in frames]


@pytest.mark.parametrize(
    "ids",
    [
        ["85346989-d8dc-441e-9b4d-a9425fbca0c7", ""],
        ["85346989-d8dc-441e-9b4d", "-a9425fbca0c7"],
        ["85346989-d8dc-441e-9b4d-a9425fbca0c7\n"],
    ],
    ids=["empty", "halves", "line-break"],
)
def test_ids_that_only_together_look_like_uuids(ids: list[str], tmp_path: Path) -> None:
    """No id is taken for another kind than it is, whatever the others are."""
    write(tmp_path / "run.duckdb", [frame(number, id=id_) for number, id_ in enumerate(ids)])
    recording = recorder.open(tmp_path / "run.duckdb")

    assert [each.id for each in recording.frames(recording.session())] == ids


def test_a_gap_says_where_frames_are_missing(tmp_path: Path) -> None:
    """What was lost is a row, before the frame that came next."""
    writer = Writer(tmp_path / "run.duckdb")
    writer.begin(START)
    writer.add(START.session_id, 0, 0, frame(0))
    writer.flush()
    writer.add(START.session_id, 1, 0, frame(1))
    writer.add_gap(START.session_id, 3, "queue_full", datetime(2026, 11, 20, 9))
    writer.add(START.session_id, 2, 0, frame(5))
    writer.end(START.session_id, END)
    writer.flush()
    writer.close()
    recording = recorder.open(tmp_path / "run.duckdb")

    assert recording.gaps(recording.session()) == [Gap(2, 3, "queue_full", datetime(2026, 11, 20, 9))]


def test_spans_are_stored_and_counted(tmp_path: Path) -> None:
    """A span is a row, and the end of its session has the sums."""
    failed = SPAN._replace(
        operation="execute_tool", error_type="caf\udce9", input_tokens=None, output_tokens=None
    )
    writer = Writer(tmp_path / "run.duckdb")
    writer.begin(START)
    writer.add_spans(START.session_id, [SPAN, failed])
    writer.end(START.session_id, END)
    writer.flush()
    writer.close()
    with recorder.open(tmp_path / "run.duckdb") as recording:
        rows = recording.sql("FROM stored_spans").rows()
        totals = recording.sql(f"SELECT {', '.join(SpanTotals._fields)} FROM session_ends").rows()

    assert (rows, totals) == (
        [(0, *SPAN), (0, *failed._replace(error_type="caf\\udce9"))],
        [
            SpanTotals(
                span_count=2, failed_spans=1, llm_calls=1, tool_calls=1, input_tokens=7, output_tokens=5
            )
        ],
    )


def test_what_was_not_flushed_is_not_stored(tmp_path: Path) -> None:
    """Closing does not commit: whoever acknowledges frames flushes them."""
    writer = Writer(tmp_path / "run.duckdb")
    writer.begin(START)
    writer.add(START.session_id, 0, 0, frame(0))
    writer.close()

    assert tables(tmp_path / "run.duckdb") == {name: [] for name in TABLES}


def test_pending_counts_what_a_flush_would_commit(tmp_path: Path) -> None:
    """The caller decides by it when to commit."""
    writer = Writer(tmp_path / "run.duckdb")
    writer.begin(START)
    counts = []
    for ordinal in range(2):
        writer.add(START.session_id, ordinal, 0, frame(ordinal))
        counts.append(writer.pending)
    writer.flush()
    counts.append(writer.pending)
    writer.close()

    assert counts == [1, 2, 0]


def test_sessions_are_appended_to_a_file(tmp_path: Path) -> None:
    """Each session that is recorded into a file stays in it, in its order."""
    path = tmp_path / "run.duckdb"
    for result in range(3):
        consume(otelstream.observe(stream([frame(result)], result), record=path))
    replayed = [recorder.replay(path, index) for index in range(3)]

    assert [(json_of(session), session.result) for session in replayed] == [
        (json_of([frame(result)]), result) for result in range(3)
    ]


def test_two_threads_record_into_one_file(tmp_path: Path) -> None:
    """Sessions that take turns frame by frame each have their own frames, in their own order."""
    path = tmp_path / "run.duckdb"
    turns = threading.Barrier(2, timeout=30)

    def run(first: int) -> None:
        frames = [frame(number) for number in range(first, first + 500)]
        for _ in otelstream.observe(stream(frames, first), record=path):
            turns.wait()

    threads = [threading.Thread(target=run, args=(first,)) for first in (0, 1_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    replayed = [recorder.replay(path, index) for index in range(2)]
    seen = {tuple(each.seq for each in session): session.result for session in replayed}
    assert seen == {tuple(range(500)): 0, tuple(range(1_000, 1_500)): 1_000}


@pytest.mark.parametrize("where", ["error", "name", "entry point", "conversation"])
def test_text_that_is_no_unicode_does_not_lose_the_recording(where: str, tmp_path: Path) -> None:
    """A lone surrogate (of a file name that is no UTF-8) in an error or a name does not stop the writer."""
    text = "caf\udce9"
    data = {"name": {"flow_name": text}, "conversation": {"session_id": text}}.get(where, {})
    session = stream([frame(0, data=data)], error=OSError(text) if where == "error" else None)
    entry_point = text if where == "entry point" else None
    consume(otelstream.observe(session, record=tmp_path / "run.duckdb", entry_point=entry_point))

    assert [each.frame_count for each in recorder.open(tmp_path / "run.duckdb").sessions()] == [1]


def failed_writer(path: Path) -> Writer:
    """A writer that has committed one frame and then failed to commit another."""
    writer = Writer(path)
    writer.begin(START)
    writer.add(START.session_id, 0, 0, frame(0))
    writer.flush()
    writer.add(START.session_id, 1, 2**63, frame(1))  # an offset that no column can hold
    with pytest.raises(recorder.RecordingError, match="cannot be written"):
        writer.flush()
    return writer


def test_a_batch_that_fails_leaves_what_was_committed(tmp_path: Path) -> None:
    """A commit that goes wrong is an error of its own, and the frames before it are in the file."""
    with suppress(recorder.RecordingError):
        failed_writer(tmp_path / "run.duckdb").close()

    assert [session.frame_count for session in recorder.open(tmp_path / "run.duckdb").sessions()] == [1]


def test_a_writer_goes_on_after_a_batch_that_failed(tmp_path: Path) -> None:
    """What is flushed after a commit that went wrong is stored."""
    writer = failed_writer(tmp_path / "run.duckdb")
    writer.add(START.session_id, 1, 0, frame(1))
    try:
        writer.flush()
    finally:
        with suppress(recorder.RecordingError):
            writer.close()

    assert [session.frame_count for session in recorder.open(tmp_path / "run.duckdb").sessions()] == [2]
