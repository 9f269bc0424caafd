"""Prompts, answers, arguments and results in the structure of the conventions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.span import rules
from otelstream.span.content import content_at_end, content_at_start
from otelstream.span.options import ContentPolicy, SpanOptions
from otelstream.testing import Script, assembled

fixed = settings(derandomize=True, max_examples=150, deadline=None, database=None)


def text(content: str) -> dict[str, str]:
    """A part that is a text."""
    return {"type": "text", "content": content}


def messages_of(*messages: object) -> object:
    """What these messages of an LLM call become."""
    return content_at_start(rules.LLM, {"messages": list(messages)}).get("gen_ai.input.messages")


def answer_of(response: object, **data: object) -> object:
    """What that response of an LLM call becomes."""
    return content_at_end(rules.LLM, {"response": response, **data}).get("gen_ai.output.messages")


def test_messages_have_roles_and_parts() -> None:
    """A conversation keeps its order; a message is a role and its parts."""
    assert messages_of({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}) == [
        {"role": "user", "parts": [text("Hi")]},
        {"role": "assistant", "parts": [text("Hello")]},
    ]


def test_leading_system_messages_are_instructions() -> None:
    """What comes before the conversation is said apart; a later one stays where it is."""
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Again."},
    ]
    assert content_at_start(rules.LLM, {"messages": messages}) == {
        "gen_ai.system_instructions": [text("Be kind."), text("Be short.")],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [text("Hi")]},
            {"role": "system", "parts": [text("Again.")]},
        ],
    }


def test_a_prompt_is_a_message_of_the_user() -> None:
    """Messages that are one text are what the user said."""
    assert content_at_start(rules.LLM, {"messages": "Hi"}) == {
        "gen_ai.input.messages": [{"role": "user", "parts": [text("Hi")]}]
    }


CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"topic": "otel"}'}}
FLAT = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "'find'", "arguments": repr('{"topic": "otel"}')},
}


@pytest.mark.parametrize("call", [CALL, repr(CALL), repr(FLAT)], ids=["whole", "flat", "flattened twice"])
def test_tool_calls_of_a_conversation_are_restored(call: object) -> None:
    """The `repr` strings into which the runtime flattened them are read back."""
    assert messages_of({"role": "assistant", "content": "Wait.", "tool_calls": [call]}) == [
        {
            "role": "assistant",
            "parts": [
                text("Wait."),
                {"type": "tool_call", "name": "find", "arguments": {"topic": "otel"}, "id": "call_1"},
            ],
        }
    ]


def test_a_tools_answer_is_a_response() -> None:
    """A message of a tool names the call that it answers."""
    assert messages_of({"role": "tool", "tool_call_id": "call_1", "content": "a fact"}) == [
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "a fact", "id": "call_1"}]}
    ]


def test_a_message_may_have_several_parts() -> None:
    """Texts and pictures of a multimodal message are parts; what has no schema keeps its type."""
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://host/cat.png"}},
        {"type": "image_url", "image_url": "https://host/dog.png"},
        {"type": "input_audio", "input_audio": {"format": "wav"}},
        "plain",
    ]
    assert messages_of({"role": "user", "content": content}) == [
        {
            "role": "user",
            "parts": [
                text("What is it?"),
                {"type": "uri", "modality": "image", "uri": "https://host/cat.png"},
                {"type": "uri", "modality": "image", "uri": "https://host/dog.png"},
                {"type": "input_audio", "input_audio": {"format": "wav"}},
                text("plain"),
            ],
        }
    ]


def test_an_answer_has_its_finish_reason() -> None:
    """A provider's word for it becomes the schema's."""
    assert [answer_of("Hello", finish_reason=reason) for reason in ("end_turn", "length", None)] == [
        [{"role": "assistant", "parts": [text("Hello")], "finish_reason": reason}]
        for reason in ("stop", "length", "stop")
    ]


def test_tool_calls_are_an_answer() -> None:
    """A response that is a list of calls is restored, in the shapes of OpenAI and of Anthropic."""
    calls = [
        {"id": "call_1", "function": {"name": "find", "arguments": '{"n": 1}'}},
        {"id": "call_2", "name": "sum", "input": {"n": 2}},
    ]
    assert answer_of(calls, finish_reason="tool_calls") == [
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "name": "find", "arguments": {"n": 1}, "id": "call_1"},
                {"type": "tool_call", "name": "sum", "arguments": {"n": 2}, "id": "call_2"},
            ],
            "finish_reason": "tool_call",
        }
    ]


@pytest.mark.parametrize("response", [["a", "b"], [{"id": "x"}], {"title": "t"}, 5, [{"name": "f"}, "b"]])
def test_what_is_no_call_is_a_text(response: object) -> None:
    """A list that holds anything but calls, or another value, is the JSON of it."""
    assert answer_of(response) == [
        {"role": "assistant", "parts": [text(json.dumps(response))], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("response", [None, ""])
def test_no_answer_is_nothing(response: object) -> None:
    """A call that gave nothing has no message."""
    assert answer_of(response) is None


def test_tools_are_definitions() -> None:
    """A tool has type, name, description and parameters; what is none is left out."""
    schema = {"type": "object", "properties": {"topic": {"type": "string"}}}
    tools = [
        {"type": "function", "function": {"name": "find", "description": "d", "parameters": repr(schema)}},
        {"name": "sum", "input_schema": schema},
        {"type": "function"},
        "odd",
    ]
    assert content_at_start(rules.LLM, {"tools": tools}) == {
        "gen_ai.tool.definitions": [
            {"type": "function", "name": "find", "description": "d", "parameters": schema},
            {"type": "function", "name": "sum", "parameters": schema},
        ]
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"topic": "otel"}, {"topic": "otel"}),
        ('{"topic": "otel"}', {"topic": "otel"}),
        ("not JSON", "not JSON"),
        ("[1, null]", [1]),
        (["a"], ["a"]),
        ({"a": None, "b": {"c": [1, None]}}, {"b": {"c": [1]}}),
        ({"n": 2**70}, {"n": str(2**70)}),
    ],
)
def test_a_tool_has_arguments(arguments: object, expected: object) -> None:
    """They are an object, as the conventions want; what is none is one under a name."""
    wanted = expected if isinstance(expected, dict) else {"arguments": expected}
    found = content_at_start(rules.TOOL, {"tool_args": arguments})
    assert found == {"gen_ai.tool.call.arguments": wanted}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"output": "done"}, "done"),
        ({"result": {"n": 1}}, {"n": 1}),
        ({"output": 0}, 0),
        ({"output": False}, False),
    ],
)
def test_a_tool_has_a_result(data: dict[str, Any], expected: object) -> None:
    """It is what the tool gave, whatever the field is called; zero and false are results."""
    wanted = expected if isinstance(expected, dict) else {"result": expected}
    assert content_at_end(rules.TOOL, data) == {"gen_ai.tool.call.result": wanted}


@pytest.mark.parametrize("data", [{"output": None}, {"output": ""}, {}])
def test_no_result_is_nothing(data: dict[str, Any]) -> None:
    """A tool that gave nothing has no result."""
    assert content_at_end(rules.TOOL, data) == {}


def test_an_agent_has_a_role_a_task_and_an_answer() -> None:
    """What an agent is told, asked and says is content like a model's."""
    agent = {"role": "Writer", "goal": "Write", "backstory": "Old"}
    assert content_at_start(rules.AGENT, {"agent": agent, "task_prompt": "Write it."}) == {
        "gen_ai.system_instructions": [text("Writer\nWrite\nOld")],
        "gen_ai.input.messages": [{"role": "user", "parts": [text("Write it.")]}],
    }
    assert content_at_end(rules.AGENT, {"agent": agent, "output": "Done."}) == {
        "gen_ai.output.messages": [{"role": "assistant", "parts": [text("Done.")], "finish_reason": "stop"}]
    }


