"""Prompts, answers, arguments and results in the structure of the conventions' JSON schemas.

Only called where the content policy asks for it. Optional fields that a frame does not supply are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from otelstream.span import names, rules
from otelstream.span.literals import EVENT_CUT, MESSAGE_CUTS, restored
from otelstream.span.model import AttributeValue
from otelstream.span.scalars import Data, mapping, number, text

Found: TypeAlias = Mapping[str, AttributeValue | None]
Part: TypeAlias = dict[str, AttributeValue]
"""A message, or a part of one: an object of the conventions' schemas."""

_FINISH_REASONS: Final = {"tool_calls": "tool_call", "function_call": "tool_call", "end_turn": "stop"}
"""Providers' words for what the schema calls otherwise (`FinishReason`)."""

_DEEPEST: Final = 12
"""Levels of nesting that are exported; what is deeper becomes a JSON text."""


def content_at_start(kind: rules.Kind, data: Data) -> dict[str, AttributeValue]:
    """Return the content that a frame of that kind holds when it opens its span."""
    found = _AT_START[kind.id](data) if kind.id in _AT_START else {}
    return {key: value for key, value in _given(found).items() if value not in ([], {})}


def content_at_end(kind: rules.Kind, data: Data) -> dict[str, AttributeValue]:
    """Return the content that a frame of that kind holds when it closes its span."""
    found = _AT_END[kind.id](data) if kind.id in _AT_END else {}
    return {key: value for key, value in _given(found).items() if value not in ([], {})}


def _llm(data: Data) -> Found:
    messages = _messages(restored(data.get("messages"), MESSAGE_CUTS))
    system = 0
    while system < len(messages) and messages[system]["role"] in ("system", "developer"):
        system += 1
    return {
        names.SYSTEM_INSTRUCTIONS: [part for message in messages[:system] for part in _parts_in(message)],
        names.INPUT_MESSAGES: messages[system:],
        names.TOOL_DEFINITIONS: _definitions(restored(data.get("tools"), MESSAGE_CUTS)),
    }


def _llm_end(data: Data) -> Found:
    response = restored(data.get("response"), MESSAGE_CUTS)
    calls = _tool_calls(response)
    parts = calls or ([_text_part(response)] if response not in (None, "") else [])
    if not parts:
        return {}
    message: Part = {"role": "assistant", "parts": parts}
    reason = text(data.get("finish_reason"))
    # 1.41 requires a finish reason; what was not said is what a call that completed amounts to.
    message["finish_reason"] = (
        _FINISH_REASONS.get(reason, reason) if reason else ("tool_call" if calls else "stop")
    )
    return {names.OUTPUT_MESSAGES: [message]}


def _agent(data: Data) -> Found:
    agent = mapping(data.get("agent")) or mapping(data.get("agent_info"))
    given = _messages(restored(data.get("messages")))
    prompt = text(data.get("task_prompt"))
    instructions = [text(agent.get(field)) for field in ("role", "goal", "backstory")]
    return {
        names.SYSTEM_INSTRUCTIONS: [_text_part("\n".join(line for line in instructions if line))]
        if any(instructions)
        else [],
        names.INPUT_MESSAGES: given or ([_message("user", prompt)] if prompt else []),
    }


def _agent_end(data: Data) -> Found:
    return {names.OUTPUT_MESSAGES: _answer(data.get("output"))}


def _workflow(data: Data) -> Found:
    inputs = data.get("inputs")
    return {names.INPUT_MESSAGES: [_message("user", _json(inputs))] if inputs else []}


def _workflow_end(data: Data) -> Found:
    output = data.get("output") if "output" in data else data.get("result")
    # A crew's output is its text, with dumps of all tasks beside it.
    raw = text(mapping(output).get("raw"))
    return {names.OUTPUT_MESSAGES: _answer(raw or output)}


def _tool(data: Data) -> Found:
    arguments = restored(data.get("tool_args"), EVENT_CUT)
    return {names.TOOL_ARGUMENTS: _object("arguments", arguments)}


def _tool_end(data: Data) -> Found:
    result = data.get("output") if "output" in data else data.get("result")
    return {names.TOOL_RESULT: _object("result", restored(result, EVENT_CUT))}


def _memory(data: Data) -> Found:
    return {names.MEMORY_QUERY: text(data.get("query"))}


def _memory_end(data: Data) -> Found:
    results = restored(data.get("results"), EVENT_CUT)
    records = results if isinstance(results, list) else [results] if results else []
    return {names.MEMORY_RECORDS: [{"content": _plain(record)} for record in records]}


def _saved(data: Data) -> Found:
    value = text(data.get("value"))
    return {names.MEMORY_RECORDS: [{"content": value}] if value else []}


def _knowledge_end(data: Data) -> Found:
    found = text(data.get("retrieved_knowledge"))
    return {
        names.RETRIEVAL_QUERY: text(data.get("query")),
        names.RETRIEVAL_DOCUMENTS: [{"content": found}] if found else [],
    }


def _answer(value: object) -> list[Part]:
    return (
        [{**_message("assistant", _json(value)), "finish_reason": "stop"}] if value not in (None, "") else []
    )


