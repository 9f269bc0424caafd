"""Single frames of a session by their ordinals, read again one after the other where that is possible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otelstream.frame import FrameLike
from recorder.diff.runs import Run

_SKIPPED: Final = 100
"""Up to so many frames are passed over rather than looked up."""


class Rereader:
    """Gives frames of one run, any of them, best in their order."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next = 0
        self._frames: Iterator[FrameLike] = iter(())
        self._last: tuple[int, FrameLike] | None = None

    def frame(self, ordinal: int) -> FrameLike:
        """Return the frame of that ordinal, which must be there."""
        if self._last is not None and self._last[0] == ordinal:
            return self._last[1]
        if self._last is None or not self._next <= ordinal <= self._next + _SKIPPED:
            self._frames, self._next = self._run.frames(ordinal), ordinal
        for frame in self._frames:
            self._next += 1
            if self._next > ordinal:
                self._last = ordinal, frame
                return frame
        raise LookupError(ordinal)
