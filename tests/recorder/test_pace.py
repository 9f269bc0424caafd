"""Frames that are held back until they are due, by a clock that the test turns."""

from __future__ import annotations

import asyncio
import threading

from recorder.pace import Pace
from recorder.playhead import Tempo
from tests.recorder.timing import SECOND, FakeClock, apace, pace


def test_it_waits_for_what_is_left() -> None:
    """Once for each gap, for as long as the gap is at its rate."""
    clock = FakeClock()
    held = pace(clock, rate=4)
    held.begin(at_once=False)
    went_on = [held.hold(ordinal, offset * SECOND) for ordinal, offset in enumerate((1, 1, 3, 4))]

    assert (went_on, clock.waits) == ([True] * 4, [0.25, 0.5, 0.25])


def test_waits_that_are_too_long_do_not_add_up() -> None:
    """Each frame is as late as one wait is, also the thousandth."""
    clock = FakeClock(late_ns=1_000_000)
    began = clock.now_ns
    held = pace(clock)
    held.begin(at_once=False)
    late = set()
    for number in range(1000):
        held.hold(number, number * SECOND // 100)
        late.add(clock.now_ns - began - number * SECOND // 100)

    assert late == {0, 1_000_000}


def test_the_time_of_the_consumer_counts() -> None:
    """Who takes longer than the gap for a frame gets the next one at once, until it has caught up."""
    clock = FakeClock()
    held = pace(clock)
    held.begin(at_once=True)
    for number in range(5):
        held.hold(number, number * SECOND)
        if number == 0:
            clock.now_ns += 2_500_000_000

    assert clock.waits == [0.5, 1.0]


def test_a_long_wait_is_cut_up() -> None:
    """What a platform cannot wait for at once is waited for in hours."""
    clock = FakeClock()
    held = pace(clock)
    held.begin(at_once=False)
    held.hold(0, 9_000 * SECOND)

    assert clock.waits == [3_600.0, 3_600.0, 1_800.0]


def test_a_stop_from_another_thread_ends_a_wait() -> None:
    """The real wait of an hour ends when somebody stops it, and the frame does not come."""
    held = Pace(Tempo(rate=1.0))
    held.begin(at_once=False)
    threading.Timer(0.01, held.stop).start()

    assert held.hold(0, 3_600 * SECOND) is False


def test_nothing_is_waited_for_after_a_stop() -> None:
    """A pace that was stopped lets no frame through, due or not."""
    clock = FakeClock()
    held = pace(clock)
    held.begin(at_once=False)
    held.stop()

    assert ([held.hold(0, 0), held.hold(1, SECOND)], clock.waits) == ([False, False], [])


def test_it_waits_on_an_event_loop() -> None:
    """In the same steps."""
    clock = FakeClock()

    async def hold() -> None:
        held = apace(clock, rate=0.5)
        held.begin(at_once=True)
        for offset in (7, 8, 8, 10_000):
            await held.hold(offset * SECOND)

    asyncio.run(hold())

    assert clock.waits == [2.0, *[3_600.0] * 5, 1984.0]