def _messages(value: object) -> list[Part]:
    if isinstance(value, str):
        return [_message("user", value)] if value else []
    if not isinstance(value, list):
        return []
    return [
        _message_of(mapping(item)) if isinstance(item, Mapping) else _message("user", item) for item in value
    ]


def _parts_in(message: Part) -> Sequence[AttributeValue]:
    parts = message["parts"]
    return parts if isinstance(parts, list) else []


def _message(role: str, content: object) -> Part:
    return {"role": role, "parts": [_text_part(content)]}


def _message_of(message: Data) -> Part:
    role = text(message.get("role")) or "user"
    content = message.get("content")
    if role == "tool":
        response: Part = {"type": "tool_call_response", "response": _plain(content)}
        call_id = text(message.get("tool_call_id"))
        return {"role": role, "parts": [{**response, "id": call_id} if call_id else response]}
    return {"role": role, "parts": [*_parts(content), *_tool_calls(message.get("tool_calls"))]}


def _parts(content: object) -> list[Part]:
    if content in (None, ""):
        return []
    if isinstance(content, list):
        return [_part(item) for item in content]
    return [_text_part(content)]


def _part(item: object) -> Part:
    """Return one part of a multimodal message: text, a picture by its address, or whatever it is."""
    part = mapping(item)
    if isinstance(part.get("text"), str):
        return _text_part(part["text"])
    picture = part.get("image_url")
    url = text(mapping(picture).get("url")) or text(picture)
    if url is not None:
        return {"type": "uri", "modality": "image", "uri": url}
    kind = text(part.get("type"))
    return {**_plain_mapping(part), "type": kind} if kind else _text_part(item)


def _text_part(content: object) -> Part:
    return {"type": "text", "content": _json(content)}


def _tool_calls(value: object) -> list[Part]:
    """Return the tool calls of an answer; none if the list holds anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    calls = [_tool_call(mapping(item)) for item in value]
    return [call for call in calls if call] if all(calls) else []


def _tool_call(call: Data) -> Part:
    function = mapping(call.get("function")) or call
    name = text(function.get("name"))
    if name is None:
        return {}
    arguments = function.get("arguments") if "arguments" in function else function.get("input")
    found = {"type": "tool_call", "name": name, "arguments": _plain(_parsed(arguments))}
    call_id = text(call.get("id"))
    return _given({**found, "id": call_id})


def _definitions(value: object) -> list[Part]:
    found = []
    for item in value if isinstance(value, list) else []:
        tool = mapping(item)
        function = mapping(tool.get("function")) or tool
        name = text(function.get("name"))
        if name is not None:
            definition = {
                "type": text(tool.get("type")) or "function",
                "name": name,
                "description": text(function.get("description")),
                "parameters": _plain(function.get("parameters") or function.get("input_schema")),
            }
            found.append(_given(definition))
    return found


def _object(name: str, value: object) -> AttributeValue | None:
    """Return what the conventions want to be an object as one: JSON that is none, or a text, under a name."""
    parsed = _parsed(value)
    if isinstance(parsed, Mapping):
        return _plain_mapping(parsed)
    found = parsed if isinstance(parsed, list) else value
    return None if found in (None, "") else {name: _plain(found)}


def _given(found: Found) -> Part:
    return {key: value for key, value in found.items() if value not in (None, "")}


def _parsed(value: object) -> object:
    """Return the JSON that a string of arguments holds, the value itself if it holds none."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _json(value: object) -> str:
    if isinstance(value, str):
        return text(value) or ""
    try:
        return text(json.dumps(value, ensure_ascii=False, default=str)) or ""
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def _plain(value: object, level: int = 0) -> AttributeValue:
    """Return JSON as OTLP can carry it: strings in UTF-8, numbers of 64 bits, no null."""
    if isinstance(value, bool | float):
        return value
    if value is None:
        return ""
    if isinstance(value, str):
        return text(value) or ""
    if isinstance(value, int):
        return value if number(value) is not None else _json(value)
    if level >= _DEEPEST:
        return _json(value)
    if isinstance(value, Mapping):
        return _plain_mapping(value, level)
    if isinstance(value, list | tuple):
        return [_plain(item, level + 1) for item in value if item is not None]
    return text(str(value)) or ""


def _plain_mapping(value: Mapping[str, object], level: int = 0) -> Part:
    return {text(str(key)) or "_": _plain(item, level + 1) for key, item in value.items() if item is not None}


_AT_START: Final[Mapping[str, Callable[[Data], Found]]] = {
    rules.FLOW.id: _workflow,
    rules.CREW.id: _workflow,
    rules.AGENT.id: _agent,
    rules.LLM.id: _llm,
    rules.TOOL.id: _tool,
    rules.MEMORY_QUERY.id: _memory,
    rules.MEMORY_SAVE.id: _saved,
}

_AT_END: Final[Mapping[str, Callable[[Data], Found]]] = {
    rules.FLOW.id: _workflow_end,
    rules.CREW.id: _workflow_end,
    rules.AGENT.id: _agent_end,
    rules.LLM.id: _llm_end,
    rules.TOOL.id: _tool_end,
    rules.MEMORY_QUERY.id: _memory_end,
    rules.KNOWLEDGE_SEARCH.id: _knowledge_end,
}
