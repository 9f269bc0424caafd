"""The one place where content is masked: secrets found by key name, by shape or by value become `REDACTED`.

Pure: no I/O, no clock, no environment. What holds no secret comes back as the same object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

PLACEHOLDER: Final = "REDACTED"
MAX_DEPTH: Final = 100  # a deeper container becomes the placeholder; CrewAI itself flattens below five levels
MIN_VALUE_LENGTH: Final = 8  # shorter literals occur in harmless words too often

Json: TypeAlias = Any  # dict, list, tuple, str, int, float, bool or None, nested
_Span: TypeAlias = tuple[int, int]
_Rule: TypeAlias = tuple[str, re.Pattern[str]]  # lower-case text that has to occur, what is masked then

# Compared with the end of a key without case and separators: X-Api-Key and PGPASSWORD need no own rows.
_SECRET_ENDINGS: Final = (
    *("apikey", "apikeys", "accesskey", "accountkey", "authkey", "encryptionkey", "privatekey", "secretkey"),
    *("sharedkey", "signingkey", "sshkey", "subscriptionkey", "token", "secret", "secrets", "secretstr"),
    *("secretbytes", "password", "passwords", "passwd", "pwd", "passphrase", "dbpass", "smtppass"),
    *("authorization", "basicauth", "credential", "credentials", "cookie", "cookies", "dsn"),
    *("connectionstring", "userpass", "accesssignature"),
)
# Words before "token" that make it a count, a cursor or a vocabulary entry. Whole words only: developer_token
# is a secret although it ends in "per_token".
_COUNTED_TOKEN: Final = re.compile(
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
    r"(?i:max|min|num|total|prompt|completion|input|output|cached|reasoning|per|first|last|new|next|page"
    r"|start|end|stop|special|eos|bos|pad|unk|sep|cls|mask)[^A-Za-z0-9]?(?i:token)[^A-Za-z]*$"
)
# Ordinary words: "the token: is" must not lose its "is", so a bare value after a colon has to look secret.
_PROSE_KEYS: Final = ("token", "secret", "password", "credential", "cookie", "authorization", "dsn")
_SEPARATORS: Final = str.maketrans("", "", "_- ./:")
_KNOWN_KEYS_LIMIT: Final = 4096
_WORKING_DIRECTORIES: Final = frozenset(("PWD", "OLDPWD"))  # "pwd" is a password everywhere but in a shell

# (literal beginnings, the rest). To stay linear, nothing that can fail may follow a far-reaching quantifier.
_PREFIXES: Final = (
    (("sk-", "glpat-", "xai-", "tvly-", "pplx-", "nvapi-"), r"[\w-]{16,}"),
    (("hf_", "gsk_", "npm_"), r"[A-Za-z0-9]{16,}"),
    (("github_pat_", "lsv2_"), r"\w{16,}"),
    (("sk_", "rk_"), r"(?:live|test)_\w{10,}"),
    (("AKIA", "ASIA"), r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    (("AIza",), r"[\w-]{30,}"),
    (("gh",), r"[pousr]_[A-Za-z0-9]{16,}"),
    (("xox",), r"[abeoprs]-[\w-]{10,}"),
)
# (lower-case text that must occur, pattern whose group "secret", if any, narrows what is masked).
_SHAPES: Final = (
    # The look-behind covers all that the runs may hold: "-eyJ-eyJ…" must not be read on from every "eyJ".
    ("eyj", r"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))[\w-]{8,}(?:\.[\w-]+){2,4}"),
    # A block cut before its end is masked as far as its base64 goes, so that prose about keys survives.
    (
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}-----"
        r"|(?:(?:\s|\\+[nr])*[\w+/=]{16,})+(?:(?:\s|\\+[nr])+[\w+/=]+\Z)?)",
    ),
    # "bearer authentication" is prose: a token has a digit or is longer than a word.
    ("bearer", r"(?i:bearer)[ \t]+(?P<secret>(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{6,}|[\w.~+/=-]{16,})"),
    ("://", r"://[^\s/?#:@\"'<>\\]*:(?P<secret>[^\s/?#\"'<>\\]+)@"),
    ("=", r"(?:[?&]key|(?<!\w)sig)=(?P<secret>[\w.~%+/=-]{8,})"),
    ("-u ", r"(?<!\S)-u [^\s:\"']+:(?P<secret>[^\s\"']+)"),  # curl
)

# `key = value` in text. After a backslash, n, r or t ends an escape and does not begin a key.
_PAIR: Final = re.compile(
    r"(?<![\w-])(?:(?<=\\)(?:[nr]|t(?!oken)))?(?P<flag>-+)?"
    r"(?P<name>\w[\w-]{0,127}(?: (?i:key|string))?)"
    r"(?:(?P<quote>\\*[\"'`]\]?)?[ \t]*"
    r"(?P<separator>:[ \t]*(?:str|bytes|Optional\[str\])(?:[ \t]*\|[ \t]*None)?[ \t]*="
    r"|=(?!=)>?|:=?|==+(?=[ \t]*[\"']))[ \t]*"
    r"|(?:(?<=SecretStr)|(?<=SecretBytes))\((?=b?\\*[\"'])"
    r"|(?(flag)[ \t]+|(?!)))"
)
_PAIR_SIGN: Final = re.compile(r"[=:(]|--")
_KEY_HINTS: Final = ("key", "token", "secret", "pass", "pwd", "auth", "cred", "cookie", "dsn", "conn", "acc")
_QUOTE: Final = re.compile(r"(?<!\\)\\*[\"'`]")
_OPENING: Final = re.compile(r"(?:[A-Za-z_][\w.]*\()?[bBrRuUfF]{0,2}(?P<quote>\\*[\"'`])")
_GROUP: Final = re.compile(r"[\[({][^\[\](){}]*(?:[\[({][^\[\](){}]*[\])}][^\[\](){}]*)*[\])}]")
_SCHEME: Final = re.compile(r"(?i:basic|bearer|token|digest|apikey|negotiate)[ \t]+(?=\w)")
_BARE: Final = re.compile(r"[^\s,;&\"'`()\[\]{}<>\\]+")
_COOKIES: Final = re.compile(r"[^\s,;\"'`\\]+(?:; ?[^\s,;\"'`\\]+)*")
_CODE: Final = re.compile(r"[A-Za-z_.]+(?:\([^\s()]*\)|\[[^\s\[\]]*\]|\(\w+=)")  # get(1), env["A"], Key(a=…
_UNCLOSED_LIMIT: Final = 16
_BLANK: Final = frozenset(("", "None", "null", PLACEHOLDER))
_BLANK_WORDS: Final = frozenset(("none", "null", "nil", "undefined", "true", "false", "str", "redacted"))
# The literal comes first and is looked behind afterwards, so that the regex engine can search for it.
_EDGE: Final = r"(?:(?<![A-Za-z0-9]{0})|(?<=\\[nrt]{0}))"
_DEFAULT_RULES: Final = (
    *((hint, re.compile(pattern, re.ASCII)) for hint, pattern in _SHAPES),
    *(
        (prefix.lower(), re.compile(prefix + _EDGE.format(prefix) + rest, re.ASCII))
        for prefixes, rest in _PREFIXES
        for prefix in prefixes
    ),
)


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
        self._keys = frozenset(filter(None, map(_squash, keys)))
        # Frames repeat a few dozen keys; judging each of them once is what makes a chunk frame cheap.
        self._known_keys: dict[str, bool] = {}
        long = (value for value in values if len(value) >= MIN_VALUE_LENGTH)
        literals = [value for value in long if not _is_secret_key(value, self._keys)]
        try:
            compiled = [re.compile(pattern) for pattern in patterns]
        except re.error as error:
            message = f"The redaction pattern {error.pattern!r} is no valid regular expression: {error}."
            raise ValueError(message) from error
        self._rules: tuple[_Rule, ...] = (
            # The longest first: it may contain another one, which would leave its rest behind.
            *(("", re.compile(re.escape(literal))) for literal in sorted(literals, key=len, reverse=True)),
            *(("", pattern) for pattern in compiled),
            *_DEFAULT_RULES,
        )

    def redact(self, value: Json) -> Json:
        """Returns `value` with its secrets masked; at every level the same object where nothing changed.

        Under a secret key every string and number is masked; booleans, None and blank strings stay. Below
        `MAX_DEPTH` levels a container becomes the placeholder. Objects that are not JSON stay as they are.
        """
        return self._walk(value, 0, secret=False)

    def redact_text(self, text: str) -> str:
        """Returns `text` with its secrets masked and all else kept; the same object if it holds none."""
        masked = self._mask(text)
        return masked if self._function is None else self._function(masked)

    def _walk(self, value: Json, depth: int, *, secret: bool) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            # A blank that a rule would change counts as a secret, or a second pass would find one in it.
            if secret and not (_is_blank(value) and _is_blank(self._mask(value))):
                value = PLACEHOLDER
            return self.redact_text(value)
        if isinstance(value, (dict, list, tuple)):
            if depth == MAX_DEPTH:
                return self.redact_text(PLACEHOLDER)
            walk = self._walk_dict if isinstance(value, dict) else self._walk_items
            return walk(value, depth + 1, secret=secret)
        return self.redact_text(PLACEHOLDER) if secret and isinstance(value, (int, float)) else value

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
        name = self._mask(key)
        # Judged masked as well: otherwise a second pass could find a secret key where the first saw none.
        is_secret = _is_secret_key(key, self._keys) or _is_secret_key(name, self._keys)
        if name is key and len(self._known_keys) < _KNOWN_KEYS_LIMIT:
            self._known_keys[key] = is_secret
        return name, is_secret

    def _mask(self, text: str) -> str:
        # Until nothing more is found: that makes the whole idempotent. It ends because no rule touches a
        # placeholder alone, so every round leaves less text to match.
        while (masked := self._mask_once(text)) != text:
            text = masked
        return text

    def _mask_once(self, text: str) -> str:
        lowered = text.lower()
        for hint, pattern in self._rules:
            if hint in lowered and pattern.search(text):
                # Never across a placeholder: what is masked once stays as it is.
                parts = text.split(PLACEHOLDER)
                text = PLACEHOLDER.join([_replace(part, _matches(pattern, part)) for part in parts])
        # Pairs come last and see the whole text, as a rule above may have masked a part of their value.
        if _PAIR_SIGN.search(text) and (self._keys or any(hint in lowered for hint in _KEY_HINTS)):
            text = _replace(text, self._pair_spans(text))
        return text

    def _pair_spans(self, text: str) -> Iterator[_Span]:
        unclosed: set[str] = set()
        judged: dict[str, bool] = {}  # a dump repeats the same few names
        at = 0
        while pair := _PAIR.search(text, at):
            at = pair.end()
            name = pair["name"]
            if name not in judged:
                judged[name] = _is_secret_key(name, self._keys)
            if judged[name]:
                for start, at in _value_spans(text, pair, unclosed):
                    yield start, at


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the values, longest first, of the variables whose names are secret keys."""
    secrets = {
        value
        for name, value in environ.items()
        if len(value) >= MIN_VALUE_LENGTH and name not in _WORKING_DIRECTORIES and _is_secret_key(name)
    }
    return tuple(sorted(secrets, key=lambda secret: (-len(secret), secret)))


