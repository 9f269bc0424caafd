"""Masks secrets in JSON-like values and in text: what is found by key name, by shape or by value."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from typing_extensions import Self

from otelstream.jsontext import decode_json, encode_json
from otelstream.redact.harmless import is_harmless, looks_drawn
from otelstream.redact.keys import is_secret_key, name_beside, squash
from otelstream.redact.listed import listed_spans
from otelstream.redact.pairs import PLACEHOLDER, Span, has_signs, is_blank, may_hold_pairs, pair_spans
from otelstream.redact.ruleset import RuleSet
from otelstream.redact.validation import quoted_spans

MAX_DEPTH: Final = 100  # a deeper container becomes the placeholder; CrewAI itself flattens below five levels

Json: TypeAlias = Any  # dict, list, tuple, str, int, float, bool or None, nested

_KNOWN_KEYS_LIMIT: Final = 4096
_LONGEST_NAME: Final = 128


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
        self._rules = RuleSet(keys, patterns, values)
        # Frames repeat a few dozen keys; judging each of them once is what makes a chunk frame cheap.
        self._known_keys: dict[str, bool] = {}
        self.fired: Counter[str] = Counter()

    def counting(self) -> Self:
        """Return a redactor with the same rules and a count of its own."""
        other = copy.copy(self)
        other.fired = Counter()
        return other

    def knowing(self, values: Iterable[str]) -> Self:
        """Return a redactor with the same rules and further literal secrets, and a count of its own."""
        other = self.counting()
        other._rules, other._known_keys = self._rules.knowing(values), {}
        return other

    @property
    def literals(self) -> tuple[str, ...]:
        """All the ways to write the literal secrets in text, the longest first."""
        return self._rules.literals

    @property
    def has_function(self) -> bool:
        """Whether every string is given to a function of the user's."""
        return self._function is not None

    def reads_pairs(self, lowered: str) -> bool:
        """Tell whether a lower-case text may hold what only names, quotes or patterns of the user's tell."""
        return bool(self._rules.patterns) or bool(self._rules.keys) or may_hold_pairs(lowered)

    def redact(self, value: Json) -> Json:
        """Returns `value` with its secrets masked; at every level the same object where nothing changed.

        Under a secret key every string and number is masked; booleans, None and blank strings stay. Below
        `MAX_DEPTH` levels a container becomes the placeholder. What is not JSON is brought into the form that
        it has when it is written, as nobody knows what an object tells of itself then.
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
        if isinstance(value, (int, float)):
            return self._under_key() if secret else value
        return self._walk(decode_json(encode_json(value)), depth, secret=secret)

    def _under_key(self) -> str:
        self.fired["key"] += 1
        return self.redact_text(PLACEHOLDER)

    def _walk_items(self, items: Json, depth: int, *, secret: bool) -> Json:
        masked = [self._walk(item, depth, secret=secret) for item in items]
        if len(masked) == 2 and not secret and self._is_pair(*items):
            masked[1] = self._under_key()
        if all(new is old for new, old in zip(masked, items, strict=True)):
            return items
        return masked if isinstance(items, list) else tuple(masked)

    def _walk_dict(self, items: Json, depth: int, *, secret: bool) -> Json:
        rows = []
        changed = False
        named = name_beside(items)
        for key, item in items.items():
            name, is_secret = self._judge_key(key)
            is_secret = secret or is_secret or (key == "value" and named is not None and self._is_name(named))
            if is_secret and name is key and self._is_harmless(key, item, items):
                is_secret = False
            masked = self._walk(item, depth, secret=is_secret)
            changed = changed or masked is not item or name is not key
            rows.append((key, name, masked))
        return _rebuild(rows) if changed else items

    def _judge_key(self, key: Json) -> tuple[Json, bool]:
        """Tells what to write for `key`, and whether what stands under it is secret."""
        if not isinstance(key, str):
            return self._judge_odd_key(key)
        if key in self._known_keys:
            return key, self._known_keys[key]
        name = self.mask(key)
        # Judged masked as well: otherwise a second pass could find a secret key where the first saw none.
        is_secret = self._is_key(key) or self._is_key(name)
        if name is key and len(self._known_keys) < _KNOWN_KEYS_LIMIT:
            self._known_keys[key] = is_secret
        return name, is_secret

    def _judge_odd_key(self, key: Json) -> tuple[Json, bool]:
        if key is None or isinstance(key, (int, float)):
            return key, False
        (written,) = decode_json(encode_json({key: None}))
        parts = key if isinstance(key, tuple) else (written,)
        is_secret = any(isinstance(part, str) and self._judge_key(part)[1] for part in parts)
        return self._judge_key(written)[0], is_secret

    def _is_key(self, name: str) -> bool:
        return is_secret_key(name, self._rules.keys)

    def _is_name(self, text: Json) -> bool:
        """Tells whether a value is the name of a secret; judged masked as well, as keys are."""
        if not isinstance(text, str) or len(text) > _LONGEST_NAME:
            return False
        return self._is_key(text) or self._is_key(self.counting().mask(text))

    def _is_pair(self, name: Json, value: Json) -> bool:
        """Tells whether two items are a secret's name and itself, and not just two names."""
        if not isinstance(value, str) or not self._is_name(name):
            return False
        return looks_drawn(value) or looks_drawn(self.counting().mask(value))

    def _is_harmless(self, key: Json, item: Json, items: Json) -> bool:
        """Tells whether an item is no secret though it has the name of one, today and in a second pass."""
        if not isinstance(key, str) or squash(key) in self._rules.keys or not is_harmless(key, item, items):
            return False
        return not isinstance(item, str) or self.counting().mask(item) == item

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
        for rule in self._rules.of(text):
            if rule.hint in lowered and rule.pattern.search(text):
                # Never across a placeholder: what is masked once stays as it is.
                parts = text.split(PLACEHOLDER)
                text = PLACEHOLDER.join(
                    [self._replaced(part, _matches(rule.pattern, part), rule.name) for part in parts]
                )
        keys = self._rules.keys
        if not has_signs(text) or not (keys or may_hold_pairs(lowered)):
            return text
        # Pairs come last and see the whole text, as a rule above may have masked a part of their value.
        text = self._replaced(text, pair_spans(text, keys), "pair")
        text = self._replaced(text, listed_spans(text, keys), "pair")
        return self._replaced(text, quoted_spans(text, keys), "pair")

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
