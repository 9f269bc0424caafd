"""One observed session on the program's side: a bounded queue, and an end that can be waited for.

The program's thread pays for an append and nothing else, unless it asked to wait when the queue is full. No
method raises.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from opentelemetry import trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import SpanContext

from otelstream.bridge.counters import Losses
from otelstream.bridge.spans import Destinations
from otelstream.bridge.targets import Target
from otelstream.bridge.weights import Weights
from otelstream.config import Settings
from otelstream.frame import FrameLike
from otelstream.redact import Redactor
from otelstream.source.session import EndState, Result
from otelstream.span.options import SpanOptions

POLL_S: Final = 0.005
"""How often an event loop looks whether there is room in the queue again, in seconds."""

OrphanReason = Literal["after_fork", "after_shutdown", "after_end", "no_thread"]

WHY_DROPPED: Final[dict[Literal["queue_full"] | OrphanReason, str]] = {
    "queue_full": "frames come faster than they can be handled; they are dropped and counted"
    " (OTELSTREAM_QUEUE_MB, OTELSTREAM_QUEUE_POLICY).",
    "after_fork": "a session went on in a forked process; it is not observed there.",
    "after_shutdown": "a session went on after shutdown(), or the process ended before it was all handled.",
    "after_end": "a session went on after it had ended, as it was cancelled; it is not observed any more.",
    "no_thread": "a session is not observed, as no thread can be started: the process has too many, or ends.",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What `observe` was asked to do with one session."""

    record: Target | None
    redactor: Redactor | None
    to: Destinations
    spans: SpanOptions
    meter_provider: MeterProvider | None
    flush_on_end: bool
    entry_point: str | None
    mode: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was true in the program when it asked for the first frame."""

    time_ns: int
    clock_ns: int
    parent: SpanContext | None


class Arrival(NamedTuple):  # made for every token, in half of the time of a frozen dataclass
    """A frame and when it arrived, in nanoseconds of a monotonic clock.

    Attributes:
        dropped: How many frames of the session had found the queue full before it.
    """

    frame: FrameLike
    clock_ns: int
    weight: int
    dropped: int


@dataclass(frozen=True, slots=True)
class End:
    """The end of a session, behind its last frame in the queue."""

    state: EndState
    time_ns: int
    result: Result = ()
    error: BaseException | None = None
    done: Future[None] = field(default_factory=Future)


class Stream:
    """Takes the frames of one session from the program, and gives them to the pipeline.

    Args:
        options: What shall become of them.
        settings: Parameters of the process.
        losses: Where dropped frames are counted.
        wake: Called when there is something to do; True means at once.

    Attributes:
        dropped: How many frames found the queue full.
        cut: How many were in the queue when there was no more time for them.
        orphaned: Why no more frames are taken; None while they are.
    """

    def __init__(
        self, options: Options, settings: Settings, losses: Losses, wake: Callable[[bool], None]
    ) -> None:
        self.options = options
        self.dropped = self.cut = 0
        self.weights = Weights()
        self.beginning: Beginning | None = None
        self.orphaned: OrphanReason | None = None
        self._losses = losses
        self._wake = wake
        self._limit = settings.queue_mb * 1_000_000
        self._batch_frames = settings.batch_frames
        self._blocks = settings.queue_policy == "block"
        self._block_s = settings.block_ms / 1000
        self._room = threading.Event()
        self._waited_in_vain = False
        self._timeout_s = settings.flush_timeout_ms / 1000
        self._finished = False
        self._queue: deque[Arrival | End] = deque()
        # Each is written by one thread only, so neither needs a lock.
        self._put_bytes = 0
        self._taken_bytes = 0

    def begin(self) -> None:
        """Note the time, and the span that is active in the program; files are opened meanwhile."""
        context = trace.get_current_span().get_span_context()
        parent = context if context.is_valid else None
        self.beginning = Beginning(time.time_ns(), time.monotonic_ns(), parent)
        self._wake(True)  # noqa: FBT003  a callback

    def put(self, frame: FrameLike, *, may_wait: bool = True) -> None:
        """Take a frame, unless too much is waiting; then it is dropped and counted."""
        try:
            weight = self.weights.of(frame)
        except (AttributeError, TypeError):
            self._losses.add("frame", 1, "a session yielded something that is no frame; it was not observed.")
            return
        except Exception as error:  # noqa: BLE001  another thread may change its data meanwhile
            self._losses.failed("frame", 1, error)
            return
        is_full = self._is_full
        if is_full and self._blocks and may_wait:
            self._wait_for_room()
            is_full = self._is_full
        if is_full or self.orphaned is not None:
            self._drop()
            return
        self._queue.append(Arrival(frame, time.monotonic_ns(), weight, self.dropped))
        self._put_bytes += weight
        self._wake(len(self._queue) >= self._batch_frames)
        if self._finished:  # just now: whoever takes this frame out of the queue counts it
            self._empty()

    async def put_async(self, frame: FrameLike) -> None:
        """Do the same without blocking the event loop; a frame is taken also if this is cancelled."""
        try:
            if self._is_full and self._blocks and not self._waited_in_vain:
                await self._wait_for_room_async()
        finally:
            self.put(frame, may_wait=False)

    def end(self, state: EndState, result: Result, error: BaseException | None) -> Future[None]:
        """Take the end of the session; the future is done when all of it has been handled."""
        end = End(state, time.time_ns(), result, error)
        if self.orphaned is not None:
            end.done.set_result(None)
        else:
            self._queue.append(end)
            self._wake(True)  # noqa: FBT003  a callback
            if self._finished:  # as in `put`
                self._empty()
        return end.done

    def abandon(self) -> None:
        """End a session that the program forgot; nothing happens if it had ended.

        Called from a garbage collection, which may interrupt a thread that holds any lock: nobody is woken.
        """
        self._queue.append(End("cancelled", time.time_ns()))

    def wait(self, done: Future[None]) -> None:
        """Wait until the session's spans are ended and its recording is committed, within the limit."""
        if not self.options.flush_on_end:
            return
        try:
            done.result(self._timeout_s)
        except FutureTimeoutError:
            self._late()

    async def wait_async(self, done: Future[None]) -> None:
        """Do the same without blocking the event loop."""
        if not self.options.flush_on_end:
            return
        waiting = asyncio.wrap_future(done)
        try:
            finished, _ = await asyncio.wait({waiting}, timeout=self._timeout_s)
        finally:
            waiting.cancel()  # nobody shall tell a loop that may be closed by then
        if not finished:
            self._late()

    def orphan(self, reason: OrphanReason, losses: Losses) -> None:
        """Take no more frames, and count them under that reason. What is in the queue stays there."""
        self.orphaned, self._losses = reason, losses
        self._room.set()

    def cut_short(self) -> None:
        """Count the frames that are in the queue, as there is no more time for them. Ends stay there."""
        self.cut += self._empty()

    def finish(self, rest: Sequence[Arrival] = ()) -> None:
        """Count what comes from now on and what is in the queue, as nobody handles that any more.

        Args:
            rest: What was taken from it behind the session's end.
        """
        self.orphaned = self.orphaned or "after_end"
        self._finished = True
        for _ in rest:
            self._drop()
        self._empty()

    @property
    def waiting(self) -> int:
        """How many frames wait to be taken."""
        return len(self._queue)

    def take(self) -> list[Arrival | End]:
        """Return what is waiting now, oldest first."""
        taken: list[Arrival | End] = []
        with suppress(IndexError):  # `cut_short` may be faster
            for _ in range(len(self._queue)):
                taken.append(self._queue.popleft())  # noqa: PERF401  what was taken before is not lost
        return taken

    def let_go(self, arrivals: Iterable[Arrival]) -> None:
        """Make room, as these frames are not in memory any more. Only the pipeline's thread calls it."""
        self._taken_bytes += sum(arrival.weight for arrival in arrivals)
        self._waited_in_vain = False
        self._room.set()

    @property
    def _is_full(self) -> bool:
        return self._put_bytes - self._taken_bytes > self._limit

    def _wait_for_room(self) -> None:
        """Wait until frames have been taken, within the limit; not again before there was room."""
        if self._waited_in_vain or self.orphaned is not None:
            return
        deadline = time.monotonic() + self._block_s
        self._wake(True)  # noqa: FBT003  a callback
        while self._is_full and (left := deadline - time.monotonic()) > 0:
            self._room.clear()
            if self.orphaned is not None:
                break
            if self._is_full:  # it may have been emptied before the event was cleared
                self._room.wait(left)
        self._waited_in_vain = self._is_full

    async def _wait_for_room_async(self) -> None:
        deadline = time.monotonic() + self._block_s
        self._wake(True)  # noqa: FBT003  a callback
        while self._is_full and self.orphaned is None and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
        self._waited_in_vain = self._is_full

    def _drop(self) -> None:
        reason = self.orphaned or "queue_full"
        self.dropped += reason == "queue_full"
        self._losses.add(reason, 1, WHY_DROPPED[reason])

    def _empty(self) -> int:
        """Count the frames in the queue as lost, and return how many; nobody waits for its ends any more."""
        items = self.take()
        ends = [item for item in items if isinstance(item, End)]
        for _ in range(len(items) - len(ends)):
            self._drop()
        if not self._finished:
            self._queue.extend(ends)
            return len(items) - len(ends)
        for end in ends:
            if end.done.set_running_or_notify_cancel():
                end.done.set_result(None)
        return len(items) - len(ends)

    def _late(self) -> None:
        self._losses.say(
            f"a session ended, and its spans and recording were not finished after {self._timeout_s:g} s;"
            " they go on in the background (OTELSTREAM_FLUSH_TIMEOUT_MS)."
        )
