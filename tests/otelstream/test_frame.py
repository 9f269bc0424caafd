"""A frame: its exact JSON form, and its time in nanoseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from otelstream.errors import FrameError
from otelstream.frame import (
    ENVELOPE,
    StreamFrame,
    datetime_ns,
    envelope_of,
    exact_json,
    frame_json,
    ns_datetime,
    parse_exact,
    parse_frame,
    timestamp_ns,
    with_fields,
)
from otelstream.jsontext import decode_json, encode_json
from otelstream.testing import START, START_NS, make_frame

HEAD = (
    '{"id":"f0","seq":null,"type":"tick","channel":"custom","namespace":["custom"],'
    '"timestamp":"2026-01-01T00:00:00Z","parent_id":null,"previous_id":null'
)
TWO_HALVES = "\ud83d" + "\ude00"


def line(**fields: object) -> str:
    """The JSON form of a small frame, with some fields replaced."""
    return encode_json(
        {"id": "a", "type": "t", "channel": "c", "timestamp": "2026-01-01T00:00:00Z", **fields}
    )


@dataclass
class OtherFrame:
    """A frame of another library: the attributes, and nothing else."""

    id: str = "f0"
    seq: int | None = None
    type: str = "tick"
    channel: str = "custom"
    namespace: list[str] = field(default_factory=lambda: ["custom"])
    timestamp: datetime = START
    parent_id: str | None = None
    previous_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def test_every_golden_line_comes_back_byte_for_byte(golden_lines: tuple[str, ...]) -> None:
    """Reading and writing a frame changes no byte of its JSON form."""
    assert tuple(frame_json(parse_frame(line)) for line in golden_lines) == golden_lines


@pytest.mark.crewai
def test_the_json_form_is_that_of_crewai(golden_lines: tuple[str, ...]) -> None:
    """CrewAI's own class writes the same bytes for every golden frame, and its frames pass through ours."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    from crewai.types.streaming import StreamFrame as CrewAIFrame

    theirs = [CrewAIFrame.model_validate_json(line) for line in golden_lines]
    expected = [frame.model_dump_json() for frame in theirs]
    assert [frame_json(parse_frame(line)) for line in golden_lines] == expected
    assert [frame_json(frame) for frame in theirs] == expected


@pytest.mark.crewai
def test_the_envelope_is_that_of_crewai() -> None:
    """Our frame has CrewAI's fields, in their order, with their defaults."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    from crewai.types.streaming import StreamFrame as CrewAIFrame

    assert tuple(CrewAIFrame.model_fields) == ENVELOPE
    ours = {name: (field.default, field.is_required()) for name, field in StreamFrame.model_fields.items()}
    theirs = {name: (field.default, field.is_required()) for name, field in CrewAIFrame.model_fields.items()}
    assert ours == theirs


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.500000",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000001Z",
        "2026-01-01T02:00:00+02:00",
        "2025-12-31T18:30:00.123456-05:30",
    ],
)
def test_a_timestamp_keeps_its_spelling(timestamp: str) -> None:
    """Naive, UTC and offset timestamps come back as they were written."""
    text = line(seq=None, namespace=[], timestamp=timestamp, parent_id=None, previous_id=None, data={})
    frame = parse_frame(text)
    assert decode_json(frame_json(frame))["timestamp"] == timestamp


@pytest.mark.parametrize(
    ("timestamp", "after_start"),
    [
        ("2026-01-01T00:00:00", 0),
        ("2026-01-01T00:00:00Z", 0),
        ("2026-01-01T02:00:00+02:00", 0),
        ("2025-12-31T18:30:00.123456-05:30", 123_456_000),
        ("2026-01-01T00:00:00.000001Z", 1_000),
        ("2026-01-01T00:00:00.1234567Z", 123_456_000),
    ],
)
def test_a_timestamp_in_nanoseconds(timestamp: str, after_start: int) -> None:
    """A timestamp counts from the epoch in UTC, a naive one too, cut to microseconds."""
    assert timestamp_ns(parse_frame(line(timestamp=timestamp))) == START_NS + after_start


def test_start_is_a_known_number() -> None:
    """The first nanosecond of 2026, as `date -d 2026-01-01T00:00:00Z +%s%N` prints it."""
    assert START_NS == 1_767_225_600_000_000_000


@pytest.mark.parametrize("microseconds", [1, 999_999, 1_792_345_678_901_233, 253_402_300_799_999_999, -1])
def test_nanoseconds_are_exact(microseconds: int) -> None:
    """No microsecond is rounded away, where float seconds would lose some."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    assert datetime_ns(moment) == microseconds * 1000
    assert ns_datetime(microseconds * 1000) == moment


