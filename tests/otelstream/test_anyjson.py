"""JSON without recursion: any depth, and the errors of any reader."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_serializer
from pydantic_core import to_json

from otelstream.anyjson import read, write


class Node(BaseModel):
    """A model that may hold itself, and does not want all of it to be seen."""

    inner: Any = None
    hidden: str = Field(default="hidden", exclude=True)


@dataclass
class Link:
    """A dataclass that may hold itself."""

    inner: list[Any] = field(default_factory=list)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(VALUES)
def test_it_writes_what_pydantic_writes(value: object) -> None:
    """Byte for byte."""
    assert write(value, "constants") == to_json(value, inf_nan_mode="constants").decode()


@given(VALUES, st.sampled_from([None, 1]))
def test_it_reads_what_python_reads(value: object, indent: int | None) -> None:
    """With blanks and without."""
    assert read(json.dumps(value, indent=indent)) == value


@given(VALUES, st.data())
def test_it_refuses_what_python_refuses(value: object, data: st.DataObject) -> None:
    """A text that was changed anywhere is read the same, or refused in the same words."""
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    text = (
        text[:at] + data.draw(st.sampled_from(["", ",", ":", "{", "]", "}", '"', "1", " "])) + text[at + 1 :]
    )
    assert _outcome(read, text) == _outcome(json.loads, text)


def _outcome(reader: Any, text: str) -> object:  # noqa: ANN401  either of two readers
    try:
        return reader(text)
    except ValueError:
        return "refused"


@pytest.mark.parametrize("depth", [1, 300, 50_000])
def test_no_depth_is_too_much(depth: int) -> None:
    """Nothing here calls itself."""
    text = '{"a":[1,' * depth + "[]" + "]}" * depth
    assert write(read(text), "null") == text


def test_a_deep_object_is_taken_apart() -> None:
    """A dataclass is no deeper than any other container."""
    value: object = 0
    for _ in range(300):
        value = Link([value])
    assert write(value, "null") == '{"inner":[' * 300 + "0" + "]}" * 300


def test_a_container_that_holds_itself_is_refused() -> None:
    """Directly or through an object; what is only there twice is written twice."""
    link, node, twice = Link(), Node(), [1]
    link.inner, node.inner = [link], [node]
    for value in (link, node):
        with pytest.raises(ValueError, match=r"^a container holds itself$"):
            write(value, "null")
    assert write([twice, twice], "null") == "[[1],[1]]"


def test_a_model_shows_what_it_wants_to_be_seen() -> None:
    """Also where pydantic cannot write it as JSON."""
    assert write(Node(inner={"\ud800": 1}), "null") == '{"inner":{"\ud800":1}}'


class Broken(BaseModel):
    """A model that cannot be written."""

    inner: int = 1

    @field_serializer("inner")
    def fail(self, inner: int) -> int:
        """Fail."""
        raise ValueError(inner)


def test_a_model_that_cannot_be_written_is_its_repr() -> None:
    """As any object that JSON does not know."""
    assert write([Broken()], "null") == '["Broken(inner=1)"]'
