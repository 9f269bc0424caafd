"""What may differ because parallel branches came in another order, and still is the same run.

A listener follows whichever method ended last, and a state that methods share is shown to each as it is then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from recorder.diff.alignment import Alignment
from recorder.diff.side import NOBODY, Side

_THREADS: Final = "memory_save_started"
"""What CrewAI does in threads that outlive the scope they began in."""


class Races:
    """Judges what a comparison has found.

    Args:
        left: One session.
        right: The other.
        alignment: Their pairs.
    """

    def __init__(self, left: Side, right: Side, alignment: Alignment) -> None:
        self._sides = (left, right)
        self._alignment = alignment
        self._ends: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def explain_reference(self, left: int, right: int) -> bool:
        """Tell whether two ids name two frames that came in the opposite order, given the ids' hashes.

        The later of two parallel branches is what comes next after both, and may be the other one next time.
        """
        one, other = self._sides
        mine, its = one.positions.get(left), other.positions.get(right)
        if mine is None or its is None:
            return False
        partner, its_partner = self._alignment.right_of[mine], self._alignment.left_of[its]
        if NOBODY in (partner, its_partner) or mine == its_partner:
            return False
        return (mine < its_partner) != (partner < its)

    def explain_order(self, left: int, right: int) -> bool:
        """Tell whether parallel branches may bring two frames of a pair where they came.

        A frame comes after those that it names, and before the end of the scopes that it is in; what breaks
        that in both sessions is not for a comparison to say.
        """
        one, other = self._sides
        for mine, its in zip(one.links_of(left), other.links_of(right), strict=True):
            named, also = one.positions.get(mine, NOBODY), other.positions.get(its, NOBODY)
            is_pair = named != NOBODY and self._alignment.right_of[named] == also
            if is_pair and (named > left) != (also > right):
                return False
        return self._comes_late(0, left) == self._comes_late(1, right)

    def _comes_late(self, side: int, ordinal: int) -> bool:
        session = self._sides[side]
        scopes = session.scopes_of(ordinal)
        if any(session.types[scope] == _THREADS for scope in (*scopes, ordinal)):
            return False
        return any(NOBODY < self._end(side, scope) < ordinal for scope in scopes)

    def shared_by(self, left: int, right: int) -> tuple[int, int] | None:
        """Return the scopes in which two frames of a pair share objects with parallel branches.

        That is what is around the innermost scope that has others beside it at the same time, in one of the
        sessions, or whose place among them changed. None if nothing runs beside.
        """
        scopes = self._within(0, left), self._within(1, right)
        for one, other in zip(*scopes, strict=False):
            if self._moved(one, other) or self._overlap(0, one) or self._overlap(1, other):
                around = self._sides[0].scope[one], self._sides[1].scope[other]
                return around if min(around) >= 0 else None
        return None

    def _within(self, side: int, ordinal: int) -> list[int]:
        """Return the scopes that a frame opens or is in, innermost first."""
        scopes = self._sides[side].scopes_of(ordinal)
        return [ordinal, *scopes] if ordinal in self._sides[side].members else scopes

    def _beside(self, side: int, scope: int) -> Iterator[int]:
        """Yield the other scopes of that kind in the same scope."""
        session = self._sides[side]
        for each in session.members.get(session.scope[scope], ()):
            if session.types[each] == session.types[scope] and each != scope:
                yield each

    def _overlap(self, side: int, scope: int) -> bool:
        end = self._last(side, scope)
        return any(each <= end and self._last(side, each) >= scope for each in self._beside(side, scope))

    def _moved(self, left: int, right: int) -> bool:
        for each in self._beside(0, left):
            partner = self._alignment.right_of[each]
            if partner != NOBODY and (each < left) != (partner < right):
                return True
        return False

    def _last(self, side: int, scope: int) -> int:
        end = self._end(side, scope)
        return len(self._sides[side]) if end == NOBODY else end

    def _end(self, side: int, scope: int) -> int:
        ends = self._ends[side]
        if scope not in ends:
            ends[scope] = self._sides[side].ended_at(scope)
        return ends[scope]
