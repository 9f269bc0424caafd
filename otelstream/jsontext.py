"""Values as JSON text and back, in pydantic's spelling; also what pydantic refuses to write or to read.

Such values are lone surrogates, deep nesting and large integers; frames may hold them.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic_core import from_json, to_json

from otelstream.anyjson import Nan, integer, read, write

_HALF: Final = re.compile("[\ud800-\udfff]")
_TWO_HALVES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ESCAPE: Final = re.compile(r"\\(?:u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_APART: Final = " "
"""What a text begins with in which every escaped half of a surrogate pair stands for itself, also where two
of them stand side by side: any JSON reader would make one character of those."""


def encode_json(value: object, *, nan: Nan = "constants") -> str:
    """Return JSON text of a value, of which `decode_json` makes the same value again.

    Lone surrogates are escaped, and an object that JSON does not know is written as its `repr`.

    Args:
        value: The value.
        nan: `constants` keeps NaN and infinities; `null` gives what CrewAI would write, for others to read.

    Raises:
        ValueError: A container holds itself.
    """
    try:
        text = to_json(value, inf_nan_mode=nan, fallback=repr).decode()
    except (ValueError, RecursionError):
        pass
    else:
        if is_faithful(text, value):
            return text
    text = write(value, nan)
    apart = _APART if nan == "constants" and _TWO_HALVES.search(text) else ""
    return apart + text.encode("utf-8", "backslashreplace").decode()


def is_faithful(text: str, value: object) -> bool:
    """Tell whether pydantic's JSON text of a value says what the value says.

    It does but for keys with lone surrogates, which pydantic may silently write as U+FFFD.
    """
    return "\ufffd" not in text or not _HALF.search(write(value, "null"))


def decode_json(text: str | bytes) -> Any:  # noqa: ANN401  JSON is any value
    """Return the value of a JSON text written by `encode_json` or by CrewAI.

    Raises:
        ValueError: The text is no JSON.
    """
    if text[:1] in (_APART, _APART.encode()):
        text = _ESCAPE.sub(_half, _decoded(text))
    else:
        try:
            return from_json(text, allow_inf_nan=True)
        except ValueError:
            pass
    try:
        return json.loads(text, parse_int=integer)
    except RecursionError:
        return read(_decoded(text))


def _half(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[0]


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode()
