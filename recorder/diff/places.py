"""The places where two frames differ: a walk over both at once, by the forms of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from otelstream.frame import FrameLike
from recorder.diff.forms import MAX_DEPTH, Entry, Form, Forms
from recorder.diff.paths import Places, Step, beneath

Path: TypeAlias = tuple[Step, ...]
Same: TypeAlias = Callable[[str, str], bool]
"""Whether an id of the one side means what an id of the other means."""


class Absent:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()
"""Stands for the value where one side has none."""


class Place(NamedTuple):
    """A place where two frames differ, and both values."""

    path: Path
    left: object
    right: object


def differences(forms: Forms, left: FrameLike, right: FrameLike, same: Same) -> Iterator[Place]:
    """Yield the places where two frames differ, in the order of their fields, ids of the envelope last."""
    yield from _Walk(forms, same).fields(forms.fields(left), forms.fields(right), (), forms.places)


class _Walk:
    """What stays the same on the way through two frames."""

    def __init__(self, forms: Forms, same: Same) -> None:
        self._forms = forms
        self._same = same

    def fields(self, left: list[Entry], right: list[Entry], path: Path, places: Places) -> Iterator[Place]:
        mine, others = _named(left), _named(right)
        for name in dict.fromkeys((*mine, *others)):
            one, other = mine.get(name), others.get(name)
            key = (one or others[name]).key
            beyond = beneath(places, key) if places else places
            if beyond is None:
                continue
            if one is None or other is None or not self._agree(one.ids, other.ids):
                yield Place((*path, key), one.value if one else ABSENT, other.value if other else ABSENT)
            else:
                yield from self.values((one.value, other.value), key, (*path, key), beyond)

    def values(self, pair: tuple[object, object], key: str, path: Path, places: Places) -> Iterator[Place]:
        left, right = pair
        kinds = {_kind(left), _kind(right)} if len(path) < MAX_DEPTH else {"leaf"}
        if kinds == {"object"}:
            entries = self._forms.entries(left), self._forms.entries(right)  # type: ignore[arg-type]  # objects
            yield from self.fields(*entries, path, places)
        elif kinds == {"list"}:
            items = self._forms.items(left, key), self._forms.items(right, key)  # type: ignore[arg-type]  # lists
            yield from self._items(*items, path, places)
        elif len(kinds) > 1 or not self._alike(
            self._forms.leaf(left, key, len(path)), self._forms.leaf(right, key, len(path))
        ):
            yield Place(path, left, right)

    def _items(
        self, left: Sequence[object], right: Sequence[object], path: Path, places: Places
    ) -> Iterator[Place]:
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        for index in range(max(len(left), len(right))):
            beyond = beneath(places, index) if places else places
            if beyond is None:
                continue
            step = (*path, index)
            if index < len(left) and index < len(right):
                yield from self.values((left[index], right[index]), key, step, beyond)
            elif index < len(left):
                yield Place(step, left[index], ABSENT)
            else:
                yield Place(step, ABSENT, right[index])

    def _alike(self, left: Form, right: Form) -> bool:
        return left.token == right.token and self._agree(left.ids, right.ids)

    def _agree(self, left: Sequence[str], right: Sequence[str]) -> bool:
        return len(left) == len(right) and all(map(self._same, left, right))


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, (list, tuple)) else "leaf"


def _named(entries: list[Entry]) -> dict[tuple[str, int], Entry]:
    """Return fields by their names; those whose names differ in ids alone are numbered."""
    seen: Counter[str] = Counter()
    named: dict[tuple[str, int], Entry] = {}
    for entry in entries:
        named[entry.name, seen[entry.name]] = entry
        seen[entry.name] += 1
    return named


def are_alike(forms: Forms, pair: tuple[object, object], key: str, same: Same) -> bool:
    """Tell whether two values beneath that key differ in volatile parts at most; `ABSENT` is like itself."""
    if ABSENT in pair:
        return pair[0] is pair[1]
    return next(_Walk(forms, same).values(pair, key, (key,), ()), None) is None
