"""Secrets in text that the name in front of them tells: `password=…`, `"api_key": "…"`, `--token …`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from otelstream.redact.harmless import is_harmless_text, is_vocabulary, is_word
from otelstream.redact.keys import is_secret_key, squash

PLACEHOLDER: Final = "REDACTED"

Span: TypeAlias = tuple[int, int]

# Ordinary words: "the token: is" must not lose its "is", so a bare value after a colon has to look secret.
_PROSE_KEYS: Final = (
    *("token", "secret", "password", "credential", "cookie", "authorization", "dsn", "auth", "pass", "pw"),
    *("jwt", "passcode"),
)
# `key = value` in text. After a backslash, n, r or t ends an escape and does not begin a key.
_PAIR: Final = re.compile(
    r"(?<![\w-])(?:(?<=\\)(?:[nr]|t(?!oken)))?(?P<flag>-+)?"
    r"(?P<name>\w[\w-]{0,127}(?: (?i:key|string))?)"
    r"(?:(?P<quote>\\*[\"'`]\]?)?[ \t]*"
    r"(?P<separator>:[ \t]*(?:str|bytes|Optional\[str\])(?:[ \t]*\|[ \t]*None)?[ \t]*="
    r"|=(?!=)>?|:=?|==+(?=[ \t]*[\"'])|%3[aAdD])[ \t]*"
    r"|(?:(?<=SecretStr)|(?<=SecretBytes))\((?=b?\\*[\"'])"
    r"|(?(flag)[ \t]+|(?!)))"
)
_KEY_HINTS: Final = (
    *("key", "token", "secret", "pass", "pw", "auth", "cred", "cookie", "dsn", "conn", "acc", "jwt"),
    *("github", "gitlab", "azure", "devops"),
)
_SIGNS: Final = ("=", ":", "(", "[", "<", "--", "%3")
_QUOTE: Final = re.compile(r"(?<!\\)\\*[\"'`]")
_OPENING: Final = re.compile(r"(?:[A-Za-z_][\w.]*\()?[bBrRuUfF]{0,2}(?P<quote>\\*[\"'`])")
_GROUP: Final = re.compile(r"[\[({][^\[\](){}]*(?:[\[({][^\[\](){}]*[\])}][^\[\](){}]*)*[\])}]")
_SCHEME: Final = re.compile(r"(?i:basic|bearer|token|digest|apikey|negotiate)[ \t]+(?=\w)")
_BARE: Final = re.compile(r"[^\s,;&\"'`()\[\]{}<>\\]+")
_COOKIES: Final = re.compile(r"[^\s,;\"'`\\]+(?:; ?[^\s,;\"'`\\]+)*")
_ENCODED: Final = re.compile(r"(?:[^\s,;&\"'`()\[\]{}<>\\%]|%(?!2[026cC]|3[bB]))+")  # until %20, %22, %26…
_BLOCK: Final = re.compile(r"[|>][-+]?[ \t]*\n[ \t]+")  # of YAML
# get(1), env["A"], Key(a=…, await get()
_CODE: Final = re.compile(r"(?:(?:await|new)[ \t]+)?[A-Za-z_.]+(?:\([^\s()]*\)|\[[^\s\[\]]*\]|\(\w+=)")
_ATTRIBUTE: Final = re.compile(r"(?:[A-Za-z_]+\.)+(?P<last>[A-Za-z_]+)")  # settings.api_key
_BESIDE: Final = re.compile(r"\\*[\"'],[ \t]*\\*[\"'](?P<name>\w{1,32})\\*[\"']:")
_UNCLOSED_LIMIT: Final = 16
_BLANK: Final = frozenset(("", "None", "null", PLACEHOLDER))
_BLANK_WORDS: Final = frozenset(("none", "null", "nil", "undefined", "true", "false", "str", "redacted"))


def may_hold_pairs(lowered: str) -> bool:
    """Tell whether a lower-case text holds a part of any name that stands for a secret."""
    return _holds_any(lowered, _KEY_HINTS)


def has_signs(text: str) -> bool:
    """Tell whether a text holds what stands between the name of a secret and the secret."""
    return _holds_any(text, _SIGNS)


def _holds_any(text: str, parts: tuple[str, ...]) -> bool:
    for part in parts:  # noqa: SIM110  asked for every text, and a generator takes three times as long
        if part in text:
            return True
    return False


def pair_spans(text: str, keys: frozenset[str]) -> Iterator[Span]:
    """Yield where the secrets of `key = value` pairs stand.

    Args:
        text: Any text.
        keys: Further secret key names, squashed.
    """
    unclosed: set[str] = set()
    judged: dict[str, bool] = {}  # a dump repeats the same few names
    at = 0
    while pair := _PAIR.search(text, at):
        at = pair.end()
        name = pair["name"]
        if name not in judged:
            judged[name] = is_secret_key(name, keys)
        if judged[name]:
            for start, at in _value_spans(text, pair, unclosed):
                yield start, at


def is_blank(value: str) -> bool:
    """Tell whether a value says that there is none, or that it was masked."""
    return value.strip("\\\"'") in _BLANK


def _value_spans(text: str, pair: re.Match[str], unclosed: set[str]) -> Iterator[Span]:
    """Yields where the secret of `pair` stands: its value, or the strings in its bracketed value."""
    start = pair.end()
    if opening := _OPENING.match(text, start):
        start = opening.end()
        end = find_end(text, opening["quote"], (start, len(text)), unclosed)
        if end is None:  # the text was cut: mask what can be told
            yield from _bare_spans(text, start, pair)
        elif not _is_harmless(text, (start, end), pair):
            yield start, end
    elif group := _GROUP.match(text, start):
        yield from _string_spans(text, *group.span())
    else:
        yield from _bare_spans(text, start, pair)


def _is_harmless(text: str, span: Span, pair: re.Match[str]) -> bool:
    """Tells whether a quoted value is blank, or none in spite of its name."""
    value = text[span[0] : span[1]]
    if is_blank(value) or is_harmless_text(pair["name"], value):
        return True
    beside = _BESIDE.match(text, span[1])
    return beside is not None and is_vocabulary(pair["name"], (beside["name"],))


def _string_spans(text: str, at: int, stop: int) -> Iterator[Span]:
    """Yields where the strings of a bracketed value stand, but for those that are keys."""
    unclosed: set[str] = set()
    while opening := _QUOTE.search(text, at, stop):
        at = start = opening.end()
        end = find_end(text, opening[0], (start, stop), unclosed)
        if end is not None:
            at = end + len(opening[0])
            if ":" not in text[at : at + 2] and not is_blank(text[start:end]):
                yield start, end


def find_end(text: str, quote: str, span: Span, unclosed: set[str]) -> int | None:
    """Return where the string that `quote` opens ends; `unclosed` keeps this linear if none closes.

    Nesting puts n backslashes before a quote, and the next one with exactly n closes it. One with more is an
    escaped quote, and the end behind a backslash only if there is no other: where it may be either, rather
    some text too much is masked than half a secret.
    """
    slashes = len(quote) - 1
    for count in (f"{slashes}", f"{slashes},"):
        pattern = rf"(?<!\\)\\{{{count}}}{quote[-1]}"
        if pattern not in unclosed and len(unclosed) < _UNCLOSED_LIMIT:
            if closing := re.compile(pattern).search(text, *span):
                return closing.end() - len(quote)
            unclosed.add(pattern)
    return None


def _bare_spans(text: str, start: int, pair: re.Match[str]) -> Iterator[Span]:
    name = squash(pair["name"]).removesuffix("s")
    block = _BLOCK.match(text, start)
    start = block.end() if block else start
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    separator = pair["separator"] or ""
    pattern = _ENCODED if separator[:1] == "%" else _COOKIES if name.endswith("cookie") else _BARE
    bare = pattern.match(text, start)
    if bare is None or _CODE.match(text, start) or _is_attribute(bare[0]):
        return
    word = bare[0].rstrip(".!?:")
    # A flag's value after a blank ("--token abc") is as doubtful as a word after a colon ("the token: abc").
    is_loose = not separator or (separator == ":" and name in _PROSE_KEYS)
    is_header = scheme is not None and name.endswith("authorization")
    is_prose = is_loose and not pair["quote"] and not is_header and (len(word) < 6 or is_word(word))
    is_none = is_prose or word.lower() in _BLANK_WORDS or is_harmless_text(pair["name"], word)
    if not is_none and any(map(str.isalnum, word)):
        yield bare.span()


def _is_attribute(text: str) -> bool:
    """Tells whether a bare value is code that names a secret and is none."""
    code = _ATTRIBUTE.fullmatch(text)
    return code is not None and is_secret_key(code["last"])
