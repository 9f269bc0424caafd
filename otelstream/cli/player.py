"""Holds the frames of a replay back until they are due or somebody presses a key; pauses, steps and skips."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from otelstream.cli.keys import Keys
from recorder.playhead import Clock, Playhead, Tempo, Timeline

HELP: Final = "(space: pause or go on, . or s: one frame, n or right: skip the gap, + and -: rate, q: quit)"

_LONGEST_S: Final = 3_600.0
_SLOWEST, _FASTEST = 1 / 64, 1024.0


class Player:
    """A holder of frames, as `recorder.pace.Holder` says, that obeys keys.

    Args:
        tempo: How fast it plays; at a rate of 0 nothing is waited for.
        keys: Where keys come from.
        note: Shows a line about what the player does.
        paused: Whether it stands still until a key is pressed.
        clock: What time it is.

    Attributes:
        ordinal: Ordinal of the frame that came last, -1 before the first.
        offset_ns: When it arrived, in nanoseconds after the session's start.
        is_stopped: Whether the replay was ended before its end.
    """

    def __init__(
        self,
        tempo: Tempo,
        keys: Keys,
        note: Callable[[str], None],
        *,
        paused: bool = False,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self.ordinal = -1
        self.offset_ns = 0
        self.is_stopped = False
        self._tempo = tempo
        self._keys = keys
        self._note = note
        self._starts_paused = paused
        self._clock = clock
        self._playhead = Playhead(tempo.rate or 1.0, clock)
        self._asked_for = 0

    def begin(self, *, at_once: bool) -> None:
        """Take note that the replay begins, and whether its first frame shall come at once."""
        self._timeline = Timeline(self._tempo.idle_limit, at_once=at_once)
        self._playhead = Playhead(self._tempo.rate or 1.0, self._clock)
        if self._starts_paused:
            self._pause()

    def hold(self, ordinal: int, offset_ns: int) -> bool:
        """Wait until a frame is due or asked for; return False if the replay shall end before it."""
        position = self._timeline.position_of(offset_ns)
        while True:
            for key in self._keys.wait(self._wait_s(position)):
                _ACTIONS.get(key, Player._ignore)(self)
            if self.is_stopped:
                return False
            if self._comes(position):
                self.ordinal, self.offset_ns = ordinal, offset_ns
                return True

    def stop(self) -> None:
        """End the replay before its next frame."""
        self.is_stopped = True

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Let no time pass inside."""
        did_run = self._playhead.runs
        self._playhead.runs = False
        try:
            yield
        finally:
            self._playhead.runs = did_run

    def _wait_s(self, position: int) -> float:
        if self._asked_for or (self._playhead.runs and not self._tempo.rate):
            return 0.0
        left = self._playhead.seconds_to(position) if self._playhead.runs else _LONGEST_S
        return min(max(0.0, left), _LONGEST_S)

    def _comes(self, position: int) -> bool:
        if self._asked_for:
            self._asked_for -= 1
            self._playhead.jump(position)
            return True
        if not self._playhead.runs:
            return False
        return not self._tempo.rate or self._playhead.seconds_to(position) <= 0

    def _pause(self) -> None:
        self._playhead.runs = not self._playhead.runs
        where = f"{self.offset_ns / 1e9:.3f}s, frame {self.ordinal}" if self.ordinal >= 0 else "the start"
        self._note("going on" if self._playhead.runs else f"paused at {where}   {HELP}")

    def _next(self) -> None:
        self._asked_for += 1

    def _faster(self) -> None:
        self._change_rate(2.0)

    def _slower(self) -> None:
        self._change_rate(0.5)

    def _change_rate(self, factor: float) -> None:
        if self._tempo.rate:
            rate = self._playhead.rate  # which may have been given beyond the bounds
            slowest, fastest = min(_SLOWEST, rate), max(_FASTEST, rate)
            self._playhead.rate = min(max(slowest, rate * factor), fastest)
            self._note(f"rate {self._playhead.rate:g}")

    def _ignore(self) -> None:
        pass


_ACTIONS: Final[dict[bytes, Callable[[Player], None]]] = {
    b" ": Player._pause,
    **dict.fromkeys((b".", b"s", b"n", b"\x1b[C", b"\x1bOC"), Player._next),
    **dict.fromkeys((b"+", b"="), Player._faster),
    **dict.fromkeys((b"-", b"_"), Player._slower),
    **dict.fromkeys((b"q", b"Q"), Player.stop),
}
"""What keys do; a step is a skipped gap while it stands."""
