"""How a secret may be written of which the value is known: in JSON, in reprs, in URLs, in base64."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Final
from urllib.parse import quote, quote_plus

from otelstream.redact.keys import MIN_VALUE_LENGTH

_PERCENT: Final = re.compile("%[0-9A-F]{2}")


def written_forms(value: str) -> set[str]:
    """Return a literal secret as it is, and as JSON, Python and URLs escape it; JSON within JSON, too."""
    escaped = {_in_json(value), _in_json(_in_json(value)), repr(value)[1:-1], _in_json(repr(value)[1:-1])}
    quoted = {quoting(value, safe="", errors="backslashreplace") for quoting in (quote, quote_plus)}
    lowered = {_PERCENT.sub(lambda match: match[0].lower(), text) for text in quoted}
    return _long_enough({value, json.dumps(value, ensure_ascii=False)[1:-1], *escaped, *quoted, *lowered})


def base64_forms(value: str) -> set[str]:
    """Return what any base64 text has in it that the value is a part of, wherever in it: `user:value`, say.

    Three bytes are four characters, so there are three ways, of which the ends depend on what is beside.
    """
    raw = value.encode("utf-8", "surrogatepass")
    forms = set[str]()
    for before in range(3):
        text = b64encode(bytes(before) + raw).decode().rstrip("=")
        last = len(text) - (0 if (before + len(raw)) % 3 == 0 else 1)
        forms.add(text[(0, 2, 3)[before] : last])
    return _long_enough(forms)


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _long_enough(forms: set[str]) -> set[str]:
    return {form for form in forms if len(form) >= MIN_VALUE_LENGTH}
