"""Frames to record: what CrewAI really emitted, and whatever else a frame may hold."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import UUID

from otelstream.frame import StreamFrame
from recorder.encoder import FrameEncoder
from recorder.rows import ContextRow, FrameRow, build_frame, frame_of, shared_of
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
CALL: dict[str, Any] = {"model": None, "call_id": "c", "chunk": "", "tool_call": None, "response_id": "r"}
"""What the data of a token frame is like, in the runtime's order."""

HALVES = "\ud83d" + "\ude00"
OBJECTS: dict[str, Any] = {
    "id": UUID(int=5),
    "frame": frame(),
    "bytes": b"abc",
    "set": {1},
    "decimal": Decimal("1.50"),
    "seconds": timedelta(seconds=5),
    "keys": {(1, "two"): 1, UUID(int=5): 2, None: 3},
    "floats": [1e16, 1e-7],
    "huge": 10**5000,
}

ODD: dict[str, StreamFrame] = {
    "naive-timestamp": frame(timestamp=MAY),
    "utc-timestamp": frame(timestamp=MAY.replace(tzinfo=timezone.utc)),
    "odd-minutes": frame(timestamp=MAY.replace(tzinfo=zone(hours=5, minutes=53))),
    "negative-offset": frame(timestamp=MAY.replace(tzinfo=zone(hours=-9, minutes=-30))),
    "odd-seconds": frame(timestamp=MAY.replace(tzinfo=zone(hours=5, minutes=53, seconds=28))),
    "fraction-of-a-second": frame(timestamp=MAY.replace(tzinfo=zone(hours=1, microseconds=7))),
    "fraction-below-zero": frame(timestamp=MAY.replace(tzinfo=zone(seconds=-1, microseconds=5))),
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
    "two-halves-of-a-pair": frame(data={"text": f"smile {HALVES}", HALVES: "😀"}),
    "two-halves-in-the-envelope": frame(id=HALVES, type=HALVES, namespace=[HALVES]),
    "two-halves-in-a-chunk": frame(data={**CALL, "chunk": HALVES}),
    "two-halves-in-a-tool-call": frame(data={**CALL, "tool_call": {"arguments": HALVES}}),
    "surrogate-beside-objects": frame(data={"text": "é\ud800", **OBJECTS}),
    "surrogate-beside-nan": frame(data={"text": "\ud800", "nan": math.nan}),
    "surrogate-in-a-tuple-of-a-key": frame(data={"keys": {("\ud800", 1): 1}}),
    "replacement-beside-objects": frame(data={"text": "\ufffd", **OBJECTS}),
    "huge-key": frame(data={"é": {10**5000: 1}}),
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
    "990-deep": frame(data=nested(990)),
    "3000-deep": frame(data={**nested(3_000), "é": math.nan}),
    "10-megabytes": frame(data={"chunk": "0123456789" * 1_000_000}),
    "tool-call": frame(data={**CALL, "chunk": "", "tool_call": {"id": "t", "function": {"arguments": "{}"}}}),
    "tool-call-of-a-number": frame(data={**CALL, "chunk": "x", "tool_call": -0.0}),
    "tool-call-that-is-no-unicode": frame(data={**CALL, "chunk": "x", "tool_call": {"a": "\ud800"}}),
    "tool-call-that-is-no-number": frame(data={"chunk": "", "tool_call": {"a": math.nan}}),
    "chunk-like-a-chunk": frame(data={**CALL, "chunk": '"chunk":""'}),
    "chunk-like-a-tool-call": frame(data={**CALL, "chunk": '"tool_call":null'}),
    "chunk-that-ends-in-a-key": frame(data={"chunk": 'x"tool_call', "tool_call": None}),
    "key-like-a-chunk": frame(data={"chunk": "a", 'x"chunk': ""}),
    "key-like-a-tool-call": frame(data={"chunk": "a", 'x"tool_call': None, "tool_call": {"id": 1}}),
    "chunk-deeper-down": frame(data={"chunk": "a", "inner": {"chunk": "", "tool_call": None}}),
    "chunk-of-controls": frame(data={**CALL, "chunk": "\0\x01\b\f\x0b\x1f\x7f"}),
    "chunk-of-white-space": frame(data={**CALL, "chunk": "\t\r\n \x85\u2028\xa0"}),
    "chunk-that-is-no-unicode": frame(data={**CALL, "chunk": "caf\udce9"}),
    "chunk-of-another-plane": frame(data={**CALL, "chunk": "\U0001f600\ufffe\ufffd"}),
    "chunk-in-quotes": frame(data={**CALL, "chunk": "a\"b\\c/d'e"}),
    "chunk-without-tool-call": frame(data={"chunk": "a"}),
    "chunk-that-is-none": frame(data={**CALL, "chunk": None}),
    "chunk-that-is-a-number": frame(data={**CALL, "chunk": 7}),
    "call-id-that-is-a-list": frame(data={**CALL, "call_id": ["c"], "chunk": "a"}),
    "replaced-key": frame(data={"chunk": "a", "\ufffd": 1}),
    "key-that-is-no-unicode": frame(data={"chunk": "a", "\ud800": 1}),
    "channel-that-is-no-unicode": frame(channel="\ud800", data={**CALL, "chunk": "a"}),
    "keys-that-are-numbers": frame(data={"chunk": "a", "usage": {1: "one", 2: {True: None}}}),
    "bytes-and-sets": frame(data={"bytes": b"caf\xc3\xa9", "set": {1}, "when": MAY, "tuple": (1, 2)}),
    "bytes-that-are-no-unicode": frame(data={"bytes": b"\xff"}),
    "an-object": frame(data={"chunk": "a", "zone": zone(hours=1)}),
    "uuid": frame(id="85346989-d8dc-441e-9b4d-a9425fbca0c7"),
    "uuid-in-capitals": frame(id="85346989-D8DC-441E-9B4D-A9425FBCA0C7"),
    "uuid-in-braces": frame(id="{85346989-d8dc-441e-9b4d-a9425fbca0c7}"),
    "uuid-and-more": frame(id="85346989-d8dc-441e-9b4d-a9425fbca0c7\n"),
    "repeated-text": frame(data={"a": "b", "c": ["b"] * 3, "null": None, "true": True, "false": False}),
}

