"""A clock that tests turn, and recordings whose frames arrived when the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from otelstream.frame import StreamFrame, timestamp_ns
from otelstream.jsontext import encode_json
from recorder.cut import Part
from recorder.exceptions import encode_exception
from recorder.listing import Selector
from recorder.pace import AsyncPace, Pace
from recorder.playhead import Tempo
from recorder.replay import Tape
from recorder.session import AsyncStreamSession, StreamSession
from recorder.writer import Writer
from tests.recorder.recordings import end, session_id, start

SECOND: Final = 1_000_000_000
ALL: Final = Part()
BOOM: Final = encode_json(encode_exception(ValueError("boom")))


class FakeClock:
    """Time passes only where somebody waits, and then a little more than was asked for.

    Args:
        late_ns: By how many nanoseconds every wait is too long.

    Attributes:
        now_ns: What time it is.
        waits: For how many seconds was waited, each time.
    """

    def __init__(self, late_ns: int = 0) -> None:
        self.now_ns = 50 * SECOND
        self.waits: list[float] = []
        self._late_ns = late_ns

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.now_ns += round(seconds * SECOND) + self._late_ns

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and others run."""
        self.wait(seconds)
        await asyncio.sleep(0)


def pace(clock: FakeClock, rate: float = 1.0, idle_limit: float | None = None) -> Pace:
    """A pace by that clock."""
    return Pace(Tempo(rate, idle_limit), clock, clock.wait)


def apace(clock: FakeClock, rate: float = 1.0, idle_limit: float | None = None) -> AsyncPace:
    """The same for an event loop."""
    return AsyncPace(Tempo(rate, idle_limit), clock, clock.sleep)


def times(session: StreamSession[Any], clock: FakeClock) -> list[int]:
    """When each frame of a session comes, in nanoseconds after the first was asked for."""
    began = clock.now_ns
    return [clock.now_ns - began for _ in session]


async def atimes(session: AsyncStreamSession[Any], clock: FakeClock) -> list[int]:
    """The same of an asynchronous session."""
    began = clock.now_ns
    return [clock.now_ns - began async for _ in session]


def played(path: Path, clock: FakeClock, part: Part = ALL, session: Selector = "last") -> list[int]:
    """When each frame of a part of a recording comes at the rate of 1."""
    return times(Tape(path, session, part).stream(pace(clock)), clock)


def record_at(
    writer: Writer, number: int, arrivals: Sequence[tuple[int, StreamFrame]], state: str = "completed"
) -> None:
    """Record a session of frames, each with the nanoseconds from the start to its arrival.

    Its result is `done`; a failed one ends with `ValueError("boom")`.
    """
    writer.begin(start(number))
    for ordinal, (offset_ns, frame) in enumerate(arrivals):
        writer.add(session_id(number), ordinal, offset_ns, frame)
    failed = {"result": None, "error": BOOM, "error_type": "ValueError", "error_message": "boom"}
    writer.end(session_id(number), end(len(arrivals), state, **(failed if state == "failed" else {})))
    writer.flush()


def as_stamped(frames: Sequence[StreamFrame]) -> list[tuple[int, StreamFrame]]:
    """Frames that arrived when they were made, the first of them a second after the session's start."""
    first = timestamp_ns(frames[0])
    return [(SECOND + timestamp_ns(each) - first, each) for each in frames]