def test_nanoseconds_below_a_microsecond_are_cut() -> None:
    """A datetime holds no nanoseconds: the last three digits go."""
    assert ns_datetime(START_NS + 1_999) == START + timedelta(microseconds=1)


def test_an_unknown_channel_is_kept() -> None:
    """A channel of a newer runtime is no error."""
    assert parse_frame(line(channel="video")).channel == "video"


def test_unknown_envelope_fields_are_kept_behind_the_known_ones() -> None:
    """A field of a newer runtime comes back, at the end."""
    frame = parse_frame(line(span="s1", data={"n": 1}))
    assert list(envelope_of(frame)) == [*ENVELOPE, "span"]
    assert frame_json(frame) == (
        '{"id":"a","seq":null,"type":"t","channel":"c","namespace":[],"timestamp":"2026-01-01T00:00:00Z",'
        '"parent_id":null,"previous_id":null,"data":{"n":1},"span":"s1"}'
    )


def test_an_unknown_field_cannot_take_the_place_of_a_property() -> None:
    """`content` and `event` speak of `data`, whatever the envelope says."""
    frame = parse_frame(line(content="outer", event="outer", data={"chunk": "inner"}))
    assert (frame.content, frame.event) == ("inner", {"chunk": "inner"})


@pytest.mark.parametrize(("data", "content"), [({"chunk": "Hi"}, "Hi"), ({"chunk": 5}, ""), ({}, "")])
def test_content_is_the_text_of_a_chunk(data: dict[str, object], content: str) -> None:
    """Only a chunk that is text is content."""
    assert make_frame("llm_stream_chunk", data=data).content == content


def test_with_fields_replaces_the_unknown_fields_as_well() -> None:
    """The fields given are replaced, the other known ones stay, the other unknown ones go."""
    frame = with_fields(parse_frame(line(seq=4, later=True, data={"n": 1})), {"data": {"n": 2}, "new": 1})
    assert frame == parse_frame(line(seq=4, new=1, data={"n": 2}))


@pytest.mark.parametrize(
    ("data", "written"),
    [
        ({"text": "é\u2028\U0001f600"}, '{"text":"é\u2028\U0001f600"}'),
        ({"big": 2**70, "low": -(2**64)}, '{"big":1180591620717411303424,"low":-18446744073709551616}'),
        ({"nan": math.nan, "inf": math.inf, "low": -math.inf}, '{"nan":null,"inf":null,"low":null}'),
        ({"half": "a\ud800b"}, '{"half":"a\\ud800b"}'),
        ({"when": START, "half": "\ud800"}, '{"when":"2026-01-01T00:00:00Z","half":"\\ud800"}'),
        ({"object": slice(1, 2)}, '{"object":"slice(1, 2, None)"}'),
        ({"object": slice(1), "half": "\ud800"}, '{"object":"slice(None, 1, None)","half":"\\ud800"}'),
    ],
)
def test_odd_values_are_written(data: dict[str, object], written: str) -> None:
    """Any value that a live frame can hold has a JSON form."""
    assert frame_json(make_frame("tick", data=data)) == f'{HEAD},"data":{written}}}'


def test_a_replacement_character_is_a_character() -> None:
    """U+FFFD in a text is what it is, and is written as CrewAI writes it."""
    assert frame_json(make_frame("tick", data={"text": "\ufffd"})) == HEAD + ',"data":{"text":"\ufffd"}}'


def test_a_replacement_character_beside_nan_is_written_like_crewai_does() -> None:
    """Frames keep CrewAI's bytes where CrewAI writes them faithfully."""
    frame = make_frame("tick", data={"text": "\ufffd", "nan": math.nan})
    assert frame_json(frame) == frame.model_dump_json()


def test_nan_beside_a_surrogate_is_null() -> None:
    """A NaN is null also where the frame needs the plain ASCII form."""
    written = frame_json(make_frame("tick", data={"half": "\ud800", "nan": math.nan}))
    assert written == HEAD + ',"data":{"half":"\\ud800","nan":null}}'


