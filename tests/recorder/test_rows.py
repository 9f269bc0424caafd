"""A frame as a row and back: nothing is lost, whatever the frame holds."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from otelstream.frame import StreamFrame, frame_json, parse_frame
from recorder.rows import FrameRow, frame_of, row_of
from tests.contract.programs import frame

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "frames").glob("*.jsonl*"))


def golden_lines(path: Path) -> Iterator[str]:
    """The lines of a golden file, each the JSON of a frame that CrewAI emitted."""
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as file
    ):
        yield from (line.rstrip("\n") for line in file)


def nested(depth: int) -> dict[str, Any]:
    """A mapping of that many levels."""
    return reduce(lambda inner, _: {"deeper": inner}, range(depth - 1), {"deepest": 0})


def zone(**offset: int) -> timezone:
    """A time zone with that offset."""
    return timezone(timedelta(**offset))


MAY = datetime(2026, 5, 1, 12, 30, 15, 123456)
EXTRA = StreamFrame.model_validate({**frame().model_dump(), "tenant": {"id": 7}, "trace": None})

ODD: dict[str, StreamFrame] = {
    "naive-timestamp": frame(timestamp=MAY),
    "utc-timestamp": frame(timestamp=MAY.replace(tzinfo=timezone.utc)),
    "odd-minutes": frame(timestamp=MAY.replace(tzinfo=zone(hours=5, minutes=53))),
    "negative-offset": frame(timestamp=MAY.replace(tzinfo=zone(hours=-9, minutes=-30))),
    "odd-seconds": frame(timestamp=MAY.replace(tzinfo=zone(hours=5, minutes=53, seconds=28))),
    "year-1": frame(timestamp=datetime(1, 1, 1)),
    "year-1-utc": frame(timestamp=datetime(1, 1, 1, tzinfo=timezone.utc)),
    "year-9999": frame(timestamp=datetime(9999, 12, 31, 23, 59, 59, 999999)),
    "year-9999-utc": frame(timestamp=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)),
    "before-year-1-in-utc": frame(timestamp=datetime(1, 1, 1, tzinfo=zone(hours=2))),
    "after-year-9999-in-utc": frame(timestamp=datetime(9999, 12, 31, 23, 59, tzinfo=zone(hours=-5))),
    "whole-second": frame(timestamp=datetime(2026, 5, 1)),
    "no-optional-fields": frame(seq=None, parent_id=None, previous_id=None, namespace=[], data={}),
    "empty-texts": frame(id="", type="", channel="", parent_id="", previous_id="", namespace=["", ""]),
    "unknown-channel": frame(channel="telepathy"),
    "unknown-fields": EXTRA,
    "empty-data": frame(data={}),
    "unicode": frame(id="ü", namespace=["名前"], data={"ключ": "😀 \u2028 \x7f"}),
    "nul": frame(id="a\0b", type="\0", namespace=["x\0y"], data={"a\0": "\0"}),
    "surrogate-in-a-value": frame(data={"path": "caf\udce9"}),
    "surrogate-in-a-nested-key": frame(data={"a": {"\ud800": 1}}),
    "surrogate-in-an-id": frame(id="\ud800", parent_id="\udfff", previous_id="\udcff"),
    "surrogate-in-the-namespace": frame(namespace=["llm", "caf\udce9"]),
    "surrogate-in-the-type": frame(type="\ud800", channel="\udfff"),
    "huge-sequence-number": frame(seq=2**70),
    "largest-sequence-number": frame(seq=2**63 - 1),
    "smallest-sequence-number": frame(seq=-(2**63)),
    "beyond-the-smallest-sequence-number": frame(seq=-(2**63) - 1),
    "huge-numbers": frame(data={"a": 2**63, "b": -(2**64), "c": 10**400, "d": 1.7976931348623157e308}),
    "small-numbers": frame(data={"a": 5e-324, "b": -0.0, "c": 0.1, "d": 1e22, "e": 1.0, "f": 1e-7}),
    "not-numbers": frame(data={"a": math.nan, "b": math.inf, "c": [-math.inf]}),
    "150-deep": frame(data=nested(150)),
    "500-deep": frame(data=nested(500)),
    "10-megabytes": frame(data={"chunk": "0123456789" * 1_000_000}),
    "repeated-text": frame(data={"a": "b", "c": ["b"] * 3, "null": None, "true": True, "false": False}),
}

EQUAL = {name: each for name, each in ODD.items() if name != "not-numbers"}
"""Those that equal themselves."""


def round_trip(original: StreamFrame) -> StreamFrame:
    """The frame that comes back."""
    return frame_of(row_of(original, ordinal=0, offset_ns=0))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_frame_comes_back_to_the_byte(path: Path) -> None:
    """Every frame of the file has the JSON that CrewAI wrote."""
    lines = list(golden_lines(path))

    assert [frame_json(round_trip(parse_frame(line))) for line in lines] == lines


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_frame_comes_back_as_the_same_model(path: Path) -> None:
    """Every frame of the file equals the original, field by field."""
    frames = [parse_frame(line) for line in golden_lines(path)]

    assert [round_trip(original) for original in frames] == frames


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_frame_fits_the_columns(path: Path) -> None:
    """What CrewAI emits needs no second copy in `raw`."""
    rows = [row_of(parse_frame(line), 0, 0) for line in golden_lines(path)]

    assert [row.ordinal for row in rows if row.raw is not None] == []


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
    """Every column of a plain frame holds its field, the time in UTC."""
    moment = MAY.replace(tzinfo=zone(hours=2))
    original = frame(7, timestamp=moment, parent_id="frame-1", data={"chunk": "ü", "n": [1, None]})

    assert row_of(original, ordinal=3, offset_ns=1_500) == FrameRow(
        ordinal=3,
        offset_ns=1_500,
        id="frame-7",
        seq=7,
        type="llm_stream_chunk",
        channel="llm",
        namespace=["llm"],
        timestamp=datetime(2026, 5, 1, 10, 30, 15, 123456),
        utc_offset=7_200,
        parent_id="frame-1",
        previous_id="frame-6",
        data='{"chunk":"ü","n":[1,null]}',
        raw=None,
    )


def test_a_row_of_a_frame_with_unknown_fields() -> None:
    """The columns hold what they can, and `raw` the whole frame."""
    row = row_of(EXTRA, ordinal=0, offset_ns=0)

    assert (row.id, row.data, row.raw) == ("frame-0", '{"chunk":"0 "}', EXTRA.model_dump_json())


def test_a_row_of_a_frame_that_is_no_unicode() -> None:
    """In the columns a lone surrogate is escaped, so that SQL can read them."""
    row = row_of(ODD["surrogate-in-the-namespace"], ordinal=0, offset_ns=0)

    assert row.namespace == ["llm", "caf\\udce9"]
