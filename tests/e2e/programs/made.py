"""Frames of made-up sessions: a lane and a number tell all of it, so whoever makes one makes the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from otelstream.frame import StreamFrame, frame_json

START: Final = datetime(2026, 11, 20, 8, 30, tzinfo=timezone.utc)
STEP: Final = timedelta(microseconds=20)
DUMP_EVERY: Final = 40
"""Every so many frames one is no token, but holds a state of some kilobytes."""


def made(lane: str, number: int, dump_chars: int = 4_000) -> StreamFrame:
    """Return a frame of a lane: its first one names the session, most others are tokens.

    Args:
        lane: Which session; its name.
        number: Which frame of it.
        dump_chars: Size of the frames that are no tokens.
    """
    if number == 0:
        return _frame(lane, number, "flow_started", "flow", {"flow_name": lane, "inputs": None})
    if number % DUMP_EVERY == 0:
        text = f"{lane} {number} lorem ipsum dolor sit amet " * (dump_chars // 40)
        return _frame(lane, number, "agent_state", "custom", {"state": {"text": text, "number": number}})
    data = {"chunk": f"{number} ", "call_id": f"call-{lane}-{number // 500}", "tool_call": None}
    return _frame(lane, number, "llm_stream_chunk", "llm", data)


def lane_of(name: str, count: int, dump_chars: int = 4_000) -> Iterator[StreamFrame]:
    """Yield the first frames of a lane."""
    return (made(name, number, dump_chars) for number in range(count))


def made_json(lane: str, count: int, dump_chars: int = 4_000) -> list[str]:
    """Return the first frames of a lane as JSON."""
    return [frame_json(frame) for frame in lane_of(lane, count, dump_chars)]


def _frame(lane: str, number: int, type_: str, channel: str, data: dict[str, Any]) -> StreamFrame:
    return StreamFrame.model_construct(
        id=_id(lane, number),
        seq=number,
        type=type_,
        channel=channel,
        namespace=[channel],
        timestamp=START + number * STEP,
        parent_id=None if number == 0 else _id(lane, 0),
        previous_id=None if number == 0 else _id(lane, number - 1),
        data=data,
    )


def _id(lane: str, number: int) -> str:
    return f"{zlib.crc32(lane.encode()):08x}-0000-4000-8000-{number:012x}"
