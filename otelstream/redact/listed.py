"""Secrets in text whose names stand apart: `("api_key", "…")`, `"name": "X-Api-Key", "value": "…"`, XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from otelstream.redact.harmless import looks_drawn
from otelstream.redact.keys import is_secret_key
from otelstream.redact.pairs import Span, find_end, is_blank

_IN_LIST: Final = re.compile(
    r"[\[(]b?(?P<quote>\\{0,32}[\"'])(?P<name>\w[\w -]{0,63})(?P=quote),[ \t]*b?(?P<opening>\\{0,32}[\"'])"
)
_NAMED: Final = re.compile(
    r"(?:name|key|header|variable)(?P<quote>\\{0,32}[\"']):\s{0,64}(?P=quote)(?P<name>\w[\w -]{0,63})"
    r"(?P=quote),\s{0,64}(?P=quote)value(?P=quote):\s{0,64}(?P<opening>\\{0,32}[\"'])",
    re.IGNORECASE,
)
_ELEMENT: Final = re.compile(r"<(?P<name>\w[\w:.-]{0,63})>(?P<content>[^<>]+)(?P<closed></)?")


def listed_spans(text: str, keys: frozenset[str]) -> Iterator[Span]:
    """Yield where such secrets stand.

    Args:
        text: Any text.
        keys: Further secret key names, squashed.
    """
    spans = [*_quoted(text, _IN_LIST, keys)] if "[" in text or "(" in text else []
    if ":" in text:
        spans += _quoted(text, _NAMED, keys)
    if "<" in text:
        spans += _elements(text, keys)
    yield from sorted(spans)


def _quoted(text: str, pattern: re.Pattern[str], keys: frozenset[str]) -> Iterator[Span]:
    unclosed: set[str] = set()
    for found in pattern.finditer(text):
        if is_secret_key(found["name"], keys):
            start = found.end()
            end = find_end(text, found["opening"], (start, len(text)), unclosed)
            value = text[start:end]
            # ["password", "email"] are two names.
            if looks_drawn(value) if pattern is _IN_LIST else not is_blank(value):
                yield start, len(text) if end is None else end


def _elements(text: str, keys: frozenset[str]) -> Iterator[Span]:
    for element in _ELEMENT.finditer(text):
        content = element["content"]
        if is_secret_key(element["name"], keys) and not is_blank(content.strip()):
            is_whole = element["closed"] is not None and any(map(str.isalnum, content))
            if is_whole or (element.end() == len(text) and looks_drawn(content)):
                yield element.span("content")
