"""Which end of a text may yet turn out to be a secret, once more of the text has come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otelstream.redact.pairs import PLACEHOLDER, Span
from otelstream.redact.redactor import Redactor
from otelstream.redact.shapes import SHAPES

TAIL: Final = 2_048
"""How much of the end of a text is read for what names and quotes tell, in characters."""

_CONTINUATIONS: Final = ("0aA0aA0aA0aA0aA0aA", '"', "'", '\\"', "`")
"""What may follow: a long value, or the quote that ends one."""

_LEAST: Final = 4
"""Characters that a literal secret must have in common with the end of a text."""


def masked_spans(text: str, masked: str) -> list[Span]:
    """Return what was masked, in positions of the original text.

    Args:
        text: The original.
        masked: The same with `PLACEHOLDER` for some of its parts.
    """
    if masked is text or masked == text:
        return []
    first, *others = masked.split(PLACEHOLDER)
    spans: list[Span] = []
    at = len(first)
    for number, part in enumerate(others, start=1):
        end = len(text) - len(part) if number == len(others) else text.find(part, at + 1)
        if end > at:
            spans.append((at, end))
        at = end + len(part)
    return spans


def doubtful_from(redactor: Redactor, text: str, spans: list[Span], start: int) -> int:
    """Return from where on a text is in doubt; its length if none of it is.

    Args:
        redactor: The rules.
        text: The text so far.
        spans: What is masked of it anyway.
        start: Where to begin; what is before that is left alone.
    """
    at = max(0, len(text) - TAIL)
    ranges = [*_shaped(text), *((begin + at, end + at) for begin, end in _told(redactor, text[at:]))]
    found = [_uncovered(begin, end, spans, start) for begin, end in ranges]
    return min((position for position in found if position is not None), default=len(text))


def open_since(text: str) -> int:
    """Return where the earliest thing begins that may go on beyond the text's end; its length without one."""
    return min((begin for begin, _ in _shaped(text)), default=len(text))


def _shaped(text: str) -> Iterator[Span]:
    lowered = text.lower()
    for rule in SHAPES:
        if rule.tail is not None and rule.hint in lowered and (match := rule.tail.search(text)):
            yield match.start(), len(text)


def _told(redactor: Redactor, tail: str) -> Iterator[Span]:
    """Yield what is told by its value or by its name."""
    for literal in redactor.literals:
        if length := _common(tail, literal):
            yield len(tail) - length, len(tail)
    if redactor.reads_pairs(tail.lower()):
        for more in _CONTINUATIONS:
            longer = tail + more
            for begin, end in masked_spans(longer, redactor.counting().mask(longer)):
                yield begin, min(end, len(tail))


def _common(text: str, literal: str) -> int:
    """Return how long the end of the text is that the literal begins with, 0 if it is too short to tell."""
    longest = min(len(literal) - 1, len(text))
    return next((size for size in range(longest, _LEAST - 1, -1) if text.endswith(literal[:size])), 0)


def _uncovered(begin: int, end: int, spans: list[Span], start: int) -> int | None:
    """Return the first position of a range, not before `start`, that no span covers."""
    at = max(begin, start)
    for first, last in spans:
        if first <= at < last:
            at = last
    return at if at < end else None
