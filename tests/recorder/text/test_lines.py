"""What a session holds as lines, and back: nothing of it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from otelstream.errors import FrameError, RecordingError
from otelstream.frame import StreamFrame, exact_json, frame_json
from recorder.session_row import SessionEnd, StoredFrame, StoredGap
from recorder.text.lines import frame_line, gap_line, header_line, outcome_line, session_line
from recorder.text.parsing import offset_of, said_by
from tests.contract.programs import frame
from tests.recorder.odd import EQUAL, GOLDEN, HALVES, ODD, golden_lines
from tests.recorder.recordings import NOTICED
from tests.recorder.test_fidelity import frames
from tests.recorder.test_writer import END, START


def read(line: bytes) -> StoredFrame:
    """The frame of a line."""
    said = said_by(line)
    assert isinstance(said, StoredFrame)
    return said


def test_the_line_of_a_header() -> None:
    """Every column of the session's start, in its order, behind the version."""
    assert header_line(START).decode() == (
        '{"otelstream_recording":1,"session_id":"01900000-0000-7000-8000-000000000001",'
        '"started_at":"2026-11-20T08:30:00.123456","mode":"async","name":"Orders",'
        '"entry_point":"shop.flows:Orders","conversation_id":"conversation-1",'
        '"recorded_as":"/somewhere/run.duckdb","redacted":true,'
        '"parent_trace_id":"00000000000000000000000000000001","parent_span_id":"0000000000000002",'
        '"parent_sampled":false,"service_name":"shop","host":"host-1","pid":4711,'
        '"otelstream_version":"0.1.0","crewai_version":null,"python_version":"3.11.7"}\n'
    )


def test_the_line_of_an_outcome() -> None:
    """Every column of the session's end; what is JSON there is JSON here, and what is NULL is not there."""
    assert outcome_line(END).decode() == (
        '{"outcome":"failed","ended_at":"2026-11-20T08:31:00","frame_count":2,"frames_dropped":1,'
        '"trace_id":"00000000000000000000000000000001","error_type":"shop.errors.Rejected",'
        '"error_message":"nul \\u0000 and ümlaut","error":{"$type":"exception"},'
        '"redactions":{"shape:jwt":2}}\n'
    )


def test_the_line_of_a_frame() -> None:
    """The frame's own JSON, byte for byte, behind the time of its arrival."""
    each = frame(1, data={"text": "é 😀 \u2028"})

    assert frame_line(each, 1_200).decode() == f'{{"offset_ns":1200,"frame":{frame_json(each)}}}\n'


def test_the_lines_of_a_gap_and_of_a_session() -> None:
    """What is missing, why, and when that was noticed; the id of the session that follows."""
    assert (gap_line(StoredGap(3, "queue_full", NOTICED)), session_line(START.session_id)) == (
        b'{"gap":3,"reason":"queue_full","noticed_at":"2026-11-20T08:30:30"}\n',
        b'{"session":"01900000-0000-7000-8000-000000000001"}\n',
    )


@pytest.mark.parametrize("name", ODD)
def test_an_odd_frame_comes_back(name: str) -> None:
    """From one line, with the same JSON, and it gives the same line again."""
    line = frame_line(ODD[name], 7)
    back = read(line).frame

    assert line.count(b"\n") == 1
    assert (frame_json(back), exact_json(back)) == (frame_json(ODD[name]), exact_json(ODD[name]))
    assert frame_line(back, 7) == line


@pytest.mark.parametrize("name", EQUAL)
def test_an_odd_frame_equals_what_comes_back(name: str) -> None:
    """As a model, in every field: the seconds of its time zone are those that it had."""
    assert read(frame_line(EQUAL[name], 7)).frame == EQUAL[name]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_golden_frames_come_back(path: object) -> None:
    """Each line of what CrewAI emitted stands in its line of the recording as it is."""
    for text in golden_lines(path):  # type: ignore[arg-type]  # a path of the golden files
        each = StreamFrame.model_validate_json(text)
        line = frame_line(each, 0).decode()
        assert (line, read(line.encode()).frame) == (f'{{"offset_ns":0,"frame":{text}}}\n', each)


@settings(deadline=None, max_examples=150)
@given(each=frames())
def test_any_frame_comes_back(each: StreamFrame) -> None:
    """Whatever a runtime could emit gives a line, and that a frame of the same JSON, and the same line."""
    line = frame_line(each, 1)
    back = read(line).frame

    assert (frame_json(back), frame_line(back, 1)) == (frame_json(each), line)


