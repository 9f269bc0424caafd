"""What is to be done to a recording as soon as its file is free, within the room that a process has for it.

A file that somebody else has open is free again sooner or later; no frame shall be lost by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SESSION_BYTES: Final = 20_000
"""What a session is taken to weigh that waits, beside its frames."""


@dataclass(slots=True)
class Room:
    """How many more bytes may wait, in all sessions of a process together."""

    left: int


class Backlog:
    """Steps of one session that wait, in their order.

    Args:
        room: What it shares with other sessions.
        lose: Called with the number of frames for which there was no room, when it is their turn.

    Attributes:
        frames: How many frames wait.
        lost: For how many there was no room.
    """

    def __init__(self, room: Room, lose: Callable[[int], object]) -> None:
        self.frames = self.lost = 0
        self._room = room
        self._lose = lose
        self._bytes = SESSION_BYTES
        self._steps: deque[Callable[[], object]] = deque()
        room.left -= SESSION_BYTES

    def add(self, step: Callable[[], object], frames: int = 0, weight: int = 0) -> bool:
        """Add a step; return False if it has frames for which there is no room.

        Where frames are missing no others follow, as one gap tells more than many.
        """
        if frames and (self.lost or weight > self._room.left):
            if not self.lost:
                self._steps.append(lambda: self._lose(self.lost))
            self.lost += frames
            return False
        self.frames += frames
        self._bytes += weight
        self._room.left -= weight
        self._steps.append(step)
        return True

    def run(self, between: Callable[[], object]) -> None:
        """Do all of it, and something else after each step."""
        self._room.left += self._bytes
        while self._steps:
            self._steps.popleft()()
            between()

    def drop(self) -> int:
        """Give it up; return how many frames that costs."""
        self._room.left += self._bytes
        self._steps.clear()
        return self.frames
