"""JSON paths: how a place in a frame is written, and which places a pattern means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final, TypeAlias

from otelstream.errors import UsageError


class Wild(Enum):
    """A step of a pattern that is no key and no index; a key may be spelt like it."""

    ANY = "*"
    BELOW = ".."


Step: TypeAlias = str | int
Pattern: TypeAlias = tuple[Step | Wild, ...]
Places: TypeAlias = tuple[Pattern, ...]
"""What is left of patterns on the way to the places that they mean."""

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PART: Final = re.compile(
    r"""(?:(\.\.)|\.)([\w-]+|\*)"""
    r"""|(\.\.)?\[(?:(\d+|\*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]""",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4})|(.))", re.DOTALL | re.IGNORECASE
)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t"}


def written(path: Iterable[Step]) -> str:
    """Return a path as text: `$.data.items[0].name`."""
    return "$" + "".join(map(_written, path))


def parsed(text: str) -> Pattern:
    """Return the steps of a pattern: `$.data.items[*].at`, `$..cost`, `$.data['a key']`.

    Raises:
        UsageError: It is no such pattern.
    """
    steps: list[Step | Wild] = []
    position = 1
    while text[:1] == "$" and position < len(text):
        found = _PART.match(text, position)
        if found is None:
            break
        steps += _steps(*found.groups())
        position = found.end()
    if position != len(text) or not steps:
        raise UsageError(f"{text!r} is no path in a frame; write it as $.data.items[*].cost or $..cost.")
    return tuple(steps)


def beneath(places: Places, step: Step) -> Places | None:
    """Return what is left of the patterns one step further, None if one of them means the place reached."""
    left: list[Pattern] = []
    for place in places:
        if place[0] is Wild.BELOW:
            left.append(place)
            place = place[1:]  # noqa: PLW2901  the rest of a pattern that begins anywhere
        if place[0] in (step, Wild.ANY):
            left.append(place[1:])
    return tuple(left) if all(left) else None


def _steps(
    below: str | None, name: str | None, also_below: str | None, index: str | None, *quoted: str | None
) -> Iterable[Step | Wild]:
    """Yield the steps of one part of a pattern."""
    if below or also_below:
        yield Wild.BELOW
    if "*" in (name, index):
        yield Wild.ANY
    elif index is not None:
        yield int(index)
    else:
        yield name or _ESCAPE.sub(_unescaped, next(key for key in quoted if key is not None))


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    return _ESCAPED.get(escape[4], escape[4]) if code is None else chr(int(code, 16))


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.match(step) else f"[{step!r}]"