def test_memory_and_knowledge_have_texts() -> None:
    """Queries and what they found are in the attributes of the conventions."""
    assert (
        content_at_start(rules.MEMORY_QUERY, {"query": "who"}),
        content_at_end(rules.MEMORY_QUERY, {"results": [{"content": "me"}]}),
        content_at_start(rules.MEMORY_SAVE, {"value": "It rains."}),
        content_at_end(rules.KNOWLEDGE_SEARCH, {"query": "who", "retrieved_knowledge": "me"}),
    ) == (
        {"gen_ai.memory.query.text": "who"},
        {"gen_ai.memory.records": [{"content": {"content": "me"}}]},
        {"gen_ai.memory.records": [{"content": "It rains."}]},
        {"gen_ai.retrieval.query.text": "who", "gen_ai.retrieval.documents": [{"content": "me"}]},
    )


ODD_TEXT = st.text(st.characters(blacklist_categories=()), max_size=6) | st.sampled_from(
    [
        "role",
        "content",
        "parts",
        "function",
        "name",
        "arguments",
        "system",
        "tool",
        "[1, 2]",
        "{'a': 1}",
        "'x'",
    ]
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD_TEXT, inner, max_size=4),
    max_leaves=15,
)
FIELDS = (
    "messages",
    "response",
    "tools",
    "tool_args",
    "output",
    "result",
    "results",
    "inputs",
    "agent",
    "query",
    "value",
    "finish_reason",
)
KINDS = tuple({pair.kind.id: pair.kind for pair in rules.PAIRS}.values())


def is_exportable(value: object) -> bool:
    """Whether OTLP can carry a value: UTF-8, 64 bits, lists and maps of these."""
    if isinstance(value, str):
        return value.encode("utf-8", "ignore").decode() == value
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_exportable([key, item]) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_exportable, value))
    return isinstance(value, bool | float) or (isinstance(value, int) and -(2**63) <= value < 2**63)


@fixed
@given(st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4))
def test_odd_content_never_raises(data: dict[str, Any]) -> None:
    """Whatever the fields hold, each kind gives values that OTLP can carry."""
    found = [(content_at_start(kind, data), content_at_end(kind, data)) for kind in KINDS]
    assert [one for pair in found for one in pair if not is_exportable(one)] == []


def nested(levels: int) -> object:
    """A list in a list, so many levels deep."""
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [nested(50_000), 10**5_000], ids=["deep", "large"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_extreme_content_never_raises(kind: rules.Kind, value: object) -> None:
    """What is deeper than Python recurses, or longer than it prints, becomes a sentence that says so."""
    for field in FIELDS:
        for data in ({field: value}, {field: {"a": value}}, {field: [{"content": value}]}):
            assert is_exportable([content_at_start(kind, data), content_at_end(kind, data)])


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("NO_CONTENT", []),
        ("SPAN_ONLY", ["StartSpan", "EndSpan"]),
        ("EVENT_ONLY", ["AddEvent"]),
        ("SPAN_AND_EVENT", ["StartSpan", "AddEvent", "EndSpan"]),
    ],
)
def test_the_policy_says_where_content_goes(content: ContentPolicy, places: list[str]) -> None:
    """Prompts and answers are on the span, in the log record of the call, in both or nowhere."""
    script = Script()
    script.start("llm_call_started", call_id="c1", messages=[{"role": "user", "content": "canary"}])
    script.end("llm_call_completed", call_id="c1", response="canary")
    operations = assembled(script.frames, options=SpanOptions(content=content))
    assert [type(one).__name__ for one in operations if "canary" in repr(one)] == places
