"""Numbers as people read them, by the name of their column: `1.2 s`, `12,345`, `33 %`.

A column says its unit by how its name ends, in reports as in the views of a recording.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 3_600
_SIZES: Final = ("bytes", "KB", "MB", "GB", "TB")


def shown(column: str, value: object) -> str:
    """Return a value of a column with its unit; empty for None, which is unknown and no zero."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _writer_of(column)(value)
    if isinstance(value, float | Decimal):
        return _writer_of(column)(float(value)) if isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def unit_of(column: str) -> str:
    """Return what a column counts, for the axis of a picture."""
    return next((unit for ending, unit, _ in _UNITS if column.endswith(ending)), "")


def seconds(value: float) -> str:
    """Return a duration given in seconds: `0.43 ms`, `12 ms`, `1.2 s`, `3.4 min`, `12.0 h`."""
    size = abs(value)
    if size < 0.0995:
        return f"{_two_digits(value * 1e3)} ms" if size else "0 s"
    if size < 0.9995:
        return f"{value * 1e3:.0f} ms"
    if size < 2 * _MINUTE:
        return f"{value:.1f} s"
    return f"{value / _MINUTE:.1f} min" if size < 2 * _HOUR else f"{value / _HOUR:,.1f} h"


def size(count: int) -> str:
    """Return a number of bytes: `0 bytes`, `1.2 MB`."""
    value, unit = float(count), 0
    while value >= 999.95 and unit + 1 < len(_SIZES):
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_SIZES[unit]}" if unit else f"{count} bytes"


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1 else _two_digits(value)


def _share(value: float) -> str:
    if 0.99 < value < 1:
        return f"{min(100 * value, 99.99):.2f} %"  # nearly all is not all
    return f"{100 * value:.0f} %" if value >= 0.01 or not value else f"{_two_digits(100 * value)} %"


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 or not value else f"${_two_digits(value)}"


def _two_digits(value: float) -> str:
    """Return a number without an exponent, that of one short call in dollars: 0.000003."""
    return f"{Decimal(f'{value:.2g}'):f}"


_UNITS: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("_tokens_per_s", "tokens a second", _number),
    ("_s", "duration", seconds),
    ("_share", "share", _share),
    ("_usd", "US dollars", _dollars),
    ("_tokens", "tokens", _number),
    ("_tokens_so_far", "tokens", _number),
)
"""How names of columns end, what they count, and how that is written; the first that fits counts."""


def _writer_of(column: str) -> Callable[[float], str]:
    return next((writer for ending, _, writer in _UNITS if column.endswith(ending)), _number)
