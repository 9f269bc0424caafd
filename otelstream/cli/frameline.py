"""A frame as one line for a person: when, which session, what type, and what it is about."""

from __future__ import annotations

import json
from typing import Any, Final

from otelstream.cli.terminal import plain
from otelstream.frame import FrameLike
from otelstream.jsontext import encode_json
from recorder import RecordedSession

WIDTH: Final = 100
"""How many characters of a fact are shown."""

FACTS: Final = (
    *("flow_name", "method_name", "crew_name", "task_name", "agent_role", "tool_name", "model", "query"),
    *("tool_args", "error"),
)
"""Fields of the data that tell one frame of a type from another, in the order in which they are shown."""


def frame_line(session: RecordedSession, frame: FrameLike) -> str:
    """Return a frame as one line, in which nothing can move a terminal's cursor."""
    name = f"{session.start.name or '-'}/{session.id[-4:]}"
    when = frame.timestamp.strftime("%H:%M:%S.%f")[:-3]
    return f"{when}  {plain(name):<16}  {_event(frame)}"


def played_line(ordinal: int, offset_ns: int, frame: FrameLike) -> str:
    """Return a frame as one line that begins with what a player can go to: its second, and its ordinal."""
    return f"{offset_ns / 1e9:9.3f}s {ordinal:>6}  {_event(frame)}"


def _event(frame: FrameLike) -> str:
    return f"{plain(frame.type):<26}  {_about(frame.data)}".rstrip()


def _about(data: dict[str, Any]) -> str:
    chunk = data.get("chunk")
    if isinstance(chunk, str) and chunk:
        return _cut(json.dumps(plain(chunk), ensure_ascii=False))
    tool_call = data.get("tool_call")
    facts = [data.get(name) for name in FACTS] if tool_call is None else [tool_call]
    return "  ".join(_cut(plain(fact_text(fact))) for fact in facts if fact)


def fact_text(fact: object) -> str:
    """Return a fact of a frame's data as text: what is none itself, as JSON."""
    if isinstance(fact, str):
        return fact
    try:
        return json.dumps(fact, ensure_ascii=False, default=repr)
    except RecursionError:
        return encode_json(fact)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
