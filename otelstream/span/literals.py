"""Deep values restored from the `repr` strings into which the runtime flattens them.

`to_serializable` (`crewai.utilities.serialization`) replaces whatever lies deeper than five levels by its
`repr`. Where that cut lies is known, so strings are only read back there, and never where a user wrote them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, Final

EVENT_CUT: Final = (3,)
"""Levels below a field of `data` at which a frame holds a `repr`: the field is at depth two of its event."""

MESSAGE_CUTS: Final = (3, 5)
"""Those of `messages` and `tools` of LLM frames, which were flattened once before on their own."""

MAX_LITERAL: Final = 1_000_000
"""Longest `repr`, in characters, that is read; a longer one stays a string."""

_REPR: Final = re.compile(r"""b?['"{\[(]|(?:True|False|None|-?[\d.]+(?:e[-+]?\d+)?)\Z""")
_STRING: Final = re.compile(
    r"""(b?)('[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z))""", re.DOTALL
)
_ODD_ESCAPE: Final = re.compile(r"""\\[^'"nrtxuU]""")
_UNICODE_ESCAPE: Final = re.compile(r"\\[uU]")
_ODD_NUMBER: Final = re.compile(r"\d(?!e[-+]?\d|j\b)[A-Za-z_]")
"""What no `repr` contains, and Python would warn of on stderr."""


def restored(value: object, cuts: tuple[int, ...] = EVENT_CUT, level: int = 0) -> Any:  # noqa: ANN401  JSON is any value
    """Return a field of `data` with its `repr` strings read back.

    A `repr` that is no literal (an object's) stays the string that it is. Nothing is executed.

    Args:
        value: The field's value: JSON.
        cuts: The levels at which it holds a `repr`.
        level: Where `value` stands below its field.
    """
    if level in cuts:
        value = _literal(value)
    if level >= cuts[-1]:
        return value
    if isinstance(value, Mapping):
        return {str(key): restored(item, cuts, level + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [restored(item, cuts, level + 1) for item in value]
    return value


def _literal(value: object) -> object:
    if not isinstance(value, str) or len(value) > MAX_LITERAL:
        return value
    if not _REPR.match(value) or _is_odd(value):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return value


def _is_odd(value: str) -> bool:
    plain = value.replace("\\\\", "")  # an escaped backslash escapes nothing
    return (
        _ODD_ESCAPE.search(plain) is not None
        or any(match[1] and _UNICODE_ESCAPE.search(match[2]) for match in _STRING.finditer(plain))
        or _ODD_NUMBER.search(_STRING.sub("", plain)) is not None
    )
