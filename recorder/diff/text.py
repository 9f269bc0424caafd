"""A comparison in words: one sentence that says it all, where it was, and long texts side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import islice
from typing import Final

from otelstream.jsontext import encode_json
from recorder.diff.places import ABSENT
from recorder.diff.result import Diff, Divergence, Kind

VALUE_CHARACTERS: Final = 200
"""A longer value is cut around the place where it differs; several lines are told as a unified diff."""

LINES: Final = 40
_LINE_CHARACTERS: Final = 300
_LEAD: Final = 40
# Control characters, half characters, and what turns the direction of writing: recordings hold anything.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def text_of(diff: Diff) -> str:
    """Return a comparison in words."""
    first = diff.first
    recorded, now = diff.frames
    if first is None:
        count = f"{recorded} frames" if recorded != 1 else "1 frame"
        if diff.verdict == "same":
            return f"same: {count}"
        return f"reordered: the same {count}, but parallel branches came in another order"
    lines = [_SENTENCES[first.kind](first)]
    if first.scopes:
        lines.append(f"  in {' > '.join(first.scopes)}")
    if first.kind == "value":
        lines += _lines_of(first)
    lines += [f"  {ordinal:>6}  {text}" for ordinal, text in diff.before]
    lines.append(f"  recorded: {diff.names[0]}, {recorded} frames")
    lines.append(f"  now:      {diff.names[1]}, {now} frames")
    return "\n".join(map(_one_line, lines))


def _value(first: Divergence) -> str:
    sides = _shown(first.left_value, first.right_value)
    return f"{_place(first)} differs at {first.path}: recorded {sides[0]}, now {sides[1]}"


def _order(first: Divergence) -> str:
    return (
        f"frame {first.left}, {first.frame_type}, comes in an order that parallel branches do not explain:"
        f" recorded as frame {first.left}, now as frame {first.right}"
    )


_SENTENCES: Final[dict[Kind, Callable[[Divergence], str]]] = {
    "value": _value,
    "missing": lambda first: (
        f"frame {first.left} is missing: {first.frame_type} was recorded, now there is none"
    ),
    "extra": lambda first: f"frame {first.right} is new: {first.frame_type} was not recorded",
    "order": _order,
}


def _place(first: Divergence) -> str:
    if first.frame_type.startswith("("):
        return "the outcome"
    at = f"frame {first.left}" if first.left == first.right else f"frame {first.left} (now {first.right})"
    return f"{at}, {first.frame_type},"


def _shown(left: object, right: object) -> tuple[str, str]:
    """Return both values as text, long ones cut to where they begin to differ."""
    one, other = _text(left), _text(right)
    if max(len(one), len(other)) <= VALUE_CHARACTERS:
        return one, other
    same = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    start = max(0, (min(len(one), len(other)) if same is None else same) - _LEAD)
    return _cut(one, start), _cut(other, start)


def _cut(text: str, start: int) -> str:
    end = start + VALUE_CHARACTERS
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _text(value: object) -> str:
    if value is ABSENT:
        return "nothing"
    return repr(value) if isinstance(value, str) else encode_json(value)


def _lines_of(first: Divergence) -> Iterator[str]:
    """Yield a unified diff of two texts of several lines."""
    left, right = first.left_value, first.right_value
    if not isinstance(left, str) or not isinstance(right, str) or "\n" not in left + right:
        return
    lines = unified_diff(left.splitlines(), right.splitlines(), "recorded", "now", n=2, lineterm="")
    for line in islice(lines, LINES):
        yield f"    {_one_line(line)[:_LINE_CHARACTERS]}"
    if next(lines, None) is not None:
        yield "    …"


def _one_line(text: str) -> str:
    text = " ".join(text.split("\n"))
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