def _squash(name: str) -> str:
    return name.lower().translate(_SEPARATORS)


def _is_secret_key(name: str, further: frozenset[str] = frozenset()) -> bool:
    plain = _squash(name)
    ending = plain.rstrip("0123456789")
    if ending.endswith("token") and _COUNTED_TOKEN.search(name):
        return plain in further
    return ending.endswith(_SECRET_ENDINGS) or plain in further


def _is_blank(value: str) -> bool:
    return value.strip("\\\"'") in _BLANK


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


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[_Span]:
    group = "secret" if "secret" in pattern.groupindex else 0
    return (match.span(group) for match in pattern.finditer(text))


def _replace(text: str, spans: Iterable[_Span]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if done <= start < end:
            parts += (text[done:start], PLACEHOLDER)
            done = end
    return "".join((*parts, text[done:])) if parts else text


def _value_spans(text: str, pair: re.Match[str], unclosed: set[str]) -> Iterator[_Span]:
    """Yields where the secret of `pair` stands: its value, or the strings in its bracketed value."""
    start = pair.end()
    opening = _OPENING.match(text, start)
    if opening:
        start = opening.end()
        end = _find_end(text, opening["quote"], (start, len(text)), unclosed)
        if end is None:  # the text was cut: mask what can be told
            yield from _bare_spans(text, start, pair)
        elif not _is_blank(text[start:end]):
            yield start, end
    elif group := _GROUP.match(text, start):
        yield from _string_spans(text, *group.span())
    else:
        yield from _bare_spans(text, start, pair)


def _string_spans(text: str, at: int, stop: int) -> Iterator[_Span]:
    """Yields where the strings of a bracketed value stand, but for those that are keys."""
    unclosed: set[str] = set()
    while opening := _QUOTE.search(text, at, stop):
        at = start = opening.end()
        end = _find_end(text, opening[0], (start, stop), unclosed)
        if end is not None:
            at = end + len(opening[0])
            if ":" not in text[at : at + 2] and not _is_blank(text[start:end]):
                yield start, end


def _find_end(text: str, quote: str, span: _Span, unclosed: set[str]) -> int | None:
    """Returns where the string that `quote` opens ends; `unclosed` keeps this linear if none closes.

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


def _bare_spans(text: str, start: int, pair: re.Match[str]) -> Iterator[_Span]:
    name = _squash(pair["name"]).removesuffix("s")
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    bare = (_COOKIES if name.endswith("cookie") else _BARE).match(text, start)
    if bare is None or _CODE.match(text, start):
        return
    word = bare[0].rstrip(".!?:")
    # A flag's value after a blank ("--token abc") is as doubtful as a word after a colon ("the token: abc").
    is_loose = pair["separator"] is None or (pair["separator"] == ":" and name in _PROSE_KEYS)
    is_header = scheme is not None and name.endswith("authorization")
    is_prose = is_loose and not pair["quote"] and not is_header and (len(word) < 6 or word.isalpha())
    if not is_prose and word.lower() not in _BLANK_WORDS and any(map(str.isalnum, word)):
        yield bare.span()
