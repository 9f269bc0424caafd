"""The rules of one redactor for text: literal secrets, patterns of the user's, and known shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from otelstream.redact.harmless import looks_drawn
from otelstream.redact.keys import MIN_VALUE_LENGTH, is_secret_key, squash
from otelstream.redact.literals import base64_forms, written_forms
from otelstream.redact.shapes import LONG, SHAPES, SIGNS, Rule

_LONG_PIECE: Final = re.compile(rf"\S{{{LONG}}}")
_SHORT_TEXT: Final = 80  # in longer ones a search takes too long
_BASE64: Final = re.compile(rf"[A-Za-z0-9+/]{{{LONG}}}")


class RuleSet:
    """What is masked in text; never changed.

    Args:
        keys: Further secret key names.
        patterns: Further regular expressions.
        values: Literal secrets; see `Redactor` for those that are ignored.

    Attributes:
        keys: The further key names, squashed.
        patterns: The further regular expressions.
        values: The literal secrets that count.
        literals: All the ways to write them in text, the longest first.

    Raises:
        ValueError: A pattern is not a valid regular expression.
    """

    def __init__(
        self, keys: Iterable[str], patterns: Iterable[str | re.Pattern[str]], values: Iterable[str]
    ) -> None:
        self.keys = frozenset(filter(None, map(squash, keys)))
        try:
            self.patterns = [re.compile(pattern) for pattern in patterns]
        except re.error as error:
            message = f"The redaction pattern {error.pattern!r} is no valid regular expression: {error}."
            raise ValueError(message) from error
        long = (value for value in values if len(value) >= MIN_VALUE_LENGTH)
        self.values = frozenset(
            value for value in long if looks_drawn(value) or not is_secret_key(value, self.keys)
        )
        # The longest first: it may contain another one, which would leave its rest behind.
        forms = {form for value in self.values for form in written_forms(value)}
        self.literals = tuple(sorted(forms, key=_by_length))
        encoded = {form for value in self.values for form in base64_forms(value)}
        self._rules: tuple[Rule, ...] = (
            *map(_literal_rule, self.literals),
            *(Rule("pattern", "", pattern) for pattern in self.patterns),
            *(rule for rule in SHAPES if rule.sign is None),
        )
        self._encoded = tuple(map(_literal_rule, sorted(encoded, key=_by_length)))
        self._by_signs: dict[tuple[bool, ...], tuple[Rule, ...]] = {}

    def knowing(self, values: Iterable[str]) -> RuleSet:
        """Return the same rules with further literal secrets."""
        return RuleSet(self.keys, self.patterns, (*self.values, *values))

    def of(self, text: str) -> tuple[Rule, ...]:
        """Return the rules that may find something in a text."""
        if len(text) < LONG or not _has_long(text):
            return self._rules
        is_base64 = bool(self._encoded) and (len(text) >= _SHORT_TEXT or _BASE64.search(text) is not None)
        signs = ("_" in text, "-" in text, "." in text, is_base64)
        rules = self._by_signs.get(signs)
        if rules is None:
            told = {"", *(sign for sign, occurs in zip(SIGNS, signs, strict=False) if occurs)}
            shapes = (rule for rule in SHAPES if rule.sign in told)
            rules = self._by_signs[signs] = (*self._rules, *shapes, *(self._encoded if is_base64 else ()))
        return rules


def _has_long(text: str) -> bool:
    if len(text) < _SHORT_TEXT:
        return _LONG_PIECE.search(text) is not None
    return max(map(len, text.split()), default=0) >= LONG


def _literal_rule(literal: str) -> Rule:
    return Rule("value", literal.lower(), re.compile(re.escape(literal)))


def _by_length(literal: str) -> tuple[int, str]:
    return -len(literal), literal
