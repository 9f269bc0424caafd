"""The values that recorded calls return, out of the lossy JSON of frames."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from otelstream.testing import Script
from recorder.rerun.calls import recorded_calls
from recorder.rerun.seam.answers import ServedText, answer_of, as_emitted, output_of

pytestmark = pytest.mark.crewai  # the folder imports it


class Leaf(BaseModel):
    """A part of an answer."""

    name: str


class Tea(BaseModel):
    """A structured answer."""

    leaves: list[Leaf]


def test_a_text_is_itself() -> None:
    """Also where it looks like more."""
    assert answer_of({"response": "{'a': 1}"}, None, as_text=False) == "{'a': 1}"


@pytest.mark.parametrize(
    ("model", "as_text", "expected"),
    [
        (Tea, False, Tea(leaves=[Leaf(name="Sencha")])),
        (Tea, True, '{"leaves":[{"name":"Sencha"}]}'),
        (Leaf, False, '{"leaves":[{"name":"Sencha"}]}'),
        (None, False, '{"leaves":[{"name":"Sencha"}]}'),
    ],
)
def test_an_object_comes_back_as_the_class_that_was_asked_for(
    model: type[BaseModel] | None, as_text: bool, expected: object
) -> None:
    """Unless its provider returns the text, or it does not fit: then the provider could not read it."""
    data = {"response": '{"leaves":[{"name":"Sencha"}]}'}

    assert answer_of(data, model, as_text=as_text) == expected


def test_what_was_cut_is_read_back() -> None:
    """An object's parts below the third level, of which frames have a `repr`."""
    assert answer_of({"response": {"leaves": [{"name": "'Sencha'"}]}}, Tea, as_text=False) == Tea(
        leaves=[Leaf(name="Sencha")]
    )


def test_tool_calls_are_read_as_objects_or_as_mappings() -> None:
    """As those of OpenAI, which were objects, or dicts where they were streamed."""
    function = {"name": "'lookup'", "arguments": "'{}'"}
    whole: Any = {"response": [{"id": "1", "type": "function", "function": function}]}
    streamed: Any = {"response": [{**whole["response"][0], "index": 0}]}

    (call,), (chunk,) = (answer_of(data, None, as_text=False) for data in (whole, streamed))
    assert (call.function.name, call["function"]["arguments"]) == ("lookup", "{}")
    assert (type(chunk), chunk["function"]["name"]) == (dict, "lookup")
    with pytest.raises(AttributeError):
        _ = call.input


def test_an_emitted_value_gives_the_same_frame() -> None:
    """What a frame has as `repr` is what had been emitted."""
    assert as_emitted([{"content": "'kept'", "tool_calls": ["{'id': '2'}"]}]) == [
        {"content": "'kept'", "tool_calls": [{"id": "2"}]}
    ]


@pytest.mark.parametrize(("output", "expected"), [("tea", ServedText("tea")), (3, 3), (None, None)])
def test_an_output_is_returned(output: object, expected: object) -> None:
    """A text so that no tool formats it again."""
    script = Script()
    script.start("tool_usage_started", tool_name="t", tool_args={})
    script.end("tool_usage_finished", output=output)

    served = output_of(recorded_calls(script.frames)[0])
    assert (served, type(served)) == (expected, type(expected))


def test_a_call_without_an_end_has_no_output() -> None:
    """The session was cut."""
    script = Script()
    script.start("tool_usage_started", tool_name="t", tool_args={})

    assert output_of(recorded_calls(script.frames)[0]) is None
