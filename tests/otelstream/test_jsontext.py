"""Values as JSON text: pydantic's spelling for whatever a frame may hold, and the same value back."""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import to_json

from otelstream.jsontext import decode_json, encode_json, is_faithful


class Call(BaseModel):
    """What a runtime may put into a frame."""

    arguments: dict[str, Any]


@dataclass
class Held:
    """The same, as a dataclass."""

    value: object


class Color(Enum):
    """The same, as an enum."""

    RED = "red"


class Half(Enum):
    """One whose value is no Unicode."""

    HALF = "\ud802"


class Text(str):
    """A text of a class of its own."""


TWO_HALVES = "\ud83d" + "\ude00"
OBJECTS: dict[str, Any] = {
    "id": uuid.UUID(int=5),
    "call": Call(arguments={"a": 1}),
    "bytes": b"abc",
    "set": {1},
    "dataclass": Held([Color.RED]),
    "decimal": Decimal("1.50"),
    "time": timedelta(seconds=5),
    "keys": {(1, "two"): 1, uuid.UUID(int=5): 2, None: 3, True: 4, 1.5: 5, Color.RED: 6, Text("t"): 7},
    "floats": [1e16, 1e-7, 1e22, -0.0, math.nan],
    "huge": 10**5000,
    "text": Text("text"),
    "slice": slice(1),
}
"""What JSON does not know, and pydantic does."""


def plain(value: object) -> str:
    """The text that pydantic writes."""
    return to_json(value, inf_nan_mode="constants", fallback=repr).decode()


def test_a_replacement_character_changes_nothing() -> None:
    """Beside U+FFFD objects, keys and numbers are written as ever."""
    value = {"\ufffd": "\ufffd", **OBJECTS}
    assert encode_json(value) == plain(value)


def test_a_lone_surrogate_changes_nothing_else() -> None:
    """It is escaped; what stands beside it is written as ever."""
    assert encode_json({"half": "é\ud800", **OBJECTS}) == plain({"half": "é?", **OBJECTS}).replace(
        "?", "\\ud800"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Call(arguments={"\ud800": {"b": b"x"}}), '{"arguments":{"\\ud800":{"b":"x"}}}'),
        (Held({"\ud800": Color.RED}), '{"value":{"\\ud800":"red"}}'),
        ({("\ud800", 1): 2}, '{"\\ud800,1":2}'),
        ({frozenset([1]): 2, b"\xff": b"\xff"}, '{"frozenset({1})":2,"b\'\\\\xff\'":"b\'\\\\xff\'"}'),
        ({Text("\ud800"): [Text("\ud801"), Half.HALF]}, '{"\\ud800":["\\ud801","\\ud802"]}'),
        ({10**5000: 1}, '{"1' + "0" * 5000 + '":1}'),
        ((10**5000, "\ud800", [], {}), "[1" + "0" * 5000 + ',"\\ud800",[],{}]'),
    ],
    ids=["model", "dataclass", "tuple-key", "repr", "class-of-text", "huge-key", "huge"],
)
def test_what_pydantic_refuses_is_written(value: object, written: str) -> None:
    """A model or a key that pydantic cannot write is taken apart; what has no other text is its `repr`."""
    assert encode_json(value) == written


def test_what_is_not_faithful_is_told() -> None:
    """U+FFFD in a text is what it is, unless it stands for a surrogate."""
    assert is_faithful('{"\ufffd":1}', {"\ufffd": 1})
    assert not is_faithful('{"\ufffd\ufffd\ufffd":1}', {"\ud800": 1})


APART: dict[str, Any] = {
    TWO_HALVES: [TWO_HALVES],
    "one character": "\U0001f600",
    "no escapes": "\\ud83d\\ude00 \\\\ud83d",
    "apart": "\ud83d \ude00",
    "the other way round": "\ude00\ud83d",
    "lines": "\n\t\0",
    "low": -math.inf,
}


def test_halves_of_a_pair_stay_apart() -> None:
    """Two halves that stand side by side are not the character that they would make."""
    assert decode_json(encode_json(APART)) == APART
    assert decode_json(encode_json(APART).encode()) == APART


def test_text_with_halves_is_plain_json_as_well() -> None:
    """Any reader understands it, and joins the halves; a blank at the beginning tells ours not to."""
    assert json.loads(encode_json([TWO_HALVES, "a"])) == ["\U0001f600", "a"]
    assert encode_json([TWO_HALVES]) == ' ["\\ud83d\\ude00"]'


def test_text_for_others_has_no_blank() -> None:
    """What CrewAI would write is for any reader."""
    assert encode_json([TWO_HALVES, math.nan], nan="null") == '["\\ud83d\\ude00",null]'


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=3), inner)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_json_values_come_back(value: object) -> None:
    """What `encode_json` writes, `decode_json` reads."""
    assert decode_json(encode_json(value)) == value


def test_bytes_that_are_no_unicode_are_no_json() -> None:
    """The error is a ValueError, like any other."""
    for text in (b'"\xff"', b' "\xff"', b" [" + b"[" * 5_000 + b"\xff"):
        with pytest.raises(ValueError, match="utf-8"):
            decode_json(text)
