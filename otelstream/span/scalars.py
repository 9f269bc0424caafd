"""Values of `frame.data` that OTLP can carry; anything else is None, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Data: TypeAlias = Mapping[str, Any]

_QUOTED: Final = re.compile(r"input_value=.*?(?=, input_type=|\Z)", re.DOTALL)
_INT64: Final = range(-(2**63), 2**63)


def text(value: object) -> str | None:
    """Return a non-empty string that OTLP can carry, otherwise None."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def message(value: object) -> str | None:
    """Return the text of an error that OTLP can carry, otherwise None.

    Arguments that pydantic quotes in it are content, and are left out.
    """
    found = text(value)
    return found if found is None or "input_value=" not in found else _QUOTED.sub("input_value=...", found)


def number(value: object) -> int | float | None:
    """Return a number that OTLP can carry (64 bits), otherwise None; a bool is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, float) or value in _INT64 else None


def flag(value: object) -> bool | None:
    """Return a bool, otherwise None."""
    return value if isinstance(value, bool) else None


def mapping(value: object) -> Data:
    """Return a mapping, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}
