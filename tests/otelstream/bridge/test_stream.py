"""The queue between a program and the pipeline: bounded, counted, and never in the program's way."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from otelstream.bridge.counters import Losses
from otelstream.bridge.spans import Destinations
from otelstream.bridge.stream import Arrival, End, Options, OrphanReason, Stream
from otelstream.bridge.weights import FRAME_BYTES
from otelstream.config import Settings
from otelstream.span.options import SpanOptions
from otelstream.testing import make_frame

MEGABYTE = 1_000_000


@dataclass
class Wakes:
    """How often the pipeline was woken, and how urgently."""

    calls: list[bool] = field(default_factory=list)

    def __call__(self, urgent: bool) -> None:
        """Take note."""
        self.calls.append(urgent)


@dataclass
class Bench:
    """A stream, and everything that it touches."""

    stream: Stream
    losses: Losses
    wakes: Wakes


def bench(*, flush_on_end: bool = True, **variables: Any) -> Bench:  # noqa: ANN401  any parameter
    """Return a stream that nobody takes from, with room for 1 MB."""
    losses, wakes = Losses(), Wakes()
    options = Options(
        record=None,
        redactor=None,
        to=Destinations(None, None, None),
        spans=SpanOptions(),
        meter_provider=None,
        flush_on_end=flush_on_end,
        entry_point=None,
        mode="sync",
    )
    settings = Settings(**{"queue_mb": 1, **variables})
    return Bench(Stream(options, settings, losses, wakes), losses, wakes)


def handle(stream: Stream) -> None:
    """Take what is in the queue, and let go of it."""
    stream.let_go(item for item in stream.take() if isinstance(item, Arrival))


def taken(stream: Stream) -> list[str]:
    """Return what is in the queue: ids of frames, and states of ends."""
    return [item.frame.id if isinstance(item, Arrival) else item.state for item in stream.take()]


def test_frames_and_the_end_come_in_order() -> None:
    """What was put first is taken first, and the end is behind the last frame."""
    stream = bench().stream
    for number in range(3):
        stream.put(make_frame("tick", id=f"f{number}"))
    stream.end("completed", (1,), None)

    assert taken(stream) == ["f0", "f1", "f2", "completed"]


def test_taking_empties_the_queue() -> None:
    """Nothing is taken twice."""
    stream = bench().stream
    stream.put(make_frame("tick"))
    stream.take()

    assert stream.take() == []


def test_a_frame_is_handed_over_as_it_is() -> None:
    """Not copied, not changed."""
    stream, frame = bench().stream, make_frame("tick")
    stream.put(frame)
    (arrival,) = stream.take()

    assert isinstance(arrival, Arrival)
    assert arrival.frame is frame


def test_an_end_has_all_that_it_was_told() -> None:
    """State, result and exception."""
    stream, error = bench().stream, ValueError("there is no tea")
    stream.end("failed", (), error)
    (end,) = stream.take()

    assert isinstance(end, End)
    assert (end.state, end.result, end.error) == ("failed", (), error)


def test_a_frame_wakes_without_haste_and_an_end_at_once() -> None:
    """Frames may gather, an end may not wait."""
    made = bench()
    made.stream.put(make_frame("tick"))
    made.stream.end("completed", (), None)

    assert made.wakes.calls == [False, True]


def test_beyond_the_limit_frames_are_dropped_and_counted() -> None:
    """A megabyte holds a thousand frames of unknown weight, and one that finds it not over-full."""
    made = bench()
    for _ in range(MEGABYTE // FRAME_BYTES + 11):
        made.stream.put(make_frame("tick"))

    assert (len(made.stream.take()), made.stream.dropped, made.losses.counts()) == (
        1_001,
        10,
        {"queue_full": 10},
    )


def test_a_drop_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The line says which variable raises the limit."""
    made = bench()
    for _ in range(1_100):
        made.stream.put(make_frame("tick"))

    assert [
        "(OTELSTREAM_QUEUE_MB, OTELSTREAM_QUEUE_POLICY)" in record.getMessage() for record in caplog.records
    ] == [True]


def test_what_was_handled_makes_room() -> None:
    """The limit is on what is in memory, not on what has passed."""
    made = bench()
    for _ in range(5):
        for _ in range(500):
            made.stream.put(make_frame("tick"))
        handle(made.stream)

    assert made.stream.dropped == 0


