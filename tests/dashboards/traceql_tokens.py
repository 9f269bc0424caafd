"""TraceQL cut into tokens: what a scope, an attribute's name, a string, a duration or an operator is.

Written after Tempo's documentation of TraceQL (3.0): a name ends at a space or one of `{}()=~!<>&|^,`, so
that `span.a-b` is one name, and parts of it may be quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

Kind: TypeAlias = Literal[
    "attribute",
    "intrinsic",
    "string",
    "duration",
    "number",
    "word",
    "variable",
    "operator",
    "bracket",
    "comma",
]

SCOPES: Final = ("span", "resource", "event", "link", "instrumentation")
"""What may stand in front of a name; without one Tempo looks at spans and resources."""

INTRINSICS: Final = frozenset(
    {
        *("span:duration", "span:name", "span:kind", "span:status", "span:statusMessage", "span:id"),
        *("span:parentID", "span:childCount", "trace:duration", "trace:rootName", "trace:rootService"),
        *("trace:id", "event:name", "event:timeSinceStart", "link:spanID", "link:traceID"),
        *("instrumentation:name", "instrumentation:version"),
        # The old names without a scope.
        *("duration", "name", "kind", "status", "statusMessage", "rootName", "rootServiceName"),
        *("traceDuration", "nestedSetLeft", "nestedSetRight", "nestedSetParent"),
    }
)

_UNITS: Final = r"(?:ns|us|µs|ms|s|m|h|d|w|y)"
_QUOTED: Final = r'"(?:[^"\\]|\\["\\])*"'
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    | (?P<variable>\$\{{\w+(?::\w+)?\}}|\$\w+|\[\[\w+(?::\w+)?\]\])
    | (?P<duration>(?:\d+(?:\.\d+)?{_UNITS})+(?![\w.]))
    | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<attribute>(?:parent\.)?(?:{"|".join(SCOPES)}|parent)?\.(?:{_QUOTED}|[^\s{{}}()=~!<>&|^,"])+)
    | (?P<intrinsic>(?:span|trace|event|link|instrumentation):\w*)
    | (?P<word>[^\W\d]\w*)
    | (?P<operator>[&!](?:>>|<<)|&&|\|\||>>|<<|[<>!]=|[=!]~|[!&][<>]|&~|[=<>~+\-*/%^!|])
    | (?P<bracket>[{{}}()])
    | (?P<comma>,)
    """,
    re.VERBOSE,
)


class TraceqlError(ValueError):
    """A query that Tempo 3.0 would refuse; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a query.

    Attributes:
        kind: What it is.
        text: As it is written.
        at: Where it begins, in characters.
    """

    kind: Kind
    text: str
    at: int


def tokens(query: str) -> list[Token]:
    """Return the parts of a query without its spaces.

    Raises:
        TraceqlError: A character begins nothing, as the quote of a string that does not end.
    """
    found: list[Token] = []
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or match.lastgroup is None:
            raise TraceqlError(
                f"{query!r}: nothing in TraceQL begins with {query[at : at + 12]!r} (at {at})."
            )
        if match.lastgroup != "space":
            found.append(Token(cast("Kind", match.lastgroup), match.group(), at))
        at = match.end()
    return found


def scope_and_name(token: Token) -> tuple[str, str]:
    """Return the scope of an attribute's token (empty without one) and its name without quotes."""
    scope, _, name = token.text.partition(".")
    return scope, re.sub(_QUOTED, lambda part: re.sub(r"\\(.)", r"\1", part.group()[1:-1]), name)
