"""A frame as a row and a context and back: nothing is lost, whatever the frame holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otelstream.frame import StreamFrame, frame_json, parse_frame
from recorder.encoder import FrameEncoder
from recorder.rows import ContextRow, FrameRow, build_frame, frame_of, shared_of
from tests.contract.programs import frame
from tests.recorder.odd import (
    EQUAL,
    EXTRA,
    GOLDEN,
    MAY,
    ODD,
    encoded,
    golden_lines,
    round_trip,
    round_trips,
    tokens,
    zone,
)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_frame_comes_back_to_the_byte(path: Path) -> None:
    """Every frame of the file has the JSON that CrewAI wrote."""
    lines = list(golden_lines(path))

    assert [frame_json(each) for each in round_trips(map(parse_frame, lines))] == lines


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_frame_comes_back_as_the_same_model(path: Path) -> None:
    """Every frame of the file equals the original, field by field."""
    frames = [parse_frame(line) for line in golden_lines(path)]

    assert round_trips(frames) == frames


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_frame_fits_the_columns(path: Path) -> None:
    """What CrewAI emits needs no second copy in `raw`."""
    found, _ = encoded(map(parse_frame, golden_lines(path)))

    assert [row.ordinal for row in found if row.raw is not None] == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_the_tokens_of_a_golden_call_share_a_context(path: Path) -> None:
    """Of a token frame that CrewAI emits, the row holds nothing but what is its own."""
    frames = [parse_frame(line) for line in golden_lines(path)]
    found, contexts = encoded(frames)
    calls = {(each.type, each.data["call_id"]) for each in frames if isinstance(each.data.get("chunk"), str)}
    shared = [context for context in contexts.values() if context.data is not None]

    assert (
        [row.ordinal for row in found if row.chunk is not None and row.data is not None],
        len(shared) >= len(calls),
        len(shared) <= 2 * len(calls),
    ) == ([], True, True)


@pytest.mark.parametrize("original", ODD.values(), ids=ODD.keys())
def test_an_odd_frame_comes_back_to_the_byte(original: StreamFrame) -> None:
    """Whatever a frame holds, its JSON is the same."""
    assert frame_json(round_trip(original)) == frame_json(original)


@pytest.mark.parametrize("original", EQUAL.values(), ids=EQUAL.keys())
def test_an_odd_frame_comes_back_as_the_same_model(original: StreamFrame) -> None:
    """Whatever a frame holds (but NaN, which equals nothing), it equals the original."""
    assert round_trip(original) == original


def test_an_integer_of_5000_digits_comes_back() -> None:
    """A number that CrewAI can write is a number that a recording can read."""
    original = frame(data={"huge": 10**5000})

    assert len(frame_json(round_trip(original))) == len(original.model_dump_json())


def test_numbers_that_json_does_not_have_come_back_as_themselves() -> None:
    """Not-a-number and the infinities are floats in the data, although frame JSON shows them as null."""
    data = round_trip(ODD["not-numbers"]).data

    assert repr(data) == "{'a': nan, 'b': inf, 'c': [-inf]}"


def test_a_naive_timestamp_comes_back_naive() -> None:
    """A time without offset is not taken for UTC."""
    assert round_trip(ODD["naive-timestamp"]).timestamp == MAY


def test_the_offset_of_a_timestamp_comes_back() -> None:
    """The same moment in another zone would be another text."""
    assert round_trip(ODD["odd-minutes"]).timestamp.utcoffset() == timedelta(hours=5, minutes=53)


def test_a_row_in_full() -> None:
    """Every column of a plain frame holds its field, the time in UTC; what others share is its context."""
    moment = MAY.replace(tzinfo=zone(hours=2))
    original = frame(7, timestamp=moment, parent_id="frame-1", data={"text": "ü", "n": [1, None]})
    encoder = FrameEncoder(4)
    row = FrameRow._make(encoder.encode(original, ordinal=3, offset_ns=1_500))

    assert (row, encoder.new_contexts) == (
        FrameRow(
            session=4,
            ordinal=3,
            context=0,
            offset_ns=1_500,
            timestamp=datetime(2026, 5, 1, 10, 30, 15, 123456),
            type="llm_stream_chunk",
            id="frame-7",
            seq=7,
            parent_id="frame-1",
            previous_id="frame-6",
            chunk=None,
            tool_call=None,
            data='{"text":"ü","n":[1,null]}',
            raw=None,
        ),
        [ContextRow(4, 0, "llm", ["llm"], 7_200, None)],
    )


def test_a_token_in_full() -> None:
    """Of a token frame the context holds all but the text, a call of a tool, and the envelope."""
    found, contexts = encoded(tokens({"chunk": "Hello "}, {"chunk": "", "tool_call": {"id": "t"}}))
    token = FrameRow(
        session=0,
        ordinal=0,
        context=0,
        offset_ns=0,
        timestamp=datetime(2026, 11, 20),
        type="llm_stream_chunk",
        id="frame-0",
        seq=0,
        parent_id=None,
        previous_id="",
        chunk="Hello ",
        tool_call=None,
        data=None,
        raw=None,
    )
    call = token._replace(
        ordinal=1,
        timestamp=datetime(2026, 11, 20, microsecond=1),
        id="frame-1",
        seq=1,
        previous_id=None,
        chunk="",
        tool_call='{"id":"t"}',
    )

    assert (found, list(contexts.values())) == (
        [token, call],
        [
            ContextRow(
                0,
                0,
                "llm",
                ["llm"],
                0,
                '{"model":null,"call_id":"c","chunk":"","tool_call":null,"response_id":"r"}',
            )
        ],
    )


def test_a_row_of_a_frame_with_unknown_fields() -> None:
    """The columns hold what they can, and `raw` the whole frame."""
    (row,), _ = encoded([EXTRA])

    assert (row.id, row.data, row.raw) == ("frame-0", '{"chunk":"0 "}', EXTRA.model_dump_json())


def test_a_context_of_a_frame_that_is_no_unicode() -> None:
    """In the columns a lone surrogate is escaped, so that SQL can read them."""
    _, contexts = encoded([ODD["surrogate-in-the-namespace"]])

    assert contexts[0].namespace == ["llm", "caf\\udce9"]


def test_a_row_of_data_that_is_no_object_is_refused() -> None:
    """A damaged row says what is wrong with it."""
    (row,), contexts = encoded([frame(data={"a": 1})])
    with pytest.raises(ValueError, match="the data is no JSON object"):
        frame_of(row._replace(data="[1]"), shared_of(contexts[0]), None, build_frame)