def test_how_a_session_started_and_ended_comes_back() -> None:
    """Field by field."""
    assert (said_by(header_line(START)), said_by(outcome_line(END))) == (START, END)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        '"done"',
        '{"a":[1,2.5,NaN],"é":"\\ud800"}',
        f" {HALVES.encode('utf-8', 'backslashreplace').decode()!r}".replace("'", '"'),
        '{"spaces": 1}',
        '{"a":1,"a":2}',
        "no JSON at all",
        '"two\nlines"',
        "1" * 5_000,
    ],
)
def test_a_result_comes_back_as_it_was_written(text: str) -> None:
    """Its text is the same, also where it is not how otelstream would have written it; one line holds it."""
    end = replace(END, result=text)
    line = outcome_line(end)

    assert (said_by(line), line.count(b"\n")) == (end, 1)


def test_no_result_is_not_the_result_none() -> None:
    """The field is missing, or null."""
    ends = [replace(END, result=None), replace(END, result="null")]
    lines = [outcome_line(each) for each in ends]

    assert [b'"result":null' in line for line in lines] == [False, True]
    assert [said_by(line) for line in lines] == ends


def test_lone_surrogates_in_names_are_escaped() -> None:
    """As in the columns of a database."""
    assert said_by(header_line(replace(START, name="caf\udce9"))) == replace(START, name="caf\\udce9")


@pytest.mark.parametrize(
    ("line", "offset_ns"),
    [
        (b'{"offset_ns":12,"frame":{}}', 12),
        (b'{"offset_ns":-3,"frame":{}}', -3),
        (b'{"offset_ns": 12, "frame": {}}', None),
        (b'{"offset_ns":null,"frame":{}}', None),
    ],
)
def test_when_a_frame_arrived_is_read_from_its_line(line: bytes, offset_ns: int | None) -> None:
    """Without reading the frame, where the line is as otelstream writes it."""
    assert offset_of(line) == offset_ns


def test_what_is_unknown_is_passed_over() -> None:
    """Fields in lines, and lines of kinds to come; blanks and the order of fields do not matter."""
    line = frame_line(frame(1), 5).replace(b'{"offset_ns":5,', b'{ "note": "by hand", "offset_ns" : 5, ')

    assert read(line) == StoredFrame(5, frame(1), len(line))
    assert said_by(b'{"weather":"rain"}\n') is None


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'{"offset_ns":1,"frame":{"id"', "not valid JSON: "),
        (b"[1]", "no JSON object"),
        (b'{"offset_ns":1,"frame":{"id":"a"}}', "not a stream frame: type: Field required"),
        (
            b'{"offset_ns":"soon","frame":' + frame_json(frame()).encode() + b"}",
            "offset_ns is 'soon', no whole",
        ),
        (
            b'{"offset_ns":1,"utc_offset":86400,"frame":' + frame_json(frame()).encode() + b"}",
            "utc_offset is 86400",
        ),
        (
            b'{"gap":"some","reason":"x","noticed_at":"2026-11-20T08:30:30"}',
            "frames: Input should be a valid integer",
        ),
        (b'{"outcome":"splendid"}', "outcome is 'splendid', none of cancelled, completed, crashed, failed"),
        (b'{"outcome":[]}', "outcome is [], none of cancelled, completed, crashed, failed"),
        (b'{"outcome":"completed"}', "ended_at: Input should be a valid datetime"),
        (b'{"session":7}', "session is 7, no id"),
        (b'{"otelstream_recording":"one"}', "otelstream_recording is 'one', no number of a version"),
        (b'{"otelstream_recording":1}', "session_id: UUID input should be a string, bytes or UUID object"),
        (
            header_line(START).replace(b'123456"', b'123456Z"'),
            "started_at has a time zone; times are in UTC, without one",
        ),
    ],
)
def test_what_is_wrong_with_a_line(line: bytes, sentence: str) -> None:
    """In a clause that names the field and its value."""
    with pytest.raises(FrameError) as raised:
        said_by(line)

    assert str(raised.value).startswith(sentence)


def test_a_header_of_a_later_version_is_refused() -> None:
    """Whatever else it says."""
    with pytest.raises(RecordingError, match=r"^text form 2, newer than the 1 that this version reads$"):
        said_by(b'{"otelstream_recording":2,"everything":"else"}')


def test_states_are_those_of_sessions() -> None:
    """A session that ended has one of four."""
    states = ["completed", "failed", "cancelled", "crashed"]
    said = [said_by(outcome_line(replace(END, state=state))) for state in states]

    assert [each.state for each in said if isinstance(each, SessionEnd)] == states
