"""What secrets look like: one row for each kind that is known by its form."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One kind of secret.

    Attributes:
        name: What the report of a session calls it.
        hint: Lower-case text that has to occur, so that most texts need no search.
        pattern: What is masked, or only its group `secret` if it has one.
        tail: Matches at the end of a text that the pattern may match once more of it has come.
    """

    name: str
    hint: str
    pattern: re.Pattern[str]
    tail: re.Pattern[str] | None = None


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
# (name, lower-case text that must occur, what is masked, what may become that).
_SHAPES: Final = (
    # The look-behind covers all that the runs may hold: "-eyJ-eyJ…" must not be read on from every "eyJ".
    (
        "jwt",
        "eyj",
        r"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))[\w-]{8,}(?:\.[\w-]+){2,4}",
        r"eyJ[\w-]*(?:\.[\w-]*){0,4}\Z",
    ),
    # A block cut before its end is masked as far as its base64 goes, so that prose about keys survives.
    (
        "private key",
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}-----"
        r"|(?:(?:\s|\\+[nr])*[\w+/=]{16,})+(?:(?:\s|\\+[nr])+[\w+/=]+\Z)?)",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-(?!----END)[^-]*)*\Z",
    ),
    # "bearer authentication" is prose: a token has a digit or is longer than a word.
    (
        "bearer token",
        "bearer",
        r"(?i:bearer)[ \t]+(?P<secret>(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{6,}|[\w.~+/=-]{16,})",
        r"(?i:bearer)[ \t]+[\w.~+/=-]+\Z",
    ),
    (
        "password in a URL",
        "://",
        r"://[^\s/?#:@\"'<>\\]*:(?P<secret>[^\s/?#\"'<>\\]+)@",
        r"://[^\s/?#:@\"'<>\\]*:[^\s/?#\"'<>\\]+\Z",
    ),
    (
        "key in a query",
        "=",
        r"(?:[?&]key|(?<!\w)sig)=(?P<secret>[\w.~%+/=-]{8,})",
        r"(?:[?&]key|(?<!\w)sig)=[\w.~%+/=-]+\Z",
    ),
    (
        "password for curl",
        "-u ",
        r"(?<!\S)-u [^\s:\"']+:(?P<secret>[^\s\"']+)",
        r"(?<!\S)-u [^\s:\"']+:[^\s\"']+\Z",
    ),
)

# The literal comes first and is looked behind afterwards, so that the regex engine can search for it.
_EDGE: Final = r"(?:(?<![A-Za-z0-9]{0})|(?<=\\[nrt]{0}))"

SHAPES: Final = (
    *(
        Rule(name, hint, re.compile(pattern, re.ASCII), re.compile(tail, re.ASCII))
        for name, hint, pattern, tail in _SHAPES
    ),
    *(
        Rule(
            f"key {prefix}…",
            prefix.lower(),
            re.compile(prefix + _EDGE.format(prefix) + rest, re.ASCII),
            re.compile(prefix + _EDGE.format(prefix) + r"[\w-]+\Z", re.ASCII),
        )
        for prefixes, rest in _PREFIXES
        for prefix in prefixes
    ),
)
