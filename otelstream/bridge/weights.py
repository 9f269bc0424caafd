"""What frames weigh in memory: the program's thread takes a short look, ours measures some of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from sys import getsizeof
from typing import Any, Final

from otelstream.frame import FrameLike

FRAME_BYTES: Final = 1_000
"""What a frame of a type that was not measured yet is taken to weigh at least."""

LOOKED_AT: Final = 200
"""How many parts of a frame's data the program's thread looks at."""

MEASURED_PARTS: Final = 1_000_000
"""How many parts ours looks at: all of any honest frame, and an end to one that holds itself."""

FIRST: Final = 3
EVERY: Final = 16
"""Of each type the first frames are measured, and then one of so many."""

TOKENS: Final = 64
"""Of so many token frames one is looked at: they differ in little else than the chunk."""

PART_BYTES: Final = 40
"""What a part is taken to weigh beside its text."""

LONG: Final = 1_000
"""From so many characters on it is asked how many bytes each of them takes."""


class Weights:
    """What the frames of one session weigh, by what those of their type did."""

    def __init__(self) -> None:
        self._usual: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._tokens = 0

    def of(self, frame: FrameLike) -> int:
        """Return about how many bytes a frame takes; called by the program's thread."""
        usual = self._usual.get(frame.type, FRAME_BYTES)
        data: Any = frame.data
        chunk = data.get("chunk") if isinstance(data, dict) else None
        if type(chunk) is str and data.get("tool_call") is None:
            self._tokens += 1
            if self._tokens % TOKENS:
                return usual + len(chunk)
            usual = self._usual[frame.type] = max(usual, size_of(data, LOOKED_AT) - len(chunk))
            return usual + len(chunk)
        return max(usual, size_of(data, LOOKED_AT))

    def learn(self, frame: FrameLike) -> None:
        """Measure a frame, if it is the turn of its type; called by our thread."""
        seen = self._seen.get(frame.type, 0)
        self._seen[frame.type] = seen + 1
        if seen < FIRST or seen % EVERY == 0:
            # What was learnt fades, as one big frame shall not make the small ones weigh more for ever.
            usual = self._usual.get(frame.type, 0) // 2
            self._usual[frame.type] = max(size_of(frame.data, MEASURED_PARTS), usual, FRAME_BYTES)


def size_of(value: object, parts: int) -> int:
    """Return about how many bytes a value takes, having looked at so many of its parts.

    It goes level by level, so that a long list hides nothing that stands beside it; where a level has more
    than half of the parts that are left it looks at some from everywhere, which stand for their neighbours.
    """
    size, each = 0.0, 1.0
    level: list[object] = [value]
    while level:
        parts -= len(level)
        texts = sum([_text(part) for part in level if isinstance(part, (str, bytes))])
        size += each * (PART_BYTES * len(level) + texts)
        holders = [part for part in level if isinstance(part, (dict, list, tuple)) and part]
        below = sum(map(len, holders))
        if below and parts < 2:
            return int(size + each * below * PART_BYTES)
        level = _some(holders, -(-below // (parts // 2)) if below else 1)
        each *= below / len(level) if level else 1
    return int(size)


def _text(text: str | bytes) -> int:
    return len(text) if len(text) < LONG else getsizeof(text)


def _some(holders: Iterable[Any], step: int) -> list[object]:
    """Return one of so many parts that the holders have, from everywhere in them."""
    found: list[object] = []
    first = 0
    for holder in holders:
        parts = holder.values() if isinstance(holder, dict) else holder
        found += parts if step == 1 else islice(parts, first, None, step)
        first = (first - len(holder)) % step
    return found
