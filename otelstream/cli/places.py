"""Places in a session as people write them: `900`, `12.5s`, `2026-11-20T14:03:00Z`, `flow_started`, an id."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from recorder.cut import Bound

_ORDINAL: Final = re.compile(r"-?[0-9]{1,18}")
_SECONDS: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(s|m|h)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}


def place(text: str | None) -> Bound:
    """Return a place in a session: an ordinal, a time after its start, a moment, or else an id or a type."""
    if text is None:
        return None
    if _ORDINAL.fullmatch(text):
        return int(text)
    after = _SECONDS.fullmatch(text)
    if after is not None:
        return timedelta(**{_UNITS[after[2]]: float(after[1])})
    try:
        return datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        return text
