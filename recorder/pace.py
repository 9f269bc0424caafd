"""Holds the frames of a replay back until they are due, in a thread or on an event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from inspect import GEN_RUNNING, getgeneratorstate
from typing import Final, Protocol

from otelstream.frame import FrameLike
from recorder.playhead import Clock, Playhead, Tempo, Timeline

_LONGEST_S: Final = 3_600.0
"""Nobody sleeps longer at a time: what a platform can wait for is bounded."""


class Holder(Protocol):
    """What holds the frames of a replay back until they are due."""

    def begin(self, *, at_once: bool) -> None:
        """Take note that the replay begins, and whether its first frame shall come at once."""

    def hold(self, ordinal: int, offset_ns: int) -> bool:
        """Wait until a frame is due; return False if the replay shall end before it."""

    def stop(self) -> None:
        """End the replay before its next frame, from any thread."""


class _Schedule:
    """What both paces share: when a frame is due.

    Args:
        tempo: How fast the replay is, at a rate above 0.
        clock: What time it is.
    """

    def __init__(self, tempo: Tempo, clock: Clock) -> None:
        self._tempo = tempo
        self._clock = clock

    def begin(self, *, at_once: bool) -> None:
        """Take note that the replay begins, and whether its first frame shall come at once."""
        self._timeline = Timeline(self._tempo.idle_limit, at_once=at_once)
        self._playhead = Playhead(self._tempo.rate, self._clock)

    def _waits(self, offset_ns: int) -> Iterator[float]:
        """Yield how many seconds to wait for a frame, again and again until it is due."""
        position = self._timeline.position_of(offset_ns)
        while (left := self._playhead.seconds_to(position)) > 0:
            yield min(left, _LONGEST_S)


class Pace(_Schedule):
    """A `Holder` that waits in the thread that asks for the frames.

    Args:
        tempo: How fast the replay is, at a rate above 0.
        clock: What time it is.
        wait: Waits so many seconds; by default also no longer than until the replay is stopped.
    """

    def __init__(
        self,
        tempo: Tempo,
        clock: Clock = time.monotonic_ns,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__(tempo, clock)
        self._stopped = threading.Event()
        self._wait = self._stopped.wait if wait is None else wait

    def hold(self, ordinal: int, offset_ns: int) -> bool:  # noqa: ARG002  other holders show it
        """Wait until a frame is due; return False if the replay shall end before it."""
        for seconds in self._waits(offset_ns):
            if self._stopped.is_set():
                break
            self._wait(seconds)
        return not self._stopped.is_set()

    def stop(self) -> None:
        """End the replay before its next frame, from any thread."""
        self._stopped.set()


class AsyncPace(_Schedule):
    """Waits on the event loop, which goes on meanwhile.

    Args:
        tempo: How fast the replay is, at a rate above 0.
        clock: What time it is.
        sleep: Lets so many seconds pass; None for `asyncio.sleep`.
    """

    def __init__(
        self,
        tempo: Tempo,
        clock: Clock = time.monotonic_ns,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        import asyncio  # 0.03 s, which only those wait for who have loaded it

        super().__init__(tempo, clock)
        self._sleep = sleep or asyncio.sleep

    async def hold(self, offset_ns: int) -> None:
        """Wait until a frame is due."""
        for seconds in self._waits(offset_ns):
            await self._sleep(seconds)


class HeldFrames:
    """The frames of a replay that waits: it can be closed while another thread waits for the next one.

    A generator alone refuses that, as a live session does, and would go on to wait.

    Args:
        frames: The generator of the frames.
        holder: What it waits for.
    """

    def __init__(self, frames: Generator[FrameLike, None, None], holder: Holder) -> None:
        self._frames = frames
        self._holder = holder
        self._running = threading.RLock()

    def __iter__(self) -> Iterator[FrameLike]:
        return self

    def __next__(self) -> FrameLike:
        with self._running:
            return next(self._frames)

    def close(self) -> None:
        """End the replay; a thread that waits for a frame gets none any more."""
        self._holder.stop()
        with self._running:
            # It runs where a signal's handler closes it in the middle of a wait: then it ends by itself.
            if getgeneratorstate(self._frames) != GEN_RUNNING:
                self._frames.close()
