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
        opening: How it begins: it is masked from there on, or from an empty group `secret` on. None if it is
            known otherwise whether a text ends in one (`tails`).
        rest: Any number of the characters that may follow.
        sign: For a rule of which all matches have `LONG` characters without a blank: another character that
            they have, or an empty text. So most texts need no look at `hint`.
    """

    name: str
    hint: str
    pattern: re.Pattern[str]
    opening: re.Pattern[str] | None = None
    rest: re.Pattern[str] | None = None
    sign: str | None = None


LONG: Final = 15
"""Characters without a blank that few texts have."""

SIGNS: Final = ("_", "-", ".")

# (literal beginnings, the rest). To stay linear, nothing that can fail may follow a far-reaching quantifier.
# All that these match is LONG.
_PREFIXES: Final = (
    (("sk-", "glpat-", "xai-", "tvly-", "pplx-", "nvapi-", "ya29.", "GOCSPX-", "pypi-AgE"), r"[\w-]{16,}"),
    (("hvs.", "hvb.", "hvr.", "sb_secret_"), r"[\w-]{16,}"),
    (("hf_", "gsk_", "npm_", "r8_", "lin_api_", "ntn_"), r"[A-Za-z0-9]{16,}"),
    (("github_pat_", "lsv2_"), r"\w{16,}"),
    (("sk_", "rk_"), r"(?:live|test)_\w{10,}"),
    (("whsec_",), r"[A-Za-z0-9+/]{16,}"),
    (("AKIA", "ASIA"), r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    (("AIza",), r"[\w-]{30,}"),
    (("gh",), r"[pousr]_[A-Za-z0-9]{16,}"),
    (("xox",), r"[abeoprs]-[\w-]{10,}"),
    (("xapp-",), r"\d-[\w-]{10,}"),
    (("hooks.slack.com/", "discord.com/api/"), r"(?:services|workflows|triggers|webhooks)/[\w/-]{20,}"),
    (("SG.",), r"[\w-]{16,64}\.[\w-]{16,}"),
    (("dop_v1_", "doo_v1_", "dor_v1_", "sbp_"), r"[A-Za-z0-9]{32,}"),
    (("shpat_", "shpca_", "shppa_", "shpss_", "dapi"), r"[A-Za-z0-9]{32}"),
    (("secret_",), r"[A-Za-z0-9]{40,}"),
    (("fw_",), r"(?=[A-Za-z]{0,64}\d)[A-Za-z0-9]{20,}"),
    (("pat",), r"[A-Za-z0-9]{14}\.[A-Za-z0-9]{64}"),
    (("AGE-SECRET-KEY-",), r"1[A-Z0-9]{40,}"),
)


class _Start(NamedTuple):
    """What may follow the beginning of a key, as long as it is not all there.

    Attributes:
        rest: One character of it.
        middles: What comes before that.
        check: What the rest has to look like, as words may begin like the key.
    """

    rest: str = r"[\w-]"
    middles: tuple[str, ...] = ("",)
    check: str = ""


_ALNUM: Final = _Start(r"[A-Za-z0-9]")
_STARTS: Final = {
    **dict.fromkeys(("hf_", "gsk_", "npm_", "AKIA", "ASIA", "r8_", "lin_api_", "ntn_"), _ALNUM),
    **dict.fromkeys(("sk_", "rk_"), _Start(r"\w", ("live_", "test_"))),
    "gh": _Start(r"[A-Za-z0-9]", ("p_", "o_", "u_", "s_", "r_")),
    "xox": _Start(middles=tuple(f"{kind}-" for kind in "abeoprs")),
    "hooks.slack.com/": _Start(r"[\w/-]"),
    "discord.com/api/": _Start(r"[\w/-]"),
    "SG.": _Start(r"[\w.-]"),
    "whsec_": _Start(r"[A-Za-z0-9+/]"),
    "secret_": _Start(r"[A-Za-z0-9]", check=r"(?=[a-z]{0,39}[A-Z0-9])"),
    "fw_": _Start(r"[A-Za-z0-9]", check=r"(?=[a-z]{0,19}[A-Z0-9])"),
    "pat": _Start(r"[A-Za-z0-9.]", check=r"(?=[a-z]{0,13}[A-Z0-9])"),
    "dapi": _Start(r"[A-Za-z0-9]", check=r"(?=[A-Za-z]{0,9}\d)"),
}
# (name, lower-case text that must occur, what is masked, how that begins, one character of its rest).
_SHAPES: Final = (
    # The look-behind covers all that the runs may hold: "-eyJ-eyJ…" must not be read on from every "eyJ".
    (
        "jwt",
        "eyj",
        r"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))[\w-]{8,}(?:\.[\w-]+){2,4}",
        r"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))",
        r"[\w.-]",
    ),
    # A block cut before its end is masked as far as its base64 goes, so that prose about keys survives.
    (
        "private key",
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}-----"
        r"|(?:(?:\s|\\+[nr])*[A-Z][A-Za-z-]{1,30}: [^\n\\]{1,200}(?=[\n\\])){0,8}"
        r"(?:(?:\s|\\+[nr])*[\w+/=]{16,})+(?:(?:\s|\\+[nr])+[\w+/=]+\Z)?)",
        None,
        None,
    ),
    # "bearer authentication" is prose: a token has a digit or is longer than a word.
    (
        "bearer token",
        "bearer",
        r"(?i:bearer)[ \t]+(?P<secret>(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{6,}|[\w.~+/=-]{16,})",
        r"(?i:bearer)[ \t]+(?P<secret>)",
        r"[\w.~+/=-]",
    ),
    # Base64 of a name and a password; "basic authentication" is prose.
    (
        "basic credentials",
        "basic",
        r"(?i:basic)[ \t]+(?P<secret>(?=[A-Za-z+/]{0,64}\d)[A-Za-z0-9+/]{12,}={0,2}|[A-Za-z0-9+/]{6,}={1,2})",
        r"(?i:basic)[ \t]+(?=[A-Za-z][a-z+/]{0,64}[A-Z0-9=])(?P<secret>)",
        r"[A-Za-z0-9+/=]",
    ),
    # What ends at the last "@" before a path; or else at the first one, unless it is the path behind a port.
    (
        "password in a URL",
        "://",
        r"://[^\s/?#:@\[\"'<>\\]*:(?P<secret>[^\s/?#\"'<>\\]+(?=@)"
        r"|(?!\d{1,5}[/?#])(?:[^\s/@\"'<>\\]|/(?!/))+(?=@))",
        r"://[^\s/?#:@\[\"'<>\\]*:(?!\d{1,5}[/?#])(?P<secret>)",
        r"[^\s\"'<>\\]",
    ),
    (
        "key in a query",
        "=",
        r"(?:[?&]key|(?<!\w)sig)=(?P<secret>[\w.~%+/=-]{8,})",
        r"(?:[?&]key|(?<!\w)sig)=(?P<secret>)",
        r"[\w.~%+/=-]",
    ),
    (
        "token in a URL",
        "://",
        r"://(?P<secret>(?=[^\s/?#:@]{0,256}\d)[\w.~%-]{16,256})(?=@)",
        r"://(?=[A-Za-z_~%-]{0,64}\d)(?P<secret>)",
        r"[\w~%-]",
    ),
    # Of two numbers, which are no name and password, the container's user is told.
    (
        "password for curl",
        "-u",
        r"(?<!\S)(?:-u|--(?:proxy-)?user)[ \t=]+[\"']?(?!\d+:\d+(?!\S))[^\s:\"']+:(?P<secret>[^\s\"']+)",
        r"(?<!\S)(?:-u|--(?:proxy-)?user)[ \t=]{1,8}[\"']?[^\s:\"']+:(?P<secret>)",
        r"[^\s\"']",
    ),
    (
        "Telegram bot",
        ":aa",
        r"(?<!\d)\d{8,10}:AA[\w-]{30,}",
        r"(?<!\d)\d{8,10}:AA",
        r"[\w-]",
    ),
    (
        "Azure client secret",
        "q~",
        r"(?:(?<![\w~.-])|(?<=\\[nrt]))[\w~.-]{3}\dQ~[\w~.-]{31,}",
        r"(?:(?<![\w~.-])|(?<=\\[nrt]))[\w~.-]{3}\dQ~",
        r"[\w~.-]",
    ),
)

# The literal comes first and is looked behind afterwards, so that the regex engine can search for it.
_EDGE: Final = r"(?:(?<![A-Za-z0-9]{0})|(?<=\\[nrt]{0}))"


def _shape(name: str, hint: str, pattern: str, opening: str | None, rest: str | None) -> Rule:
    rule = Rule(name, hint, re.compile(pattern, re.ASCII))
    if opening is None or rest is None:
        return rule
    return rule._replace(opening=re.compile(opening, re.ASCII), rest=re.compile(f"{rest}*", re.ASCII))


def _key(prefix: str, rest: str) -> Rule:
    start = _STARTS.get(prefix, _Start())
    literal = re.escape(prefix)
    begin = literal + _EDGE.format(literal)
    opening = f"{begin}(?:{'|'.join(start.middles)}){start.check}"
    rule = _shape(f"key {prefix}…", prefix.lower(), begin + rest, opening, start.rest)
    return rule._replace(sign=next((sign for sign in SIGNS if sign in prefix), ""))


SHAPES: Final = (
    *(_shape(*row) for row in _SHAPES),
    *(_key(prefix, rest) for prefixes, rest in _PREFIXES for prefix in prefixes),
)
BEGINNINGS: Final = (
    "eyJ",
    *(
        prefix + middle
        for prefixes, _ in _PREFIXES
        for prefix in prefixes
        for middle in _STARTS.get(prefix, _Start()).middles
    ),
)
"""How that begins of which the beginning is masked, too."""
