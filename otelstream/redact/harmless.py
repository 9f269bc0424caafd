"""What stands under a secret's name without being a secret, and which texts do not look like one."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any, Final

from otelstream.redact.keys import MIN_VALUE_LENGTH, squash

# Names of which numbers tell how many there are.
_COUNTS: Final = frozenset((
    "count", "total", "size", "length", "limit", "max", "min", "index", "ttl", "maxage", "expiresin",
    "expires", "cookie", "cookies", "secrets", "pass", "passwords", "credentials",
))  # fmt: skip
_MODES: Final = ("credentials", "auth", "authorization")
_MODE_WORDS: Final = frozenset((
    "include", "omit", "same-origin", "basic", "bearer", "digest", "oauth", "oauth2", "apikey",
    "api_key", "required", "optional", "enabled", "disabled",
))  # fmt: skip
_DIRECTORIES: Final = frozenset(("pwd", "oldpwd"))
_DIRECTORY: Final = re.compile(
    r"(?:~|/(?:app|code|data|etc|home|mnt|opt|private|repo|root|src|srv|tmp|users|usr|var|work|workspaces?))"
    r"(?:/|$)|[A-Za-z]:\\",
    re.IGNORECASE,
)
_VOCABULARY: Final = ("logprob", "logprobs", "log_prob")
# How values that are not JSON are written in a recording: nothing of it is told by the value itself.
_TAGS: Final = frozenset((
    "bytes", "complex", "dataclass", "date", "datetime", "decimal", "dict", "enum", "exception", "frozenset",
    "int", "mapping", "model", "namedtuple", "object", "path", "set", "subclass", "time", "timedelta",
    "tuple", "uuid",
))  # fmt: skip
_STRUCTURE: Final = frozenset(("$type", "class", "bases", "fields_set"))
_PARTS: Final = re.compile(r"[_./:-]")
_NUMBER: Final = re.compile(r"\d{1,2}\Z")


def is_harmless(name: str, value: object, beside: Mapping[Any, object]) -> bool:
    """Tell whether a value is no secret, though it has the name of one or is a part of one.

    Args:
        name: The name that it has.
        value: The value.
        beside: The dict that it is in.
    """
    if isinstance(value, (int, float)):
        return squash(name) in _COUNTS
    if name in _STRUCTURE and beside.get("$type") in _TAGS:
        return True
    return isinstance(value, str) and (is_harmless_text(name, value) or is_vocabulary(name, beside))


def is_harmless_text(name: str, value: str) -> bool:
    """Tell whether a text under a secret's name says how secrets are dealt with, or is a directory."""
    plain = squash(name)
    if plain in _DIRECTORIES:
        return _DIRECTORY.match(value) is not None
    if value.isdecimal():
        return plain in _COUNTS
    return plain.endswith(_MODES) and value.lower() in _MODE_WORDS


def is_vocabulary(name: str, beside: Container[str]) -> bool:
    """Tell whether a token is one that a model reads or writes, by the names beside its own."""
    return squash(name) == "token" and any(other in beside for other in _VOCABULARY)


def looks_drawn(text: str) -> bool:
    """Tell whether a text is neither words nor a name, but of letters and digits drawn at random."""
    if len(text) < MIN_VALUE_LENGTH or any(map(str.isspace, text)) or not any(map(str.isalnum, text)):
        return False
    return not all(is_word(_NUMBER.sub("", part)) for part in _PARTS.split(text))


def is_word(text: str) -> bool:
    """Tell a word from letters drawn at random, which are long and mix their cases."""
    is_plain = len(text) < 12 or text.islower() or text.istitle() or text.isupper()
    return not text or (text.isalpha() and is_plain)
