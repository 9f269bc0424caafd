"""Two lists of keys, and which items of the one are those of the other."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import Final, TypeAlias

Pairs: TypeAlias = list[tuple[int, int]]

MAX_CELLS: Final = 4_000_000
"""Up to this product of lengths the longest runs of equal items are looked for; its time is of that order."""


def matched(left: Sequence[Hashable], right: Sequence[Hashable]) -> Pairs:
    """Return pairs of places of equal items, in no order.

    What begins and ends alike is paired first, then the longest equal runs between, then what is left in the
    order in which it stands: items that moved.
    """
    start = 0
    shorter = min(len(left), len(right))
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    pairs = [(place, place) for place in range(start)]
    pairs += [(len(left) - 1 - place, len(right) - 1 - place) for place in range(end)]
    middles = range(start, len(left) - end), range(start, len(right) - end)
    if all(middles):
        pairs += _runs(left, right, *middles)
    return pairs


def _runs(left: Sequence[Hashable], right: Sequence[Hashable], mine: range, others: range) -> Pairs:
    pairs: Pairs = []
    if len(mine) * len(others) <= MAX_CELLS:
        matcher = SequenceMatcher(
            None, [left[at] for at in mine], [right[at] for at in others], autojunk=False
        )
        for run in matcher.get_matching_blocks():
            pairs += [(mine[run.a + step], others[run.b + step]) for step in range(run.size)]
    waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    taken_left, taken_right = {at for at, _ in pairs}, {at for _, at in pairs}
    for at in others:
        if at not in taken_right:
            waiting[right[at]].append(at)
    for at in mine:
        if at not in taken_left and (found := waiting.get(left[at])):
            pairs.append((at, found.popleft()))
    return pairs
