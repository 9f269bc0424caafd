"""Two sessions compared: are they the same, the same in another order, or different, and where first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from recorder.diff.alignment import Alignment
from recorder.diff.forms import Forms
from recorder.diff.identities import Identities
from recorder.diff.paths import written
from recorder.diff.places import Place, differences
from recorder.diff.races import Races
from recorder.diff.reading import Rereader
from recorder.diff.result import Diff, Divergence, Kind
from recorder.diff.runs import OUTCOME, Run
from recorder.diff.side import NOBODY, Side, side_of
from recorder.diff.snapshots import Snapshots

CONTEXT: Final = 3
"""How many frames before the first difference are told."""


class Comparison:
    """Everything that is known of two sessions.

    Args:
        forms: How values are compared.
        runs: Both sessions.
        sides: The same in short; made of the runs if not given.
    """

    def __init__(self, forms: Forms, runs: tuple[Run, Run], sides: tuple[Side, Side] | None = None) -> None:
        self._forms = forms
        left, right = sides or (side_of(runs[0].frames(), forms), side_of(runs[1].frames(), forms))
        self.sides: Final = (left, right)
        self._readers = Rereader(runs[0]), Rereader(runs[1])
        self._alignment = Alignment(left, right)
        self._identities = Identities(left, right, self._alignment)
        self._races = Races(left, right, self._alignment)
        self._snapshots: dict[tuple[int, int], Snapshots] = {}

    @cached_property
    def is_in_order(self) -> bool:
        """Whether what both sessions have comes in one order."""
        latest = NOBODY
        for other in self._alignment.right_of:
            if NOBODY < other < latest:
                return False
            latest = max(latest, other)
        return True

    def diff(self, names: tuple[str, str]) -> Diff:
        """Return the verdict, and the first difference with what came before it."""
        first = self.first()
        counts = self._frames_of(0), self._frames_of(1)
        if first is None:
            return Diff("same" if self.is_in_order else "reordered", None, counts, names)
        return Diff("different", first, counts, names, tuple(self._before(first)))

    def first(self) -> Divergence | None:
        """Return the first difference, in the order of the left session; what it has not follows its pair."""
        return next(self._divergences(), None)

    def _divergences(self) -> Iterator[Divergence]:
        extra = self._extra_after()
        if NOBODY in extra:
            yield self._of_kind("extra", None, extra[NOBODY])
        for at, other in enumerate(self._alignment.right_of):
            if other == NOBODY:
                if not self._is_outcome(0, at):
                    yield self._of_kind("missing", at, None)
            elif (found := self._between(at, other)) is not None:
                yield found
            if at in extra:
                yield self._of_kind("extra", None, extra[at])

    def _extra_after(self) -> dict[int, int]:
        """Return the first of the frames without a partner behind each frame of the left session."""
        extra: dict[int, int] = {}
        after = NOBODY
        for at, partner in enumerate(self._alignment.left_of):
            if partner != NOBODY:
                after = partner
            elif not self._is_outcome(1, at):
                extra.setdefault(after, at)
        return extra

    def _frames_of(self, side: int) -> int:
        count = len(self.sides[side])
        return count - (count > 0 and self._is_outcome(side, count - 1))

    def _before(self, first: Divergence) -> Iterator[tuple[int, str]]:
        side, at = (
            (self.sides[0], first.left) if first.left is not None else (self.sides[1], first.right or 0)
        )
        for ordinal in range(max(0, at - CONTEXT), at):
            label = side.labels.get(ordinal)
            yield ordinal, side.types[ordinal] if label is None else f"{side.types[ordinal]} ({label})"

    def _is_outcome(self, side: int, ordinal: int) -> bool:
        return self.sides[side].types[ordinal] == OUTCOME

    def _between(self, at: int, other: int) -> Divergence | None:
        left, right = self.sides
        if left.digests[at] != right.digests[other] or not self._ids_agree(at, other):
            place = next(self._unexplained(at, other), None)
            if place is not None:
                return self._of_kind("value", at, other, place)
        return (
            None if self.is_in_order or self._orders_agree(at, other) else self._of_kind("order", at, other)
        )

    def _ids_agree(self, at: int, other: int) -> bool:
        left, right = self.sides
        return all(map(self._same_hash, left.ids_of(at), right.ids_of(other)))

    def _same_hash(self, left: int, right: int) -> bool:
        return self._identities.agree(left, right) or self._races.explain_reference(left, right)

    def _same(self, left: str, right: str) -> bool:
        return self._same_hash(hash(left), hash(right))

    def _orders_agree(self, at: int, other: int) -> bool:
        races = self._races
        soon = races.comes_too_soon(0, at) == races.comes_too_soon(1, other)
        return soon and races.comes_too_late(0, at) == races.comes_too_late(1, other)

    def _unexplained(self, at: int, other: int) -> Iterator[Place]:
        frames = self._readers[0].frame(at), self._readers[1].frame(other)
        snapshots: Snapshots | None = None
        for place in differences(self._forms, *frames, self._same):
            if snapshots is None and (flows := self._races.flow_of(at, other)) is not None:
                snapshots = self._snapshots_of(flows)
            if snapshots is None or not snapshots.explain(place, self._same):
                yield place

    def _snapshots_of(self, flows: tuple[int, int]) -> Snapshots:
        if flows not in self._snapshots:
            self._snapshots[flows] = Snapshots(self._forms, self.sides, self._readers, flows)
        return self._snapshots[flows]

    def _of_kind(
        self, kind: Kind, at: int | None, other: int | None, place: Place | None = None
    ) -> Divergence:
        side, ordinal = (self.sides[0], at) if at is not None else (self.sides[1], other or 0)
        found = Divergence(kind, at, other, side.types[ordinal], side.path_of(ordinal))
        if place is None:
            return found
        path = written(place.path)
        return Divergence(kind, at, other, found.frame_type, found.scopes, path, place.left, place.right)
