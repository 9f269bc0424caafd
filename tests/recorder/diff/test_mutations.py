"""One changed leaf is found where it is: a thousand times, over golden streams of every kind."""

from __future__ import annotations

import random

import pytest

from otelstream.frame import StreamFrame
from recorder.diff.comparison import Comparison
from recorder.diff.paths import written
from recorder.diff.result import Diff
from recorder.diff.runs import KeptRun
from recorder.diff.side import side_of
from tests.conftest import NAMES, frames_of, lines_of
from tests.recorder.diff.mutations import KeepingForms, mutations, renamed

SHORT = [name for name in NAMES if len(lines_of(name)) < 400]
EACH = -(-1_000 // len(SHORT))


def differences(
    left: list[StreamFrame], name: str, *, seed: int, least_uses: int
) -> list[tuple[object, ...]]:
    """Where mutations of a stream were found, if not where they are: expected place, found place."""
    astray: list[tuple[object, ...]] = []
    forms, run = KeepingForms(), KeptRun("recorded", left)
    side = side_of(left, forms)
    changes = mutations(frames_of(name), random.Random(f"{name} {seed}"), least_uses)
    for _, mutation in zip(range(EACH), changes, strict=False):
        sides = side, side_of(mutation.frames, forms)
        found = Comparison(forms, (run, KeptRun("now", mutation.frames)), sides).diff()
        expected = ("value", mutation.ordinal, mutation.ordinal, written(mutation.path))
        if _place(found) != expected:
            astray.append((*expected, _place(found)))
    return astray


def _place(found: Diff) -> tuple[object, ...] | None:
    first = found.first
    return None if first is None else (first.kind, first.left, first.right, first.path)


@pytest.mark.parametrize("name", SHORT)
def test_a_changed_leaf_is_named(name: str) -> None:
    """The frame and the path of a changed leaf are named: texts, numbers, booleans, nulls, items, and ids."""
    assert differences(list(frames_of(name)), name, seed=1, least_uses=2) == []


@pytest.mark.parametrize("name", SHORT[::4])
def test_a_changed_leaf_is_named_between_two_runs(name: str) -> None:
    """The same holds where no id is the same: then an id is known by what it points to.

    An id that is used twice could have been changed at either place, so those of three uses are.
    """
    assert differences(renamed(lines_of(name)), name, seed=2, least_uses=3) == []
