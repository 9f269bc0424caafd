"""Which id of the one session means what which id of the other means: one to one, by most of their uses.

Where a single use says otherwise, that use differs, and not all the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from recorder.diff.alignment import Alignment
from recorder.diff.side import NOBODY, Side

Use: TypeAlias = tuple[int, int]
"""Hashes of an id of the left session and of the id that stands in its place in the right one."""


class Identities:
    """Ids of both sessions, by their hashes, as pairs."""

    def __init__(self, left: Side, right: Side, alignment: Alignment) -> None:
        self._left, self._right, self._alignment = left, right, alignment
        self._to_right: dict[int, int] = {}
        self._to_left: dict[int, int] = {}
        doubtful_left: set[int] = set()
        doubtful_right: set[int] = set()
        for one, other in self._uses():
            partner, its_partner = self._to_right.setdefault(one, other), self._to_left.setdefault(other, one)
            if partner != other or its_partner != one:
                doubtful_left.update((one, its_partner))
                doubtful_right.update((other, partner))
        if doubtful_left:
            self._decide(doubtful_left, doubtful_right)

    def agree(self, left: int, right: int) -> bool:
        """Tell whether two ids, by their hashes, mean the same; two that occur nowhere else do."""
        found = self._to_right.get(left)
        return found == right if found is not None else right not in self._to_left

    def _uses(self) -> Iterator[Use]:
        """Yield what stands in one place, where that tells something of ids."""
        left, right, right_of = self._left, self._right, self._alignment.right_of
        for at, other in enumerate(right_of):
            if other == NOBODY:
                continue
            if left.digests[at] != right.digests[other]:
                yield left.own[at], right.own[other]
                continue
            for use in zip(left.ids_of(at), right.ids_of(other), strict=True):
                # Of two frames the alignment tells whether they are the same, and nothing else does.
                mine, its = left.positions.get(use[0]), right.positions.get(use[1])
                if mine is None or its is None or right_of[mine] == its:
                    yield use

    def _decide(self, left: set[int], right: set[int]) -> None:
        votes = Counter(use for use in self._uses() if use[0] in left or use[1] in right)
        for one, other in votes:
            self._to_right.pop(one, None)
            self._to_left.pop(other, None)
        # At a tie an id that both sessions share is itself, and then the first use is right.
        for (one, other), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0][0] != vote[0][1])):
            if one not in self._to_right and other not in self._to_left:
                self._to_right[one] = other
                self._to_left[other] = one
