"""Masks secrets in JSON-like values and in text: what is found by key name, by shape or by value."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from typing_extensions import Self

from otelstream.redact.keys import MIN_VALUE_LENGTH, is_secret_key, squash
from otelstream.redact.pairs import PLACEHOLDER, Span, is_blank, may_hold_pairs, pair_spans
from otelstream.redact.shapes import SHAPES, Rule

MAX_DEPTH: Final = 100  # a deeper container becomes the placeholder; CrewAI itself flattens below five levels

Json: TypeAlias = Any  # dict, list, tuple, str, int, float, bool or None, nested

_KNOWN_KEYS_LIMIT: Final = 4096


class Redactor:
    """Masks secrets in JSON-like values and in text; applying it twice changes nothing more.

    Args:
        keys: Further secret key names, compared whole, without case and separators.
        patterns: Further regular expressions; what they match is masked, or only their group `secret` if they
            have one. They see the text between two placeholders as a text of its own.
        values: Literal secrets, masked wherever they occur. Ignored are those shorter than `MIN_VALUE_LENGTH`
            and those that read as a secret key: masking the word "password" would hide it from the key rules.
        function: Called with every string after the rules; returns the string to keep. What it raises is not
            caught, and the whole is idempotent only if it is.

    Attributes:
        fired: How often each rule masked something, by its name; never a value.

    Raises:
        ValueError: A pattern is not a valid regular expression.
    """

    def __init__(
        self,
        *,
        keys: Iterable[str] = (),
        patterns: Iterable[str | re.Pattern[str]] = (),
        values: Iterable[str] = (),
        function: Callable[[str], str] | None = None,
    ) -> None:
        self._function = function
        self._keys = frozenset(filter(None, map(squash, keys)))
        # Frames repeat a few dozen keys; judging each of them once is what makes a chunk frame cheap.
        self._known_keys: dict[str, bool] = {}
        long = (value for value in values if len(value) >= MIN_VALUE_LENGTH)
        literals = [value for value in long if not is_secret_key(value, self._keys)]
        try:
            compiled = [re.compile(pattern) for pattern in patterns]
        except re.error as error:
            message = f"The redaction pattern {error.pattern!r} is no valid regular expression: {error}."
            raise ValueError(message) from error
        # The longest first: it may contain another one, which would leave its rest behind.
        self.literals = tuple(sorted({form for value in literals for form in _forms(value)}, key=_by_length))
        self._rules: tuple[Rule, ...] = (
            *(Rule("value", literal.lower(), re.compile(re.escape(literal))) for literal in self.literals),
            *(Rule("pattern", "", pattern) for pattern in compiled),
            *SHAPES,
        )
        self._has_patterns = bool(compiled)
        self.fired: Counter[str] = Counter()

    def counting(self) -> Self:
        """Return a redactor with the same rules and a count of its own."""
        other = copy.copy(self)
        other.fired = Counter()
        return other

    @property
    def has_function(self) -> bool:
        """Whether every string is given to a function of the user's."""
        return self._function is not None

    def reads_pairs(self, lowered: str) -> bool:
        """Tell whether a lower-case text may hold what only names, quotes or patterns of the user's tell."""
        return self._has_patterns or bool(self._keys) or may_hold_pairs(lowered)

    def redact(self, value: Json) -> Json:
        """Returns `value` with its secrets masked; at every level the same object where nothing changed.

        Under a secret key every string and number is masked; booleans, None and blank strings stay. Below
        `MAX_DEPTH` levels a container becomes the placeholder. Objects that are not JSON stay as they are.
        """
        return self._walk(value, 0, secret=False)

    def redact_text(self, text: str) -> str:
        """Returns `text` with its secrets masked and all else kept; the same object if it holds none."""
        masked = self.mask(text)
        return masked if self._function is None else self._function(masked)

    def _walk(self, value: Json, depth: int, *, secret: bool) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            # A blank that a rule would change counts as a secret, or a second pass would find one in it.
            if secret and not (is_blank(value) and is_blank(self.mask(value))):
                return self._under_key()
            return self.redact_text(value)
        if isinstance(value, (dict, list, tuple)):
            if depth == MAX_DEPTH:
                return self._under_key()
            walk = self._walk_dict if isinstance(value, dict) else self._walk_items
            return walk(value, depth + 1, secret=secret)
        return self._under_key() if secret and isinstance(value, (int, float)) else value

    def _under_key(self) -> str:
        self.fired["key"] += 1
        return self.redact_text(PLACEHOLDER)

    def _walk_items(self, items: Json, depth: int, *, secret: bool) -> Json:
        masked = [self._walk(item, depth, secret=secret) for item in items]
        if all(new is old for new, old in zip(masked, items, strict=True)):
            return items
        return masked if isinstance(items, list) else tuple(masked)

    def _walk_dict(self, items: Json, depth: int, *, secret: bool) -> Json:
        rows = []
        changed = False
        for key, item in items.items():
            name, is_secret = self._judge_key(key)
            masked = self._walk(item, depth, secret=secret or is_secret)
            changed = changed or masked is not item or name is not key
            rows.append((key, name, masked))
        return _rebuild(rows) if changed else items

    def _judge_key(self, key: Json) -> tuple[Json, bool]:
        """Tells what to write for `key`, and whether what stands under it is secret."""
        if not isinstance(key, str):
            return key, False
        if key in self._known_keys:
            return key, self._known_keys[key]
        name = self.mask(key)
        # Judged masked as well: otherwise a second pass could find a secret key where the first saw none.
        is_secret = is_secret_key(key, self._keys) or is_secret_key(name, self._keys)
        if name is key and len(self._known_keys) < _KNOWN_KEYS_LIMIT:
            self._known_keys[key] = is_secret
        return name, is_secret

    def mask_name(self, name: str) -> str:
        """Return one of the few texts that frames repeat, such as a type, masked by the rules alone."""
        return str(self._judge_key(name)[0])

    def mask(self, text: str) -> str:
        """Return a text with its secrets masked by the rules alone, without the user's function."""
        # Until nothing more is found: that makes the whole idempotent. It ends because no rule touches a
        # placeholder alone, so every round leaves less text to match.
        while (masked := self._mask_once(text)) != text:
            text = masked
        return text

    def _mask_once(self, text: str) -> str:
        lowered = text.lower()
        for rule in self._rules:
            if rule.hint in lowered and rule.pattern.search(text):
                # Never across a placeholder: what is masked once stays as it is.
                parts = text.split(PLACEHOLDER)
                text = PLACEHOLDER.join(
                    [self._replaced(part, _matches(rule.pattern, part), rule.name) for part in parts]
                )
        # Pairs come last and see the whole text, as a rule above may have masked a part of their value.
        return self._replaced(text, pair_spans(text, self._keys), "pair")

    def _replaced(self, text: str, spans: Iterable[Span], rule: str) -> str:
        parts: list[str] = []
        done = 0
        for start, end in spans:
            if done <= start < end:
                parts += (text[done:start], PLACEHOLDER)
                done = end
                self.fired[rule] += 1
        return "".join((*parts, text[done:])) if parts else text


def _rebuild(rows: list[tuple[Json, Json, Json]]) -> dict[Json, Json]:
    taken = {name for key, name, _ in rows if name is key}
    repeats: dict[str, int] = {}
    result = {}
    for key, name, item in rows:
        free = name
        while name is not key and free in taken:
            repeats[name] = repeats.get(name, 1) + 1
            free = f"{name} ({repeats[name]})"  # the blank keeps the rules from reading it as a value's end
        taken.add(free)
        result[free] = item
    return result


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    group = "secret" if "secret" in pattern.groupindex else 0
    return (match.span(group) for match in pattern.finditer(text))


def _forms(value: str) -> set[str]:
    """Return how a literal secret may be written: as it is, escaped in JSON or Python, and in a URL."""
    forms = {
        value,
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        quote(value, safe="", errors="backslashreplace"),
    }
    return {form for form in forms if len(form) >= MIN_VALUE_LENGTH}


def _by_length(literal: str) -> tuple[int, str]:
    return -len(literal), literal
