"""Deep values restored from their `repr`, and what is left as it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.span.literals import EVENT_CUT, MAX_LITERAL, MESSAGE_CUTS, restored

fixed = settings(derandomize=True, max_examples=200, deadline=None, database=None)

TEXT = st.text(st.characters(blacklist_categories=()), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def deep(levels: int, inside: st.SearchStrategy[Any] = JSON) -> st.SearchStrategy[Any]:
    """JSON that lies so many levels deep at least."""
    for _ in range(levels):
        inside = st.one_of(st.tuples(inside).map(list), inside.map(lambda value: {"k": value}))
    return inside


def flattened(value: object, depth: int = 0, *, limit: int = 5) -> object:
    """What `crewai.utilities.serialization.to_serializable` makes of JSON that lies that deep."""
    if depth >= limit:
        return repr(value)
    if isinstance(value, dict):
        return {str(key): flattened(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [flattened(item, depth + 1) for item in value]
    return value


def of_event(value: object) -> object:
    """A field of an event as its frame holds it: two levels below the event."""
    return flattened(value, 2)


@fixed
@given(deep(0) | deep(3) | deep(6))
def test_a_field_is_restored(value: object) -> None:
    """What the runtime flattened on its way into a frame is what it was."""
    assert restored(of_event(value), EVENT_CUT) == value


@fixed
@given(deep(0) | deep(3) | deep(6))
def test_messages_are_restored(value: object) -> None:
    """What the runtime flattened twice, as it does with messages and tools, is what it was."""
    assert restored(of_event(flattened(value)), MESSAGE_CUTS) == value


@pytest.mark.crewai
def test_the_runtime_flattens_as_the_copy_does() -> None:
    """CrewAI's own function, applied as its LLM events apply it, gives what is restored here."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    from crewai.events.types.llm_events import LLMCallStartedEvent
    from crewai.utilities.serialization import to_serializable

    call = {
        "role": "assistant",
        "tool_calls": [{"id": "1", "function": {"name": "find", "arguments": '{"path": "C:\\\\x"}'}}],
    }
    properties = {"where": {"type": "array", "items": {"enum": [None, 1, 2.5, "it's"]}}}
    tool = {"type": "function", "function": {"name": "find", "parameters": {"properties": properties}}}
    messages: Any = to_serializable([call])
    tools: Any = to_serializable([tool])
    event = LLMCallStartedEvent(messages=messages, tools=tools, call_id="c1", model="m")
    data: Any = to_serializable(event)
    assert (data["messages"], data["tools"]) == (
        of_event(flattened([call])),
        of_event(flattened([tool])),
    )
    assert restored(data["messages"], MESSAGE_CUTS) == [call]
    assert restored(data["tools"], MESSAGE_CUTS) == [tool]


@pytest.mark.parametrize("text", ["'quoted'", "[1, 2]", "{'a': 1}", "None", "5", "b'x'"])
def test_a_text_of_the_user_is_left_as_it_is(text: str) -> None:
    """A string that looks like a `repr` but stands elsewhere is what somebody wrote."""
    value = [text, {"a": text, "b": [text]}]
    assert restored(of_event(value), EVENT_CUT) == value


@pytest.mark.parametrize("text", ["'quoted'", "[1, 2]", 'it\'s "both"', "C:\\Users\\new", "\\d+\\(x\\)", ""])
def test_a_text_of_the_user_at_a_cut_is_what_it_was(text: str) -> None:
    """Where the runtime did make a `repr` of a text, the text comes back, whatever it looks like."""
    assert restored(of_event([[[text]]]), EVENT_CUT) == [[[text]]]


@pytest.mark.parametrize(
    "text",
    [
        "<Tool object at 0x7f>",
        "Tool(name='x')",
        "datetime.date(2026, 1, 1)",
        "{'a': <Tool object>}",
        "[1, 2",
        "{[]: 1}",
        "__import__('os').system('true')",
        "[x for x in (1, 2)]",
        "",
        "nan",
    ],
)
def test_what_is_no_literal_stays_a_string(text: str) -> None:
    """An object's `repr` is left as it is, and nothing is executed."""
    assert restored([[[text]]], EVENT_CUT) == [[[text]]]


def test_a_long_repr_stays_a_string() -> None:
    """Above a limit nothing is read, so that time and memory stay bounded."""
    text = repr("x" * MAX_LITERAL)
    assert restored([[[text]]], EVENT_CUT) == [[[text]]]


HOSTILE: dict[str, Callable[[], str]] = {
    "open brackets": lambda: "[" * 100_000,
    "open braces": lambda: "{" * 100_000,
    "nested lists": lambda: "[" * 500 + "]" * 500,
    "nested tuples": lambda: "[" + "(" * 150 + ")" * 150 + "]",
    "signs": lambda: "[" + "-" * 100_000 + "1]",
    "inversions": lambda: "[" + "~" * 50_000 + "1]",
    "sums": lambda: "[" + "1+" * 50_000 + "1]",
    "stars": lambda: "[1," + "*" * 50_000 + "1]",
    "powers": lambda: "[9**9**9**9]",
    "digits": lambda: "[" + "9" * 100_000 + "]",
    "number": lambda: "9" * 500_000,
    "lambdas": lambda: "[" + "lambda:" * 20_000 + "1]",
    "attributes": lambda: "[" + "a." * 50_000 + "b]",
    "negations": lambda: "[" + "not " * 50_000 + "1]",
    "conditions": lambda: "[" + "a if b else " * 20_000 + "1]",
    "calls": lambda: "[f" + "()" * 50_000 + "]",
    "backslashes": lambda: "'" + "\\" * 100_001,
    "escaped quotes": lambda: "['" + "\\'" * 10_000,
    "many bytes": lambda: "[" + " b''" * 20_000 + "]",
    "quotes": lambda: "[" + "''" * 100_000 + "]",
    "null": lambda: "['\0']",
    "surrogates": lambda: "['\udcff']",
    "glued": lambda: "[1or 2]",
    "glued hexadecimal": lambda: "[0x1for x in (1, 2)]",
    "glued conditions": lambda: "[1if 0else 2]",
    "octal escape": lambda: "'\\777'",
    "bytes escape": lambda: "b'\\u1234'",
    "named bytes escape": lambda: "b'\\N{DASH}'",
    "unknown escape": lambda: "'\\d'",
    "unknown name": lambda: "'\\N{NO SUCH THING}'",
    "call of a literal": lambda: "[1]()",
    "identity of a literal": lambda: "['a' is 1]",
    "index of a literal": lambda: "[1, 2][1, 2]",
    "formatted": lambda: "[f'{x}']",
    "walrus": lambda: "[x := 1]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_strings_are_read_in_silence(name: str) -> None:
    """Whatever a string holds, nothing is raised, nothing hangs and nobody is warned."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        restored([[[HOSTILE[name]()]]], EVENT_CUT)
    assert [str(one.message) for one in said] == []


@fixed
@given(st.text("[](){}'\"\\,:0123456789abefnorux \n-+*.#%N", max_size=40).map(lambda text: f"[{text}]"))
def test_any_string_is_read_in_silence(text: str) -> None:
    """The same for whatever hypothesis makes of the characters of Python's literals."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        restored([[[text]]], EVENT_CUT)
    assert [str(one.message) for one in said] == []
