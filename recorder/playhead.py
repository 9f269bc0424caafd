"""Where a replay stands and when a frame is due: by recorded times, an idle limit, a rate, and any clock.

A frame's time counts from the beginning, not from the frame before it, so that delays do not add up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from otelstream.errors import UsageError

Clock: TypeAlias = Callable[[], int]
"""Gives nanoseconds of a clock that never goes backwards."""

_SECOND_NS: Final = 1_000_000_000
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast a replay is.

    Attributes:
        rate: How many times as fast as it was recorded; 0 for at once.
        idle_limit: How many seconds of the recording a gap between two frames has at most; None for no limit.

    Raises:
        UsageError: One of them is negative or no finite number, or the limit is too long for a clock.
    """

    rate: float = 0.0
    idle_limit: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("rate", self.rate), ("idle_limit", self.idle_limit)):
            if value is not None and not 0 <= value <= sys.float_info.max:
                raise UsageError(f"{name} is {value!r}; give 0 or a positive number.")
        if self.idle_limit is not None:
            nanoseconds(self.idle_limit)


class Timeline:
    """The times of frames as a replay counts them: long gaps are cut, and what runs backwards stands still.

    Args:
        idle_limit: How many seconds a gap has at most; None for no limit.
        at_once: Whether the first frame comes at once; otherwise it has the gap that it had after the start.
    """

    def __init__(self, idle_limit: float | None, *, at_once: bool) -> None:
        self._limit_ns = None if idle_limit is None else nanoseconds(idle_limit)
        self._latest_ns = None if at_once else 0
        self._position_ns = 0

    def position_of(self, offset_ns: int) -> int:
        """Return when the next frame is due, in nanoseconds after the beginning, at the rate of 1.

        Args:
            offset_ns: When it arrived, in nanoseconds after the session's start.
        """
        if self._latest_ns is None:
            self._latest_ns = offset_ns
        gap = max(0, offset_ns - self._latest_ns)
        self._latest_ns += gap
        self._position_ns += gap if self._limit_ns is None else min(gap, self._limit_ns)
        return self._position_ns


class Playhead:
    """How far a replay has come; it runs, at a rate that may change, or it stands.

    Args:
        rate: How many times as fast as the recording, above 0.
        clock: What it runs by.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._clock = clock
        self._rate = rate
        self._runs = True
        self._since_ns = clock()
        self._position_ns = 0.0

    @property
    def rate(self) -> float:
        """How many times as fast as the recording it is; setting it changes nothing of what has passed."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self.jump(self._now_ns())
        self._rate = rate

    @property
    def runs(self) -> bool:
        """Whether it runs; while it stands no time passes."""
        return self._runs

    @runs.setter
    def runs(self, runs: bool) -> None:
        self.jump(self._now_ns())
        self._runs = runs

    def jump(self, position_ns: float) -> None:
        """Move to a position, in nanoseconds of the recording."""
        self._since_ns, self._position_ns = self._clock(), position_ns

    def seconds_to(self, position_ns: int) -> float:
        """Return how many seconds of the clock it takes to a position; 0 or less if that is passed."""
        passed_ns = self._clock() - self._since_ns if self._runs else 0
        return ((position_ns - self._position_ns) / self._rate - passed_ns) / _SECOND_NS

    def _now_ns(self) -> float:
        return self._position_ns + ((self._clock() - self._since_ns) * self._rate if self._runs else 0)


def nanoseconds(time: float | timedelta) -> int:
    """Return seconds or a duration in nanoseconds, exact to the microsecond.

    Raises:
        UsageError: It is no finite number of seconds, or more than there are in two million years.
    """
    try:
        given = time if isinstance(time, timedelta) else timedelta(seconds=time)
    except (OverflowError, ValueError):
        raise UsageError(f"{time!r} is no number of seconds that can be used; give a smaller one.") from None
    return given // _MICROSECOND * 1_000
