"""JSON text of any value and back, however deep it is: what pydantic refuses, without recursion.

Slower than pydantic. Lone surrogates stand in the text as they are, so it may be no UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from json.decoder import JSONDecodeError
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

Nan = Literal["null", "constants"]

_QUOTED: Final = json.JSONEncoder(ensure_ascii=False).encode
_NESTED: Final = (dict, list, tuple, set, frozenset)
_REPLACEMENT: Final = "\ufffd".encode()
_KNOWN: Final = frozenset((str, int, float, bool, type(None), *_NESTED))


class _Level(NamedTuple):
    """A container that is being written: what is to come, how it ends, and the object that it is of."""

    items: Iterator[tuple[str, object]]
    end: str
    of: object


def write(value: object, nan: Nan) -> str:
    """Return JSON text of a value in pydantic's spelling; an object that JSON does not know is its `repr`.

    Raises:
        ValueError: A container holds itself.
    """
    parts: list[str] = []
    levels = [_Level(iter([("", value)]), "", None)]
    written = set[int]()  # containers that hold what is being written
    while levels:
        for before, item in levels[-1].items:
            parts.append(before)
            plain = _plain(item)
            if not isinstance(plain, _NESTED):
                parts.append(_QUOTED(plain) if isinstance(plain, str) else _number(plain, nan))
                continue
            if id(item) in written:
                raise ValueError("a container holds itself")
            written.add(id(item))
            is_object = isinstance(plain, dict)
            parts.append("{" if is_object else "[")
            items = _entries(plain) if isinstance(plain, dict) else _elements(plain)
            levels.append(_Level(items, "}" if is_object else "]", item))
            break
        else:
            level = levels.pop()
            parts.append(level.end)
            written.discard(id(level.of))
    return "".join(parts)


def read(text: str) -> Any:  # noqa: ANN401  JSON is any value
    """Return the value of a JSON text; NaN and infinities may occur.

    Raises:
        ValueError: The text is no JSON.
    """
    levels: list[tuple[Any, str]] = []  # each with the key whose value is being read
    at = _after_blanks(text, 0)
    while True:
        opening = text[at : at + 1]
        if opening in ("{", "["):
            value: Any = {} if opening == "{" else []
            at = _after_blanks(text, at + 1)
            if not text.startswith("}" if opening == "{" else "]", at):
                key, at = _key_at(text, at) if opening == "{" else ("", at)
                levels.append((value, key))
                continue
            at += 1
        else:
            value, at = _SCALARS.raw_decode(text, at)
        at = _after_blanks(text, at)
        while levels:
            value, at, is_whole = _put(levels, value, text, at)
            if not is_whole:
                break
        else:
            if at < len(text):
                raise JSONDecodeError("Extra data", text, at)
            return value


def integer(digits: str) -> int:
    """Return an integer of any length: Python refuses to convert more than 4,300 digits of text."""
    return int(digits) if len(digits) < 4_000 else int(Decimal(digits))


_SCALARS: Final = json.JSONDecoder(parse_int=integer)


def _plain(item: object) -> object:
    """Return what JSON knows in the place of an object that it does not know."""
    if type(item) in _KNOWN or isinstance(item, _NESTED):
        return item
    try:
        plain = to_jsonable_python(item, inf_nan_mode="constants", fallback=repr)
        if _REPLACEMENT not in to_json(plain):  # what pydantic may write for a surrogate in a key
            return plain
    except (ValueError, TypeError, RecursionError):
        pass  # a text in it is no Unicode, or it is too deep for pydantic
    return _parts(item)


def _parts(item: object) -> object:
    """Return what an object is made of, where pydantic cannot write it as a whole."""
    if isinstance(item, BaseModel):
        try:
            return item.model_dump()  # leaves out what the model does not want to be seen
        except (ValueError, TypeError, RecursionError):
            return repr(item)
    if is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name) for field in fields(item)}
    if isinstance(item, Enum):
        return _plain(item.value)
    return item if isinstance(item, str) else repr(item)


def _number(value: object, nan: Nan) -> str:
    return to_json(value, inf_nan_mode=nan).decode()


def _entries(value: dict[Any, object]) -> Iterator[tuple[str, object]]:
    before = ""
    for key, item in value.items():
        yield f"{before}{_QUOTED(_key(key))}:", item
        before = ","


def _elements(value: Iterable[object]) -> Iterator[tuple[str, object]]:
    before = ""
    for item in value:
        yield before, item
        before = ","


def _key(key: object) -> str:
    """Return the text of a key, by pydantic's rules."""
    if isinstance(key, str) and type(key) is str:
        return key
    if type(key) is int:
        return to_json(key).decode()  # of any length, which a key of pydantic's is not
    if isinstance(key, tuple):
        return ",".join(map(_key, key))
    try:
        (text,) = to_jsonable_python({key: None}, fallback=repr)
    except (ValueError, TypeError, RecursionError):
        return str.__str__(key) if isinstance(key, str) else repr(key)
    return str(text)


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in _BLANKS:
        at += 1
    return at


_BLANKS: Final = frozenset(" \t\n\r")


def _key_at(text: str, at: int) -> tuple[str, int]:
    """Return the key that stands there, and where its value begins."""
    if not text.startswith('"', at):
        raise JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    key, at = _SCALARS.raw_decode(text, at)
    at = _after_blanks(text, at)
    if not text.startswith(":", at):
        raise JSONDecodeError("Expecting ':' delimiter", text, at)
    return key, _after_blanks(text, at + 1)


def _put(levels: list[tuple[Any, str]], value: object, text: str, at: int) -> tuple[object, int, bool]:
    """Put a value into the container around it; return that, where to go on, and whether it is whole."""
    container, key = levels.pop()
    is_object = isinstance(container, dict)
    if is_object:
        container[key] = value
    else:
        container.append(value)
    if text.startswith("}" if is_object else "]", at):
        return container, _after_blanks(text, at + 1), True
    if not text.startswith(",", at):
        raise JSONDecodeError("Expecting ',' delimiter", text, at)
    at = _after_blanks(text, at + 1)
    key, at = _key_at(text, at) if is_object else ("", at)
    levels.append((container, key))
    return container, at, False
