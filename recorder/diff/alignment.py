"""Which frame of the one session is which of the other: scope by scope, by content, name and place.

Ids are not asked, but where both sessions share them. Whether the pairs really agree is for others to say.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeAlias

from recorder.diff.sequences import Pairs, matched
from recorder.diff.side import ELSEWHERE, NOBODY, ROOT, Side, before

Key: TypeAlias = Callable[[Side, int], Hashable]

_SURE: Final[Key] = lambda side, at: (side.content[at], before(side, at))  # noqa: E731  rows of a table
_KEYS: Final[tuple[Key, ...]] = (
    lambda side, at: (side.own[at], side.content[at]),
    _SURE,
    lambda side, at: side.content[at],
    lambda side, at: side.digests[at],
    lambda side, at: side.labels.get(at, (id(side), at)),
)
"""What tells that two members of a scope are the same, from the surest to the least."""


class Alignment:
    """The pairs of two sessions.

    Attributes:
        right_of: For each frame of the left session its ordinal in the right one, or `NOBODY`.
        left_of: The reverse.
    """

    def __init__(self, left: Side, right: Side) -> None:
        self._left, self._right = left, right
        self.right_of: Final = array("q", [NOBODY]) * len(left)
        self.left_of: Final = array("q", [NOBODY]) * len(right)
        self._align_scopes()
        self._align_moved()

    @property
    def missing(self) -> list[int]:
        """The frames of the left session that the right one has not."""
        return [at for at, other in enumerate(self.right_of) if other == NOBODY]

    @property
    def extra(self) -> list[int]:
        """The frames of the right session that the left one has not."""
        return [at for at, other in enumerate(self.left_of) if other == NOBODY]

    def _pair(self, left: int, right: int) -> None:
        self.right_of[left] = right
        self.left_of[right] = left

    def _align_scopes(self) -> None:
        waiting = [(ROOT, ROOT), (ELSEWHERE, ELSEWHERE)]
        while waiting:
            one, other = waiting.pop()
            members = self._left.members.get(one, _EMPTY), self._right.members.get(other, _EMPTY)
            for left, right in self._members(*members):
                self._pair(left, right)
                if left in self._left.members or right in self._right.members:
                    waiting.append((left, right))

    def _members(self, left: Sequence[int], right: Sequence[int]) -> Pairs:
        sure = [_SURE(self._left, at) for at in left]
        if sure == [_SURE(self._right, at) for at in right]:
            return list(zip(left, right, strict=True))
        pairs: Pairs = []
        mine, others = list(left), list(right)
        for key in _KEYS:
            found = matched([key(self._left, at) for at in mine], [key(self._right, at) for at in others])
            pairs += [(mine[one], others[other]) for one, other in found]
            mine, others = (
                _without(mine, [one for one, _ in found]),
                _without(others, [at for _, at in found]),
            )
            if not mine or not others:
                return pairs
        return pairs + _in_equal_gaps((self._left, left), (self._right, right), pairs, any_type=False)

    def _align_moved(self) -> None:
        """Pair what has no partner in its scope with the same elsewhere, or with what stands in its place."""
        missing, extra = self.missing, self.extra
        if not missing or not extra:
            return
        digests = [self._left.digests[at] for at in missing], [self._right.digests[at] for at in extra]
        for one, other in matched(*digests):
            self._pair(missing[one], extra[other])
        pairs = [(at, other) for at, other in enumerate(self.right_of) if other != NOBODY]
        everything = (self._left, range(len(self._left))), (self._right, range(len(self._right)))
        for one, other in _in_equal_gaps(*everything, pairs, any_type=True):
            self._pair(one, other)


_EMPTY: Final = array("q")


def _without(items: list[int], places: list[int]) -> list[int]:
    gone = set(places)
    return [item for place, item in enumerate(items) if place not in gone]


def _in_equal_gaps(
    left: tuple[Side, Sequence[int]], right: tuple[Side, Sequence[int]], pairs: Pairs, *, any_type: bool
) -> Pairs:
    """Return pairs of what is left, where it follows the same: something there has become something else."""
    found: Pairs = []
    mine = _gaps(left[1], {one: one for one, _ in pairs})
    others = _gaps(right[1], {other: one for one, other in pairs})
    for after in mine.keys() & others.keys():
        one, other = mine[after], others[after]
        alike = matched([left[0].types[at] for at in one], [right[0].types[at] for at in other])
        found += [(one[at], other[its]) for at, its in alike]
        if any_type:
            rest = _without(one, [at for at, _ in alike]), _without(other, [its for _, its in alike])
            found += zip(*rest, strict=False)
    return found


def _gaps(items: Sequence[int], known: dict[int, int]) -> dict[int, list[int]]:
    """Return the items that are not known, by what is known of the last one before them that is."""
    gaps: dict[int, list[int]] = {}
    after = NOBODY
    for at in items:
        if at in known:
            after = known[at]
        else:
            gaps.setdefault(after, []).append(at)
    return gaps
