"""Two sessions compared: are they the same, the same in another order, or different, and where first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from recorder.diff.alignment import Alignment
from recorder.diff.forms import Forms
from recorder.diff.identities import Identities
from recorder.diff.paths import written
from recorder.diff.places import ABSENT, Place, differences
from recorder.diff.races import Races
from recorder.diff.reading import Rereader
from recorder.diff.result import Diff, Divergence, Kind
from recorder.diff.runs import OUTCOME, Run
from recorder.diff.side import NOBODY, Side, side_of
from recorder.diff.snapshots import Snapshots

CONTEXT: Final = 3
"""How many frames before the first difference are told."""


class Finding(NamedTuple):
    """A difference, by the places of its frames in both sides; `NOBODY` where a side has none."""

    kind: Kind
    left: int
    right: int
    place: Place | None = None


class Comparison:
    """Everything that is known of two sessions.

    Args:
        forms: How values are compared.
        runs: Both sessions.
        sides: The same in short; made of the runs if not given.
    """

    def __init__(self, forms: Forms, runs: tuple[Run, Run], sides: tuple[Side, Side] | None = None) -> None:
        self._forms = forms
        self._runs = runs
        left, right = sides or (side_of(runs[0].frames(), forms), side_of(runs[1].frames(), forms))
        self._sides = (left, right)
        self._readers = Rereader(runs[0]), Rereader(runs[1])
        self._alignment = Alignment(left, right)
        self._identities = Identities(left, right, self._alignment)
        self._races = Races(left, right, self._alignment)
        self._snapshots: dict[tuple[int, int], Snapshots] = {}

    def diff(self) -> Diff:
        """Return the verdict, and the first difference with what came before it."""
        names = self._runs[0].name, self._runs[1].name
        counts = self._count(0), self._count(1)
        found = next(self._findings(), None)
        if found is None:
            return Diff("same" if self._is_in_order else "reordered", None, counts, names)
        return Diff("different", self._divergence(found), counts, names, tuple(self._before(found)))

    def _findings(self) -> Iterator[Finding]:
        """Yield what differs in the order of the left session; what it has not follows what it has."""
        extra = self._extra_after()
        if NOBODY in extra:
            yield Finding("extra", NOBODY, extra[NOBODY])
        for at, other in enumerate(self._alignment.right_of):
            if other != NOBODY:
                yield from self._between(at, other)
            elif not self._is_outcome(0, at):
                yield Finding("missing", at, NOBODY)
            if at in extra:
                yield Finding("extra", NOBODY, extra[at])

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

    def _between(self, at: int, other: int) -> Iterator[Finding]:
        left, right = self._sides
        if left.digests[at] != right.digests[other] or not self._ids_agree(at, other):
            yield from (Finding("value", at, other, place) for place in self._unexplained(at, other))
        if not self._is_in_order and not self._races.explain_order(at, other):
            yield Finding("order", at, other)

    @cached_property
    def _is_in_order(self) -> bool:
        """Whether what both sessions have comes in one order."""
        latest = NOBODY
        for other in self._alignment.right_of:
            if NOBODY < other < latest:
                return False
            latest = max(latest, other)
        return True

    def _ids_agree(self, at: int, other: int) -> bool:
        left, right = self._sides
        return all(map(self._agree, left.ids_of(at), right.ids_of(other)))

    def _agree(self, left: int, right: int) -> bool:
        return self._identities.agree(left, right) or self._races.explain_reference(left, right)

    def _are_same(self, left: str, right: str) -> bool:
        return self._agree(hash(left), hash(right))

    def _unexplained(self, at: int, other: int) -> Iterator[Place]:
        """Yield the places where two frames differ, but for what a race has done."""
        shared = self._races.shared_by(at, other)
        frames = self._readers[0].frame(at), self._readers[1].frame(other)
        for place in differences(self._forms, *frames, self._are_same):
            if shared is None or not self._snapshots_of(shared).explain(place, self._are_same):
                yield place

    def _snapshots_of(self, scopes: tuple[int, int]) -> Snapshots:
        if scopes not in self._snapshots:
            self._snapshots[scopes] = Snapshots(self._forms, self._sides, self._readers, scopes)
        return self._snapshots[scopes]

    def _is_outcome(self, side: int, place: int) -> bool:
        return self._sides[side].types[place] == OUTCOME

    def _count(self, side: int) -> int:
        last = len(self._sides[side]) - 1
        if last < 0:
            return 0
        return self._runs[side].ordinal_of(last) + (not self._is_outcome(side, last))

    def _divergence(self, found: Finding) -> Divergence:
        left, right = (
            None if place == NOBODY else run.ordinal_of(place)
            for run, place in zip(self._runs, (found.left, found.right), strict=True)
        )
        side, place = self._shown(found)
        path, left_value, right_value = found.place or (None, ABSENT, ABSENT)
        return Divergence(
            kind=found.kind,
            left=left,
            right=right,
            frame_type=self._sides[side].types[place],
            scopes=self._sides[side].path_of(place),
            path=None if path is None else written(path),
            left_value=left_value,
            right_value=right_value,
        )

    def _before(self, found: Finding) -> Iterator[tuple[int, str]]:
        which, place = self._shown(found)
        side = self._sides[which]
        for before in range(max(0, place - CONTEXT), place):
            label = side.labels.get(before)
            told = side.types[before] if label is None else f"{side.types[before]} ({label})"
            yield self._runs[which].ordinal_of(before), told

    def _shown(self, found: Finding) -> tuple[int, int]:
        """Return the side and the place that a difference is shown by: the recorded one, if it is there."""
        return (0, found.left) if found.left != NOBODY else (1, found.right)
