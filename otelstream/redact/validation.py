"""Secrets that pydantic quotes: a failed field's name is on a line of its own, its value on the next one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from otelstream.redact.keys import is_secret_key
from otelstream.redact.pairs import Span, is_blank

_QUOTING: Final = re.compile(r"\[type=\w{1,64}, input_value=")
_AFTER: Final = ", input_type="
_LINE_BREAK: Final = re.compile(r"\n|\\+n")
_REACH: Final = 1_000
"""How far before its value the name of a field may stand; a message has a line or a few."""


def quoted_spans(text: str, keys: frozenset[str]) -> Iterator[Span]:
    """Yield where the values of secret fields stand in the text of a `pydantic.ValidationError`.

    Args:
        text: Any text.
        keys: Further secret key names, squashed.
    """
    before = 0
    for quoting in _QUOTING.finditer(text):
        lines = _LINE_BREAK.split(text[max(before, quoting.start() - _REACH) : quoting.start()])[:-1]
        start, before = quoting.end(), quoting.end()
        end = text.find(_AFTER, start)
        value = text[start : len(text) if end < 0 else end]
        if any(_names_secret(line, keys) for line in lines) and not is_blank(value):
            yield start, start + len(value)


def _names_secret(line: str, keys: frozenset[str]) -> bool:
    return " " not in line and any(is_secret_key(part, keys) for part in line.split("."))
