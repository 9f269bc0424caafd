"""Durations and sizes as people write them: `7d`, `500MB`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from otelstream.errors import UsageError

_DURATION: Final = re.compile(r"([0-9]{1,5})(s|m|h|d|w)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SIZE: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([KMGT]?i?B)", re.IGNORECASE)
_BYTES: Final = {
    "b": 1,
    **{f"{prefix}b": 1_000**power for power, prefix in enumerate("kmgt", 1)},
    **{f"{prefix}ib": 1_024**power for power, prefix in enumerate("kmgt", 1)},
}


def duration(text: str) -> timedelta:
    """Return a duration. Raises `UsageError` for what is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no duration; write for example 30m, 12h, 7d or 2w.")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def size(text: str) -> int:
    """Return a size in bytes. Raises `UsageError` for what is none."""
    found = _SIZE.fullmatch(text)
    unit = None if found is None else _BYTES.get(found[2].lower())
    if found is None or unit is None:
        raise UsageError(f"{text!r} is no size; write for example 500MB, 2GB or 1GiB.")
    return int(float(found[1]) * unit)
