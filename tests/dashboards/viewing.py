"""docs/VIEWING.md in parts: its TraceQL, its commands, and its lines of variables for other stacks."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "VIEWING.md"


@dataclass(frozen=True, slots=True)
class Wiring:
    """One row of the table of stacks.

    Attributes:
        to: Where the spans go.
        variables: Name and value.
        takes: The signals, in words.
    """

    to: str
    variables: dict[str, str]
    takes: str


def blocks(language: str) -> list[str]:
    """Return the code blocks in a language, in their order."""
    found = re.findall(rf"^```{language}\n(.*?)^```", _text(), re.DOTALL | re.MULTILINE)
    return [block.strip() for block in found]


def queries() -> dict[str, str]:
    """Return the TraceQL by what stands in bold before it."""
    titled = r"^\*\*([^*\n]+?)\.?\*\*[^\n]*\n(?:[^\n]+\n)*\n```traceql\n(.*?)\n```"
    return dict(re.findall(titled, _text(), re.DOTALL | re.MULTILINE))


def commands() -> list[str]:
    """Return the lines of the console blocks that are typed, without prompt and comment."""
    typed = re.findall(r"^\$ (.*)$", "\n".join(blocks("console")), re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line) for line in typed]


def wirings() -> list[Wiring]:
    """Return the rows of the table of stacks."""
    table = _text().partition("| to | variables | takes | tested here |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    return [
        Wiring(to, dict(part.split("=", 1) for part in shlex.split(variables.strip("`"))), takes)
        for to, variables, takes, _ in rows
    ]


def _text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")
