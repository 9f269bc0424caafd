"""Values whose record is a text; bytes are written as one, so that the secrets in them can be found."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import JsonValue

from recorder.standins import JsonObject

TAG: Final = "$type"
MICROSECOND: Final = timedelta(microseconds=1)

# A row per kind whose values are one line of text: name, class, to text, from text.
TEXTS: Final[tuple[tuple[str, type, Callable[[Any], str], Callable[[str], object]], ...]] = (
    ("complex", complex, repr, complex),
    ("datetime", datetime, datetime.isoformat, datetime.fromisoformat),
    ("date", date, date.isoformat, date.fromisoformat),
    ("time", time, time.isoformat, time.fromisoformat),
    ("timedelta", timedelta, lambda value: str(value // MICROSECOND), lambda text: int(text) * MICROSECOND),
    ("decimal", Decimal, Decimal.__str__, Decimal),
    ("uuid", UUID, UUID.__str__, UUID),
    ("path", PurePath, PurePath.as_posix, Path),
    ("int", int, hex, lambda text: int(text, 16)),
)


def encode_bytes(value: bytes) -> JsonObject:
    """Return bytes as tagged JSON: `text` if they are UTF-8, else `latin1`, a character for each byte."""
    try:
        return {TAG: "bytes", "text": value.decode()}
    except UnicodeDecodeError:
        return {TAG: "bytes", "latin1": value.decode("latin-1")}


def decode_bytes(encoded: JsonObject) -> bytes:
    """Return the bytes of tagged JSON; `value` is base64, as it was before 27 November 2026.

    Raises:
        ValueError: They are none, or were masked in base64.
    """
    for name, read in _BYTES.items():
        if isinstance(text := encoded.get(name), str):
            return read(text)
    raise ValueError("bytes without a text")


_BYTES: Final[dict[str, Callable[[str], bytes]]] = {
    "text": str.encode,
    "latin1": lambda text: text.encode("latin-1"),
    "value": lambda text: b64decode(text, validate=True),
}


def without_base64(encoded: JsonValue) -> JsonValue:
    """Return tagged JSON with the bytes in it written as `encode_bytes` does, whichever way they were."""
    if isinstance(encoded, list):
        return [without_base64(item) for item in encoded]
    if not isinstance(encoded, dict):
        return encoded
    if encoded.get(TAG) == "bytes" and isinstance(encoded.get("value"), str):
        try:
            return encode_bytes(decode_bytes(encoded))
        except ValueError:
            return encoded
    return {name: without_base64(item) for name, item in encoded.items()}


def entry_name(key: JsonValue) -> str:
    """Return under which name the value of a dict's entry stands whose key is no string.

    Secrets are masked by name, so that it is a secret's if one is in the key.
    """
    from otelstream.redact import is_secret_key  # 0.05 s, and nobody who reads needs it

    return next(filter(is_secret_key, _names_in(key)), "value")


def _names_in(encoded: JsonValue) -> Iterator[str]:
    if isinstance(encoded, str):
        yield encoded
    elif isinstance(encoded, list):
        for item in encoded:
            yield from _names_in(item)
    elif isinstance(encoded, dict):
        for name, item in encoded.items():
            if name not in (TAG, "class"):
                yield from _names_in(item)
