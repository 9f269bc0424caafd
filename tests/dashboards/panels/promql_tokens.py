"""PromQL cut into tokens; variables of Grafana may stand for durations and numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<variable>\$\w+|\$\{\w+(?::\w+)?\})
    | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    | (?P<number>(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))
    | (?P<word>[a-zA-Z_:][\w:]*)
    | (?P<operator>=~|!~|==|!=|<=|>=|[-+*/%^<>=@])
    | (?P<bracket>[()\[\]{},:])
    """,
    re.VERBOSE,
)


class PromqlError(ValueError):
    """An expression that Prometheus would refuse; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A part of an expression.

    Attributes:
        kind: What it is; `end` behind the last one.
        text: As it is written.
    """

    kind: str
    text: str


def tokens(expression: str) -> list[Token]:
    """Return the parts of an expression without its spaces, and an end.

    Raises:
        PromqlError: A character begins nothing.
    """
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise PromqlError(f"{expression!r}: nothing begins with {expression[at : at + 12]!r} (at {at}).")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group()))
        at = match.end()
    return [*found, Token("end", "")]
