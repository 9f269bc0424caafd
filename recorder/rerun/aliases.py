"""What differs between two runs of the same code although nothing changed, replaced by names that do not.

Pure; reads ids and addresses by their shape, so it must only be used to compare.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_VOLATILE: Final = re.compile(
    r"(?P<address>\b0x[0-9a-fA-F]{6,16}\b)"
    r"|(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    # What CrewAI calls a tool call to which its provider gave no id: the address of an object.
    r"|(?P<call>\bcall_\d{9,}\b)"
)


def aliased(value: Any) -> Any:  # noqa: ANN401  JSON is any value
    """Return JSON with ids and addresses named by kind and order of appearance; equal ones stay equal."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"<{match.lastgroup} {len(names) + 1}>")

    return _walked(value, lambda text: _VOLATILE.sub(name, text))


def _walked(value: Any, text: Any) -> Any:  # noqa: ANN401  JSON is any value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {text(str(key)): _walked(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walked(item, text) for item in value]
    return value