@pytest.mark.parametrize(
    "text", ['{"half":"a\\ud800b"}', '{"big":1180591620717411303424}', '{"deep":[[[[1]]]]}']
)
def test_odd_values_come_back(text: str) -> None:
    """Lone surrogates and large integers in the data survive reading and writing."""
    written = f'{HEAD},"data":{text}}}'
    assert frame_json(parse_frame(written)) == written


def test_a_surrogate_in_a_key_comes_back() -> None:
    """A lone surrogate in a key of the data survives as one in a value does."""
    written = HEAD + ',"data":{"\\ud800":1}}'
    assert frame_json(parse_frame(written)) == written


def nested(depth: int) -> str:
    """The JSON form of a frame with lists in lists."""
    return HEAD + ',"data":{"deep":' + "[" * depth + "]" * depth + "}}"


def test_deep_data_comes_back() -> None:
    """Nesting beyond what pydantic takes is read and written all the same."""
    assert frame_json(parse_frame(nested(500))) == nested(500)


@pytest.mark.parametrize("depth", [990, 3_000, 20_000])
def test_data_deeper_than_python_can_follow_comes_back(depth: int) -> None:
    """Nesting is read and written without recursion, so no depth is too much."""
    assert frame_json(parse_frame(nested(depth))) == nested(depth)


def test_data_that_holds_itself_is_refused() -> None:
    """No text can stand for it; whoever writes the frame counts it as lost."""
    data: dict[str, Any] = {}
    data["data"] = [data]
    with pytest.raises(ValueError, match=r"^a container holds itself$"):
        frame_json(make_frame("tick", data=data))


def test_halves_of_a_pair_stay_apart_in_exact_text() -> None:
    """Exact text tells two halves that stand side by side from the character that they would make."""
    data = {TWO_HALVES: ["\U0001f600", TWO_HALVES], "low": -math.inf}
    frame = parse_exact(exact_json(make_frame("tick", data=data)))
    assert frame == make_frame("tick", data=data)


def test_a_line_of_others_is_plain_json() -> None:
    """There an escaped pair is one character, also behind a blank."""
    written = HEAD + ',"data":{"text":"\\ud83d\\ude00"}}'
    assert parse_frame(" " + written).data == {"text": "\U0001f600"}


def test_unknown_fields_stay_behind_the_data_where_crewai_refuses() -> None:
    """The order of the fields does not depend on what is in them."""
    written = HEAD + ',"data":{"half":"\\ud800"},"span":"é"}'
    assert frame_json(parse_frame(written)) == written


def test_any_object_with_the_attributes_is_a_frame() -> None:
    """A frame of no known class has the same JSON form and the same time."""
    data = {"n": 1, "when": START, "nan": math.nan}
    other = OtherFrame(data=data)
    assert frame_json(other) == frame_json(make_frame("tick", data=data))
    assert timestamp_ns(other) == START_NS


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        ("nonsense", "not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"id":"a"', "not valid JSON: Expecting ',' delimiter: line 1 column 10 (char 9)"),
        ("{} {}", "not valid JSON: Extra data: line 1 column 4 (char 3)"),
        (b"\xff", "not valid JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (
            "[]",
            "not a stream frame: the line: Input should be a valid dictionary or instance of StreamFrame",
        ),
        ("{}", "not a stream frame: id: Field required"),
        ('{"id":"a","type":"t"}', "not a stream frame: channel: Field required"),
        (line(timestamp="soon"), "not a stream frame: timestamp: Input should be a valid datetime"),
        (line(data=[]), "not a stream frame: data: Input should be a valid dictionary"),
        (line(namespace=["a", 2]), "not a stream frame: namespace.1: Input should be a valid string"),
    ],
)
def test_a_bad_line_is_named(bad: str | bytes, message: str) -> None:
    """The error says what is wrong with the line, and where in it."""
    with pytest.raises(FrameError) as caught:
        parse_frame(bad)
    assert str(caught.value).startswith(message)


def test_a_line_may_be_bytes() -> None:
    """A line is read the same as text and as the UTF-8 bytes of it."""
    assert parse_frame(line(data={"é": 1}).encode()) == parse_frame(line(data={"é": 1}))
