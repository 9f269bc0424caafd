"""The text of one call as it comes in pieces: each is masked as a part of the whole.

A secret that a model streams in pieces is one secret: no piece may leave because it looks harmless alone.
"""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from typing import Final

from otelstream.redact.pairs import PLACEHOLDER, Span
from otelstream.redact.redactor import Redactor
from otelstream.redact.tails import Doubt, doubt_of, masked_spans

WINDOW: Final = 512
"""Characters before what is undecided that are still looked at, for the names that tell what it is."""

LONGEST: Final = 16_384
"""Characters that are looked at together, at most: of a secret that is longer the middle is left out."""

FORGOTTEN: Final = 65_536
"""Characters left out after which something that does not end is taken for no secret."""


class CallText:
    """What came of one call, what may leave of it, and what has left.

    Attributes:
        free: The next pieces as they may leave, after `judge`. Take from the left; then call `settle`.
        due: How many of the pieces have to leave.
        complete: Whether the call has ended, as far as is known.
    """

    def __init__(self) -> None:
        self.complete = False
        self.due = 0
        self.free: deque[str] = deque()
        self._waiting: deque[str] = deque()
        self._left = ""
        self._left_out = 0
        self._ends_masked = False
        self._text = ""
        self._offered = 0
        self._spans: list[Span] = []
        self._doubt = Doubt(0, 0, "")
        self._counted = Counter[str]()  # of what was masked before a rule found it

    @property
    def waits(self) -> bool:
        """Whether a piece has not left."""
        return bool(self._waiting)

    @property
    def size(self) -> int:
        """How many characters are kept of what has left."""
        return len(self._left)

    def put(self, piece: str) -> None:
        """Take the next piece."""
        self.complete = False
        self._waiting.append(piece)

    def judge(self, redactor: Redactor) -> None:
        """Decide how many of the pieces may leave, and how they read then.

        The end that is in doubt stays, but for what is due; of that, what may be a secret is masked.
        """
        text = self._text = self._left + "".join(self._waiting)
        spans = masked_spans(text, redactor.counting().mask(text))
        doubt = doubt_of(redactor, text, spans, over=self.complete)
        self._doubt = doubt
        end = self._leaving(doubt)
        self._spans = _merged(spans, (doubt.unsafe, end))
        self.free = self._read()

    def settle(self, redactor: Redactor) -> None:
        """Take note that what was taken from `free` has left, and count the rules that masked some of it."""
        pieces = self._offered - len(self.free)
        self.free.clear()
        self.due = 0
        text, self._text = self._text, ""
        start = len(self._left)
        end = start + sum(len(self._waiting.popleft()) for _ in range(pieces))
        if end > start:
            shown = [span for span in self._spans if span[0] < end and span[1] > start]
            if shown:
                self._count(redactor, text[:end], start)
            self._ends_masked = bool(shown) and shown[-1][1] >= end
            self._keep(redactor, text[:end])

    def _leaving(self, doubt: Doubt) -> int:
        """Count the pieces that leave, and return where the last one of them ends."""
        size = len(self._text)
        until = size if self.complete else max(doubt.since, size - LONGEST)
        end = len(self._left)
        if until == size:
            self._offered = len(self._waiting)
            return size
        self._offered = min(self.due, len(self._waiting))
        end += sum(map(len, islice(self._waiting, self._offered)))
        for piece in islice(self._waiting, self._offered, None):
            if end + len(piece) > until:
                break
            end += len(piece)
            self._offered += 1
        return end

    def _read(self) -> deque[str]:
        """Return the pieces that leave, with each span's placeholder where it begins."""
        at = start = len(self._left)
        spans = deque(span for span in self._spans if span[1] > start)
        if not spans:
            return deque(islice(self._waiting, self._offered))
        free: deque[str] = deque()
        for piece in islice(self._waiting, self._offered):
            end = at + len(piece)
            inside = [span for span in spans if span[0] < end]
            free.append(self._masked(piece, at, inside) if piece and inside else piece)
            while spans and spans[0][1] <= end:
                spans.popleft()
            at = end
        return free

    def _masked(self, piece: str, at: int, spans: list[Span]) -> str:
        parts: list[str] = []
        done = at
        for begin, end in spans:
            parts.append(piece[done - at : max(begin, done) - at])
            if begin >= at or (at == len(self._left) and not self._ends_masked):
                parts.append(PLACEHOLDER)
            done = max(done, end)
        return "".join((*parts, piece[done - at :]))

    def _count(self, redactor: Redactor, text: str, start: int) -> None:
        before, after = redactor.counting(), redactor.counting()
        after.mask(text)
        before.mask(text[:start])
        found = after.fired - before.fired
        redactor.fired += found - self._counted
        self._counted -= found
        if not found and not self._ends_masked and self._doubt.unsafe < len(text):
            redactor.fired[self._doubt.rule] += 1
            self._counted[self._doubt.rule] += 1

    def _keep(self, redactor: Redactor, left: str) -> None:
        """Keep of what has left that which tells what comes next."""
        longest = max(LONGEST, WINDOW * 2 + max(map(len, redactor.literals[:1]), default=0))
        goes_on = self._doubt.since < len(left)
        begin = min(self._doubt.since, len(left)) - WINDOW
        # What is masked is not cut, as the quote that ends it would be taken for one that begins something.
        begin = next((span[1] for span in self._spans if span[0] < begin < span[1]), begin)
        left = left[max(0, begin) :]
        if not goes_on:
            self._left_out = 0
            self._counted.clear()
        elif len(left) > longest:
            self._left_out += len(left) - 4 * WINDOW
            left = left[: 2 * WINDOW] + left[-2 * WINDOW :] if self._left_out < FORGOTTEN else left[-WINDOW:]
        self._left = left


def _merged(spans: list[Span], more: Span) -> list[Span]:
    """Return spans in order with another one, which takes up those that it overlaps."""
    begin, end = more
    if begin >= end:
        return spans
    touched = [span for span in spans if span[0] < end and span[1] > begin]
    whole = (
        (min(begin, *(span[0] for span in touched)), max(end, *(span[1] for span in touched)))
        if touched
        else more
    )
    return sorted([whole, *(span for span in spans if span not in touched)])
