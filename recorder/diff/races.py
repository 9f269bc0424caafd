"""What may differ because parallel branches came in another order, and still is the same run.

A listener follows whichever method ended last, and a state that methods share is shown to each as it is then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from recorder.diff.alignment import Alignment
from recorder.diff.side import NOBODY, Side

_METHOD: Final = "method_execution_started"
_METHODS: Final = frozenset((
    _METHOD, "method_execution_finished", "method_execution_failed", "method_execution_paused",
))  # fmt: skip
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

    def flows_of(self, left: int, right: int) -> tuple[int, int] | None:
        """Return the flows in which two frames tell the state of parallel methods, None if they do not."""
        methods = self._method_of(0, left), self._method_of(1, right)
        if NOBODY in methods:
            return None
        flows = self._sides[0].scope[methods[0]], self._sides[1].scope[methods[1]]
        if min(flows) < 0 or not (
            self._moved(*methods) or self._overlap(0, methods[0]) or self._overlap(1, methods[1])
        ):
            return None
        return flows

    def _method_of(self, side: int, ordinal: int) -> int:
        session = self._sides[side]
        if session.types[ordinal] not in _METHODS:
            return NOBODY
        return ordinal if session.types[ordinal] == _METHOD else max(session.scope[ordinal], NOBODY)

    def _beside(self, side: int, method: int) -> Iterator[int]:
        session = self._sides[side]
        for each in session.members.get(session.scope[method], ()):
            if session.types[each] == _METHOD and each != method:
                yield each

    def _overlap(self, side: int, method: int) -> bool:
        start, end = method, self._last(side, method)
        return any(each <= end and self._last(side, each) >= start for each in self._beside(side, method))

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