def test_what_was_taken_and_is_being_handled_makes_no_room() -> None:
    """It is in memory as before."""
    made = bench()
    for _ in range(2):
        for _ in range(501):
            made.stream.put(make_frame("tick"))
        made.stream.take()

    assert made.stream.dropped == 1


def test_a_known_weight_counts() -> None:
    """Frames of a type that was measured weigh what it weighed."""
    made = bench()
    made.stream.weights.learn(make_frame("crew_kickoff_started", data={"text": "x" * (MEGABYTE * 2 // 5)}))
    for _ in range(5):
        made.stream.put(make_frame("crew_kickoff_started"))

    assert (len(made.stream.take()), made.stream.dropped) == (3, 2)


def test_a_weight_learnt_meanwhile_is_taken_back_as_it_was_put() -> None:
    """A frame put at one weight leaves at the same, so that the sum stays right."""
    made = bench()
    for _ in range(1_000):
        made.stream.put(make_frame("tick"))
    made.stream.weights.learn(make_frame("tick", data={"text": "x" * (MEGABYTE * 9 // 10)}))
    handle(made.stream)
    made.stream.put(make_frame("tick"))
    made.stream.put(make_frame("tick"))

    assert made.stream.dropped == 0


def test_an_end_comes_through_a_full_queue() -> None:
    """However many frames are dropped, the session still ends."""
    stream = bench().stream
    for _ in range(2_000):
        stream.put(make_frame("tick"))
    stream.end("completed", (), None)

    assert taken(stream)[-1] == "completed"


@pytest.mark.parametrize("thing", [None, 3, "tick", object()])
def test_what_is_no_frame_is_counted(thing: object) -> None:
    """A session that yields something else is not interrupted; what it yielded is not observed."""
    made = bench()
    made.stream.put(thing)  # type: ignore[arg-type]  # that is the point

    assert (made.stream.take(), made.losses.counts()) == ([], {"frame": 1})


def test_a_forgotten_session_is_cancelled_and_wakes_nobody() -> None:
    """A garbage collection may not take a lock, so the pipeline looks by itself."""
    made = bench()
    made.stream.abandon()

    assert (taken(made.stream), made.wakes.calls) == (["cancelled"], [])


def test_the_beginning_knows_the_active_span() -> None:
    """The caller's span, when the first frame is asked for, is the parent to be."""
    stream = bench().stream
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("caller") as caller:
        stream.begin()

    assert stream.beginning is not None
    assert stream.beginning.parent == caller.get_span_context()


def test_the_beginning_without_a_span_has_no_parent() -> None:
    """OpenTelemetry's invalid span is none."""
    stream = bench().stream
    stream.begin()

    assert trace.get_current_span() is trace.INVALID_SPAN
    assert stream.beginning is not None
    assert stream.beginning.parent is None


def test_waiting_ends_when_the_work_is_done() -> None:
    """A future that is done is not waited for."""
    stream, done = bench(flush_timeout_ms=60_000).stream, Future[None]()
    done.set_result(None)
    started = time.monotonic()
    stream.wait(done)

    assert time.monotonic() - started < 10


def test_waiting_gives_up_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """After the limit the program goes on, and the log says what that means."""
    bench(flush_timeout_ms=20).stream.wait(Future())

    assert [record.getMessage() for record in caplog.records] == [
        "a session ended, and its spans and recording were not finished after 0.02 s; they go on in the"
        " background (OTELSTREAM_FLUSH_TIMEOUT_MS)."
    ]


def test_waiting_on_a_loop_gives_up_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """The same without blocking the event loop."""
    asyncio.run(bench(flush_timeout_ms=20).stream.wait_async(Future()))

    assert len(caplog.records) == 1


def test_waiting_on_a_loop_ends_when_the_work_is_done() -> None:
    """The result may come from another thread."""

    async def run() -> float:
        stream, done = bench(flush_timeout_ms=60_000).stream, Future[None]()
        loop, started = asyncio.get_running_loop(), time.monotonic()
        waiting = asyncio.create_task(stream.wait_async(done))
        await loop.run_in_executor(None, done.set_result, None)
        await waiting
        return time.monotonic() - started

    assert asyncio.run(run()) < 10


def test_without_flush_on_end_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    """The program asked for it: nothing is waited for, and nothing said."""
    stream = bench(flush_on_end=False, flush_timeout_ms=60_000).stream
    stream.wait(Future())
    asyncio.run(stream.wait_async(Future()))

    assert caplog.records == []


@pytest.mark.parametrize("reason", ["after_fork", "after_shutdown", "no_thread"])
def test_an_orphan_counts_its_frames_and_keeps_none(reason: OrphanReason) -> None:
    """Where nobody takes the frames any more, each is lost for that reason, in the counters given."""
    made, here = bench(), Losses()
    made.stream.orphan(reason, here)
    made.stream.put(make_frame("tick"))

    assert (made.stream.take(), here.counts(), made.losses.counts()) == ([], {reason: 1}, {})


@pytest.mark.parametrize("reason", ["after_fork", "after_shutdown", "no_thread"])
def test_the_end_of_an_orphan_is_done_at_once(reason: OrphanReason) -> None:
    """Nobody will handle it, so nobody may wait for it."""
    made = bench()
    made.stream.orphan(reason, Losses())

    assert (made.stream.end("completed", (), None).done(), made.stream.take()) == (True, [])


def test_a_shutdown_that_has_no_more_time_counts_what_was_waiting() -> None:
    """Frames that the pipeline did not take in time are lost; the session is still to be ended."""
    made, here = bench(), Losses()
    for _ in range(3):
        made.stream.put(make_frame("tick"))
    made.stream.orphan("after_shutdown", here)
    made.stream.abandon()
    made.stream.cut_short()

    assert (here.counts(), made.stream.cut, taken(made.stream)) == ({"after_shutdown": 3}, 3, ["cancelled"])


def test_what_is_behind_an_end_is_counted() -> None:
    """Whether it was taken with the end, is in the queue, or comes later."""
    made = bench()
    for _ in range(3):
        made.stream.put(make_frame("tick"))
    behind = [item for item in made.stream.take() if isinstance(item, Arrival)]
    made.stream.put(make_frame("tick"))
    made.stream.finish(behind)
    made.stream.put(make_frame("tick"))

    assert (made.stream.take(), made.losses.counts()) == ([], {"after_end": 5})


def test_nobody_waits_for_an_end_that_nobody_takes() -> None:
    """One that was put a moment before is done with the rest."""
    made = bench()
    done = made.stream.end("completed", (), None)
    made.stream.finish()

    assert done.done()


@dataclass
class Interrupted(Wakes):
    """Another thread that is done with the stream, just when a frame has been put into the queue."""

    stream: Stream | None = None

    def __call__(self, urgent: bool) -> None:
        """Be done."""
        if self.stream is not None:
            self.stream.finish()


def test_a_frame_that_is_put_while_the_stream_is_finished_is_counted_once() -> None:
    """It is in the queue before or after that was emptied for the last time."""
    made = bench()
    wake = made.stream._wake = Interrupted()
    wake.stream = made.stream
    made.stream.put(make_frame("tick"))
    late, made.stream._finished = made.stream.end("completed", (), None), True
    made.stream.orphaned = None  # as it was when the frame was let in
    made.stream.put(make_frame("tick"))

    assert (late.done(), made.stream.take(), made.losses.counts()) == (True, [], {"after_end": 2})


def test_a_program_that_waits_for_room_does_not_wait_for_a_shutdown() -> None:
    """Its frame is refused at once."""
    made = bench(queue_policy="block", block_ms=60_000)
    fill(made.stream)
    closing = threading.Timer(0.05, made.stream.orphan, ["after_shutdown", made.losses])
    closing.start()
    made.stream.put(make_frame("late"))
    closing.join()

    assert made.losses.counts() == {"after_shutdown": 1}


def test_a_fork_leaves_what_was_waiting_to_the_parent() -> None:
    """Frames that wait at the moment of a fork are handled by the parent, and no loss of the child's."""
    made, here = bench(), Losses()
    for _ in range(3):
        made.stream.put(make_frame("tick"))
    made.stream.orphan("after_fork", here)

    assert here.counts() == {}


def fill(stream: Stream) -> None:
    """Put frames until there is no room for another."""
    for _ in range(MEGABYTE // FRAME_BYTES + 1):
        stream.put(make_frame("tick"))


def test_a_full_queue_that_blocks_lets_the_program_wait_for_room() -> None:
    """The frame is not lost: it goes in as soon as frames were taken."""
    made = bench(queue_policy="block", block_ms=10_000)
    fill(made.stream)
    taker = threading.Timer(0.05, handle, [made.stream])
    taker.start()
    made.stream.put(make_frame("late"))
    taker.join()

    assert (made.stream.dropped, made.stream.waiting) == (0, 1)


def test_a_wait_for_room_has_a_limit() -> None:
    """Then the frame is dropped and counted, and the next one does not wait at all."""
    made = bench(queue_policy="block", block_ms=30)
    fill(made.stream)
    made.stream.put(make_frame("late"))
    began = time.monotonic()
    for _ in range(100):
        made.stream.put(make_frame("later"))

    assert (made.stream.dropped, time.monotonic() - began < 1) == (101, True)


def test_after_room_was_made_it_waits_again() -> None:
    """The limit is for each time that the writer falls behind."""
    made = bench(queue_policy="block", block_ms=30)
    fill(made.stream)
    made.stream.put(make_frame("late"))
    handle(made.stream)
    fill(made.stream)
    began = time.monotonic()
    made.stream.put(make_frame("late again"))

    assert (made.stream.dropped, time.monotonic() - began >= 0.03) == (2, True)


def test_an_event_loop_goes_on_while_a_frame_waits_for_room() -> None:
    """Another task runs meanwhile, and makes the room."""
    made = bench(queue_policy="block", block_ms=10_000)
    fill(made.stream)

    async def take() -> None:
        await asyncio.sleep(0.02)
        handle(made.stream)

    async def run() -> None:
        await asyncio.gather(made.stream.put_async(make_frame("late")), take())

    asyncio.run(run())

    assert (made.stream.dropped, made.stream.waiting) == (0, 1)


def test_a_frame_knows_how_many_were_dropped_before_it() -> None:
    """So the recording can say where they are missing."""
    made = bench()
    fill(made.stream)
    made.stream.put(make_frame("lost"))
    handle(made.stream)
    made.stream.put(make_frame("kept"))
    (arrival,) = made.stream.take()

    assert isinstance(arrival, Arrival)
    assert (made.stream.dropped, arrival.dropped) == (1, 1)


def test_a_full_batch_hurries() -> None:
    """When as many frames wait as are committed together, the pipeline is not left to wait for more."""
    made = bench(batch_frames=3)
    for _ in range(3):
        made.stream.put(make_frame("tick"))

    assert made.wakes.calls == [False, False, True]


class Unsteady(dict[str, object]):
    """Data that another thread changes while it is looked at."""

    def values(self) -> NoReturn:
        """Fail as a changing dict does."""
        raise RuntimeError("dictionary changed size during iteration")


def test_a_frame_that_cannot_be_looked_at_is_counted() -> None:
    """Whatever its data raises stays here."""
    made = bench()
    made.stream.put(make_frame("tick").model_copy(update={"data": Unsteady(a=1)}))

    assert (made.stream.take(), made.losses.counts()) == ([], {"frame": 1})


def test_a_wait_for_room_that_is_cancelled_counts_its_frame() -> None:
    """It finds no room and is dropped, as if the limit had passed."""
    made = bench(queue_policy="block", block_ms=10_000)
    fill(made.stream)

    async def run() -> None:
        putting = asyncio.create_task(made.stream.put_async(make_frame("late")))
        await asyncio.sleep(0)
        putting.cancel()
        await asyncio.wait({putting})

    asyncio.run(run())

    assert (made.stream.dropped, made.losses.counts()) == (1, {"queue_full": 1})


def test_an_end_that_comes_late_is_not_told_to_a_closed_loop(caplog: pytest.LogCaptureFixture) -> None:
    """The program has gone on, and its loop is closed; nothing is logged but that it was late."""
    done = Future[None]()
    asyncio.run(bench(flush_timeout_ms=1).stream.wait_async(done))
    if done.set_running_or_notify_cancel():
        done.set_result(None)

    assert len(caplog.records) == 1
