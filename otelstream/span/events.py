"""A frame as a span event: its envelope, and those leaves of its data that are no content."""

from __future__ import annotations

from typing import Final

from otelstream.frame import FrameLike, timestamp_ns
from otelstream.span import names
from otelstream.span.model import AddEvent, AttributeValue
from otelstream.span.scalars import Data, message, number, text

MAX_LEAVES: Final = 32
MAX_DEPTH: Final = 3
MAX_TEXT: Final = 256
"""Longest string, in characters, that is taken for a label; a longer one is taken for content."""

COMMON: Final = frozenset(
    {
        "source_fingerprint",
        "source_type",
        "fingerprint_metadata",
        "triggered_by_event_id",
        "started_event_id",
        "task_id",
        "task_name",
        "agent_id",
        "agent_role",
    }
)
"""Keys that every frame carries (`crewai.events.base_events`): the enclosing spans say the same."""

CONTENT: Final = frozenset(
    {
        "agent",
        "agent_info",
        "answer",
        "arguments",
        "artifact_description",
        "chunk",
        "content",
        "context",
        "crew",
        "feedback",
        "final_result",
        "formatted_answer",
        "guardrail",
        "input",
        "inputs",
        "key_information_learned",
        "memory_content",
        "message",
        "messages",
        "output",
        "params",
        "plan",
        "plan_step_description",
        "prompt",
        "query",
        "question",
        "replan_reason",
        "response",
        "result",
        "results",
        "retrieved_knowledge",
        "state",
        "step_description",
        "task",
        "task_description",
        "task_output",
        "task_prompt",
        "text",
        "tool_args",
        "tool_call",
        "tools",
        "user_message",
        "value",
    }
)
"""Keys whose values are prompts, answers, arguments or dumps of objects that hold them."""

_EMPTY: Final[tuple[object, ...]] = ([], {}, "")


def event_of(frame: FrameLike, key: str) -> AddEvent:
    """Return a frame as an event on the span of that key, at the frame's own time.

    Up to `MAX_LEAVES` leaves of `data` become `crewai.data.<path>` attributes. Content, dumps, long
    strings and what is beyond the limit stay out and are counted in `otelstream.data.omitted`.
    """
    attributes = envelope(frame)
    attributes[names.FRAME_PREVIOUS_ID] = frame.previous_id or ""
    omitted = _add_leaves(attributes, names.DATA_PREFIX, frame.data, 0)
    if omitted:
        attributes[names.DATA_OMITTED] = omitted
    return AddEvent(key, text(frame.type) or "frame", timestamp_ns(frame), attributes)


def envelope(frame: FrameLike) -> dict[str, AttributeValue]:
    """Return the attributes that name a frame: id, type and, where it has one, seq."""
    seq = number(frame.seq)
    named: dict[str, AttributeValue] = {
        names.FRAME_ID: text(frame.id) or "",
        names.FRAME_TYPE: text(frame.type) or "",
    }
    return named if seq is None else {**named, names.FRAME_SEQ: seq}


def _add_leaves(attributes: dict[str, AttributeValue], prefix: str, data: Data, depth: int) -> int:
    """Add the leaves of a part of `data`; return how many values were left out."""
    omitted = 0
    for name, value in data.items():
        if value is None or name in COMMON or value in _EMPTY:
            continue
        key = prefix + (text(name) or "_")
        if name in CONTENT or depth == MAX_DEPTH:
            omitted += 1
        elif isinstance(value, dict):
            omitted += _add_leaves(attributes, f"{key}.", value, depth + 1)
        else:
            leaf = _leaf(value)
            if leaf is None or len(attributes) >= MAX_LEAVES:
                omitted += 1
            else:
                attributes[key] = leaf
    return omitted


def _leaf(value: object) -> AttributeValue | None:
    """Return a value that is a label, None for content or what OTLP cannot carry."""
    if isinstance(value, str):
        return None if len(value) > MAX_TEXT else message(value)
    if isinstance(value, bool):
        return value
    return number(value)
