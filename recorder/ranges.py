"""Ranges of ordinals, as many as one likes, in little memory and as a phrase."""

from __future__ import annotations

from typing import Final

NAMED: Final = 10
"""How many ranges are named; those after them are only counted."""


class Ranges:
    """Ranges that are added in rising order; those that touch become one.

    Attributes:
        count: How many numbers they hold.
        named: The first ranges, each as its first number and the one after its last.
    """

    def __init__(self) -> None:
        self.count = 0
        self.named: list[tuple[int, int]] = []
        self._more = 0
        self._until = -1

    def __bool__(self) -> bool:
        return bool(self.named)

    def add(self, first: int, until: int) -> None:
        """Add a range, given as its first number and the one after its last; an empty one adds nothing."""
        if until <= first:
            return
        self.count += until - first
        touches = self.named and first == self._until
        self._until = until
        if touches and not self._more:
            self.named[-1] = (self.named[-1][0], until)
        elif len(self.named) < NAMED:
            self.named.append((first, until))
        elif not touches:
            self._more += 1

    def __str__(self) -> str:
        noun = "frame" if self.count == 1 else "frames"
        some = ", ".join(
            str(first) if first + 1 == until else f"{first} to {until - 1}" for first, until in self.named
        )
        return f"{noun} {some} and more" if self._more else f"{noun} {some}"
