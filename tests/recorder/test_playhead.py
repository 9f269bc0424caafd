"""When frames are due: gaps, limits, rates, and a playhead that is stopped and moved."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from otelstream.errors import UsageError
from recorder.playhead import Playhead, Tempo, Timeline, nanoseconds
from tests.recorder.timing import SECOND, FakeClock

OFFSETS = (2 * SECOND, 2 * SECOND, 5 * SECOND, 4 * SECOND, 5 * SECOND + 1, 605 * SECOND)
"""Two at a time, one that arrived before the one before it, a nanosecond, and ten minutes."""


@pytest.mark.parametrize(
    ("idle_limit", "at_once", "due"),
    [
        (None, False, [2 * SECOND, 2 * SECOND, 5 * SECOND, 5 * SECOND, 5 * SECOND + 1, 605 * SECOND]),
        (None, True, [0, 0, 3 * SECOND, 3 * SECOND, 3 * SECOND + 1, 603 * SECOND]),
        (1.5, False, [SECOND * each // 2 for each in (3, 3, 6, 6)] + [3 * SECOND + 1, 4_500_000_001]),
        (2.0, True, [0, 0, 2 * SECOND, 2 * SECOND, 2 * SECOND + 1, 4 * SECOND + 1]),
        (0.0, False, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_when_frames_are_due(idle_limit: float | None, at_once: bool, due: list[int]) -> None:
    """A gap counts up to the limit, one that runs backwards not at all; the first one may be left out."""
    timeline = Timeline(idle_limit, at_once=at_once)

    assert [timeline.position_of(offset) for offset in OFFSETS] == due


@pytest.mark.parametrize("value", [-1.0, -0.001, math.nan, math.inf])
def test_numbers_that_are_no_tempo(value: float) -> None:
    """What cannot be used is told by its name."""
    with pytest.raises(UsageError, match=rf"^rate is {value}; give 0 or a positive number\.$"):
        Tempo(value)
    with pytest.raises(UsageError, match=rf"^idle_limit is {value}; give 0 or a positive number\.$"):
        Tempo(1.0, value)


def test_a_rate_that_is_no_float() -> None:
    """An integer may be greater than any float."""
    with pytest.raises(UsageError, match=r"^rate is 10+; give 0 or a positive number\.$"):
        Tempo(10**400)


def test_a_limit_that_no_clock_reaches() -> None:
    """It is refused with the tempo, not when the first frame is due."""
    with pytest.raises(
        UsageError, match=r"^1e\+300 is no number of seconds that can be used; give a smaller"
    ):
        Tempo(1.0, 1e300)


@pytest.mark.parametrize(
    ("time", "found"),
    [
        (0, 0),
        (0.1, 100_000_000),
        (12.3456789, 12_345_679_000),
        (-0.5, -500_000_000),
        (timedelta(hours=2, microseconds=1), 7_200_000_001_000),
    ],
)
def test_seconds_in_nanoseconds(time: float | timedelta, found: int) -> None:
    """Exact to the microsecond, with no error of a floating point number."""
    assert nanoseconds(time) == found


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 1e300])
def test_what_is_no_number_of_seconds(seconds: float) -> None:
    """It is told in one sentence."""
    with pytest.raises(UsageError, match=r"is no number of seconds that can be used; give a smaller one\.$"):
        nanoseconds(seconds)


@pytest.mark.parametrize(("rate", "left"), [(0.5, 19.0), (1.0, 9.0), (4.0, 1.5), (100.0, -0.9)])
def test_how_long_it_takes(rate: float, left: float) -> None:
    """What the clock has to run is what lies before the playhead, by the rate."""
    clock = FakeClock()
    playhead = Playhead(rate, clock)
    clock.wait(1)

    assert playhead.seconds_to(10 * SECOND) == left


def test_no_time_passes_while_it_stands() -> None:
    """After a pause it goes on where it was."""
    clock = FakeClock()
    playhead = Playhead(2.0, clock)
    clock.wait(1)
    playhead.runs = False
    clock.wait(1000)
    standing = playhead.seconds_to(10 * SECOND)
    playhead.runs = True
    clock.wait(1)

    assert (standing, playhead.seconds_to(10 * SECOND)) == (4.0, 3.0)


def test_another_rate_counts_from_now_on() -> None:
    """What has passed has passed at the old one, also where it changes more than once."""
    clock = FakeClock()
    playhead = Playhead(1.0, clock)
    clock.wait(2)
    playhead.rate = 4.0
    clock.wait(1)
    playhead.rate = 0.5

    assert (playhead.rate, playhead.seconds_to(10 * SECOND)) == (0.5, 8.0)


def test_it_can_be_moved() -> None:
    """From where it is set it goes on, whether it runs or stands."""
    clock = FakeClock()
    playhead = Playhead(1.0, clock)
    clock.wait(3)
    playhead.jump(100 * SECOND)
    clock.wait(1)
    playhead.runs = False
    playhead.jump(50 * SECOND)

    assert (playhead.runs, playhead.seconds_to(60 * SECOND)) == (False, 10.0)