UNEQUAL = (
    *("not-numbers", "tool-call-that-is-no-number", "keys-that-are-numbers", "bytes-and-sets", "an-object"),
    *("bytes-that-are-no-unicode", "fraction-of-a-second", "fraction-below-zero", "surrogate-beside-objects"),
    *("surrogate-beside-nan", "surrogate-in-a-tuple-of-a-key", "replacement-beside-objects", "huge-key"),
    *("990-deep", "3000-deep"),
)
EQUAL = {name: each for name, each in ODD.items() if name not in UNEQUAL}
"""Those that equal themselves when they have been through JSON, and that Python can compare."""


def encoded(frames: Iterable[StreamFrame]) -> tuple[list[FrameRow], dict[int, ContextRow]]:
    """The rows of a session's frames, and its contexts by their number."""
    encoder = FrameEncoder(0)
    found = [FrameRow._make(encoder.encode(each, ordinal, 0)) for ordinal, each in enumerate(frames)]
    return found, {context.context: context for context in encoder.new_contexts}


def round_trips(frames: Iterable[StreamFrame]) -> list[StreamFrame]:
    """The frames of a session that come back."""
    found, contexts = encoded(frames)
    before = [None, *(row.id for row in found)]
    return [
        frame_of(row, shared_of(contexts[row.context]), before[row.ordinal], build_frame) for row in found
    ]


def round_trip(original: StreamFrame) -> StreamFrame:
    """The only frame of a session that comes back."""
    return round_trips([original])[0]


def tokens(*datas: dict[str, Any], **fields: Any) -> list[StreamFrame]:  # noqa: ANN401  fields of any type
    """Token frames of one call, with these data laid over what they have in common."""
    return [frame(number, data={**CALL, **data}, **fields) for number, data in enumerate(datas)]
