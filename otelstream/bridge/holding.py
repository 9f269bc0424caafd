"""How long frames are held back while it is not decided whether their text is a part of a secret."""

from __future__ import annotations

from collections import deque
from typing import Final

HELD_NS: Final = 800_000_000
"""So a frame is committed a second after it came, at the latest: it gathers before, and rounds take time."""

HELD_BYTES: Final = 8_000_000
"""How much of one session may be held back."""


class Holding:
    """The frames of one session that were taken and have not left, in the rounds in which they were taken."""

    def __init__(self) -> None:
        self._rounds: deque[tuple[int, int, int]] = deque()  # when, how many frames, how many bytes

    def took(self, frames: int, weight: int, now_ns: int) -> None:
        """Take note of further frames."""
        self._rounds.append((now_ns, frames, weight))

    def left(self, frames: int) -> None:
        """Take note that the first frames have left."""
        while frames:
            when, count, weight = self._rounds.popleft()
            if count > frames:
                self._rounds.appendleft((when, count - frames, weight))
            frames -= min(count, frames)

    def due(self, now_ns: int) -> int:
        """Return how many of the frames may not be held back any longer."""
        rounds = list(self._rounds)
        if sum(weight for _, _, weight in rounds) > HELD_BYTES:
            rounds.pop()
            return sum(count for _, count, _ in rounds)
        return sum(count for when, count, _ in rounds if when + HELD_NS <= now_ns)
