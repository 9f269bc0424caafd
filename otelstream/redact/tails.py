"""Which end of a text is in doubt: it may turn out to be a secret, or to be none, once more has come of it.

All of this takes time in proportion to the text's length, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, NamedTuple

from otelstream.redact.keyblocks import open_key, unfinished_line
from otelstream.redact.pairs import PLACEHOLDER, Span
from otelstream.redact.redactor import Redactor
from otelstream.redact.shapes import BEGINNINGS, SHAPES, Rule

LEAST: Final = 6
"""Characters of what may be a secret that are masked while that is open. Fewer may be seen."""

TAIL: Final = 65_536
"""How much of the end of a text is read for what names and quotes tell, in characters."""

_OPENING: Final = 256
"""How long the beginning of a secret can be that is not one of its characters, `://user:` for one."""

_CONTINUATION: Final = "0aA0aA0aA0aA0aA0aA\"'`" + r"\\\\\\\"\\\\\\\'" + ")]"
"""What may follow: a long value, and then all that ends one, whether in quotes, in brackets or in both."""

_CALL: Final = "a()"
"""What makes code of words that would be masked else, as `token = await get` would be."""

_NEAR: Final = 64
"""How near to the end of a text such words end."""

_BEGINNING: Final = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?:"
    + "|".join(sorted({re.escape(word[:size]) for word in BEGINNINGS for size in range(1, len(word))}))
    + r")\Z"
)
_LONGEST_BEGINNING: Final = max(map(len, BEGINNINGS))
_LEAST_INSIDE: Final = 4
"""Characters of a literal secret that are told from chance where it does not begin a word."""

_WORDS: Final = re.compile(r"[A-Z]?[a-z]+(?:[-_][a-z]+)*[.,;:!?)]*|[A-Z]+")


class Doubt(NamedTuple):
    """What is not decided at the end of a text.

    Attributes:
        since: Where it begins; the text's length if everything is decided.
        unsafe: From where on the text must be masked if it has to be shown as it is now.
        rule: Which rule would mask it.
    """

    since: int
    unsafe: int
    rule: str


class _Open(NamedTuple):
    """Something that may be a secret and may go on.

    Attributes:
        begin: Where it would be masked from.
        secret: Where that begins which nobody may know.
        rule: What would mask it.
        sure: Whether it is a secret although it reads as a word.
    """

    begin: int
    secret: int
    rule: str
    sure: bool


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


def doubt_of(redactor: Redactor, text: str, spans: list[Span], *, over: bool) -> Doubt:
    """Return what is in doubt.

    Args:
        redactor: The rules.
        text: The text so far.
        spans: What they mask of it.
        over: Whether this seems to be all of it, so that words at its end are just words.
    """
    size = len(text)
    opened = [*_shaped(text), *_literals(redactor, text), *_told(redactor, text, spans)]
    if spans and spans[-1][1] == size:
        opened.append(_Open(*spans[-1], "pair", sure=True))
    since = min((one.begin for one in opened), default=size)
    since = min(since, _beginning(text), unfinished_line(text))
    unsafe = min(
        (one for one in opened if _is_unsafe(text, one, over=over)), default=_Open(size, size, "", sure=True)
    )
    return Doubt(since, unsafe.begin, unsafe.rule)


def _is_unsafe(text: str, one: _Open, *, over: bool) -> bool:
    if not over:
        return len(text) > one.secret and len(text) - one.begin >= LEAST
    value = text[one.secret :]
    return len(value) >= LEAST and (one.sure or not _WORDS.fullmatch(value))


def _shaped(text: str) -> Iterator[_Open]:
    """Yield what is known by its form."""
    lowered, backwards = text.lower(), text[::-1]
    for rule in SHAPES:
        if rule.hint in lowered and (one := _opened(rule, text, backwards)):
            yield one
    if key := open_key(text):
        yield _Open(*key, "private key", sure=True)


def _opened(rule: Rule, text: str, backwards: str) -> _Open | None:
    """Return the first beginning behind which there is only what may be the rest."""
    if rule.opening is None or rule.rest is None:
        return None
    rest = rule.rest.match(backwards)
    run = len(text) - (rest.end() if rest else 0)
    for opening in rule.opening.finditer(text, max(0, run - _OPENING)):
        if opening.end() >= run:
            has_group = "secret" in rule.opening.groupindex
            begin = opening.end() if has_group else opening.start()
            return _Open(begin, opening.end(), rule.name, sure=False)
    return None


def _beginning(text: str) -> int:
    """Return where a word begins that may become the beginning of a secret."""
    begins = _BEGINNING.search(text, max(0, len(text) - _LONGEST_BEGINNING))
    return len(text) if begins is None else begins.start()


def _literals(redactor: Redactor, text: str) -> Iterator[_Open]:
    """Yield the ends of the text that literal secrets begin with."""
    size = len(text)
    for literal in redactor.literals:
        at = _common(text, literal)
        if at < size:
            yield _Open(at, at, "value", sure=True)


def _common(text: str, literal: str) -> int:
    """Return where the end of the text begins that the literal begins with; its length if there is none."""
    size = len(text)
    begin = literal[:_LEAST_INSIDE]
    at = text.find(begin, max(0, size - len(literal) + 1))
    while at >= 0:
        if literal.startswith(text[at:]):
            return at
        at = text.find(begin, at + 1)
    for length in range(min(_LEAST_INSIDE - 1, size), 0, -1):
        if text.endswith(literal[:length]) and not text[-length - 1 : -length].isalnum():
            return size - length
    return size


def _told(redactor: Redactor, text: str, spans: list[Span]) -> Iterator[_Open]:
    """Yield what a name, a quote or a pattern of the user's tells: what a continuation masks otherwise."""
    at = max(0, len(text) - TAIL)
    tail = text[at:]
    if not redactor.reads_pairs(tail.lower()):
        return
    now = masked_spans(tail, redactor.counting().mask(tail)) if at else spans
    is_near = bool(now) and now[-1][1] >= len(tail) - _NEAR
    for more in (_CONTINUATION, _CALL) if is_near else (_CONTINUATION,):
        longer = tail + more
        then = masked_spans(longer, redactor.counting().mask(longer))
        cut = [(begin, min(end, len(tail))) for begin, end in then if begin < len(tail)]
        for one, other in zip_longest(now, cut):
            if one != other:
                begin = at + min(span[0] for span in (one, other) if span)
                yield _Open(begin, begin, "pair", sure=text[begin - 1 : begin] in ('"', "'", "`"))
                break
