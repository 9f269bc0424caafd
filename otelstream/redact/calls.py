"""The text of one call as it comes in pieces: each is masked as a part of the whole.

A secret that a model streams in pieces is one secret: no piece may leave because it looks harmless alone.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from otelstream.redact.pairs import PLACEHOLDER, Span
from otelstream.redact.redactor import Redactor
from otelstream.redact.tails import doubtful_from, masked_spans, open_since

WINDOW: Final = 1_024
"""Characters of what has left that are still looked at, so that a secret which began there is known."""

LONGEST_WINDOW: Final = 65_536
"""The same while a secret is open: keys in PEM form are long."""


class CallText:
    """What came of one call, what may leave of it, and what has left.

    Attributes:
        free: The next pieces as they may leave, after `judge`. Take from the left; then call `settle`.
        complete: Whether nothing more will come, so that nothing is in doubt.
        rest: The last frame's data but for its text, if it holds no secret; see `StreamRedactor`.
        keys: The order of its keys.
        place: The frame's channel and its namespace.
    """

    def __init__(self) -> None:
        self.complete = False
        self.free: deque[str] = deque()
        self.rest: dict[str, Any] | None = None
        self.keys: list[str] = []
        self.place: list[str] | None = None
        self._waiting: deque[str] = deque()
        self._offered = 0
        self._left = ""
        self._open = False
        self._was_held = False
        self._finds = False

    @property
    def waits(self) -> bool:
        """Whether a piece has not left."""
        return bool(self._waiting)

    def put(self, piece: str) -> None:
        """Take the next piece."""
        self.complete = False
        self._waiting.append(piece)

    def judge(self, redactor: Redactor, *, at_once: bool) -> None:
        """Decide how many of the pieces may leave, and how they read then.

        The end of the text that may yet become a secret is held back, once; then it is masked.

        Args:
            redactor: The rules.
            at_once: Whether nothing may be held back.
        """
        text = self._left + "".join(self._waiting)
        start = len(self._left)
        spans = masked_spans(text, redactor.counting().mask(text))
        doubt = len(text) if self.complete else doubtful_from(redactor, text, spans, start)
        if doubt < len(text) and (at_once or self._was_held):
            spans = sorted([*spans, (doubt, len(text))])
            doubt = len(text)
        self._was_held = doubt < len(text)
        self._finds = bool(spans)
        self.free = self._read(spans, start, doubt)
        self._offered = len(self.free)

    def settle(self, redactor: Redactor) -> None:
        """Take note that what was taken from `free` has left, and count the rules that masked some of it."""
        pieces = self._offered - len(self.free)
        self.free.clear()
        if not pieces:
            return
        start = len(self._left)
        text = self._left + "".join(self._waiting.popleft() for _ in range(pieces))
        begin, end = self._counted(redactor, text, start) if self._finds else (len(text), -1)
        self._open = end == len(text)
        keep = min(len(text), begin if self._open else len(text), open_since(text)) - WINDOW
        keep = max(keep, len(text) - LONGEST_WINDOW)
        self._left = text[max(0, keep) :]

    def _counted(self, redactor: Redactor, text: str, start: int) -> Span:
        """Count what was masked from `start` on; return the last span."""
        before, after = redactor.counting(), redactor.counting()
        spans = masked_spans(text, after.mask(text))
        before.mask(text[:start])
        redactor.fired += after.fired - before.fired
        return spans[-1] if spans else (len(text), -1)

    def _read(self, spans: list[Span], start: int, until: int) -> deque[str]:
        """Return the pieces that end within `until`, with each span's placeholder where it begins."""
        if not spans and until == start + sum(map(len, self._waiting)):
            return self._waiting.copy()
        free: deque[str] = deque()
        at = start
        for piece in self._waiting:
            end = at + len(piece)
            if end > until:
                break
            inside = [span for span in spans if span[0] < end and span[1] > at]
            free.append(self._masked(piece, at, inside, start) if inside else piece)
            at = end
        return free

    def _masked(self, piece: str, at: int, spans: list[Span], start: int) -> str:
        parts: list[str] = []
        done = at
        for begin, end in spans:
            parts.append(piece[done - at : max(begin, done) - at])
            if begin >= at or (at == start and not self._open):
                parts.append(PLACEHOLDER)
            done = max(done, end)
        return "".join((*parts, piece[done - at :]))
