"""JSON paths: how a place in a frame is written, and which places a pattern means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from otelstream.errors import UsageError

Step: TypeAlias = str | int
Places: TypeAlias = tuple[tuple[Step, ...], ...]
"""What is left of patterns on the way to the places that they mean."""

ANY: Final = "*"
BELOW: Final = ".."

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PART: Final = re.compile(r"""(\.\.|\.)([A-Za-z0-9_-]+|\*)|\[(\d+|\*)\]|\['([^']*)'\]|\["([^"]*)"\]""")


def written(path: Iterable[Step]) -> str:
    """Return a path as text: `$.data.items[0].name`."""
    return "$" + "".join(map(_written, path))


def parsed(text: str) -> tuple[Step, ...]:
    """Return the steps of a pattern: `$.data.items[*].at`, `$..cost`, `$.data['a key']`.

    Raises:
        UsageError: It is no such pattern.
    """
    steps: list[Step] = []
    position = 1
    while text[:1] == "$" and position < len(text):
        found = _PART.match(text, position)
        if found is None:
            break
        dots, name, index, *quoted = found.groups()
        if dots == BELOW:
            steps.append(BELOW)
        step = name or index or next(key for key in quoted if key is not None)
        steps.append(int(step) if index is not None and index != ANY else step)
        position = found.end()
    if position != len(text) or not steps:
        raise UsageError(f"{text!r} is no path in a frame; write it as $.data.items[*].cost or $..cost.")
    return tuple(steps)


def beneath(places: Places, step: Step) -> Places | None:
    """Return what is left of the patterns one step further, None if one of them means the place reached."""
    left: list[tuple[Step, ...]] = []
    for place in places:
        if place[0] == BELOW:
            left.append(place)
            place = place[1:]  # noqa: PLW2901  the rest of a pattern that begins anywhere
        if place[0] in (step, ANY):
            left.append(place[1:])
    return tuple(left) if all(left) else None


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.match(step) else f"[{step!r}]"
