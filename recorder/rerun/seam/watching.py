"""Frames of the run under way, for the causal paths of its calls: names and ids only, which are cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from crewai.events.base_events import BaseEvent

from otelstream.frame import StreamFrame
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.serving import Serving

_NAMES: Final = (
    "flow_name", "method_name", "crew_name", "agent_role", "agent_info", "model", "tool_name", "server_name",
    "started_event_id",
)  # fmt: skip


def sink_of(serving: Serving) -> Callable[[Any, BaseEvent], None]:
    """Return a stream sink that shows a re-execution the events of its own contexts."""

    def watch(_: Any, event: BaseEvent) -> None:  # noqa: ANN401  whoever emits
        if ACTIVE.get() is serving and not serving.closed:
            serving.watch(_frame(event))

    return watch


def _frame(event: BaseEvent) -> StreamFrame:
    data = _tool_data(event) if event.type == "tool_usage_started" else _named(vars(event))
    return StreamFrame.model_construct(
        id=event.event_id,
        seq=event.emission_sequence,
        type=event.type,
        channel="",
        namespace=[],
        timestamp=event.timestamp,
        parent_id=event.parent_event_id,
        previous_id=event.previous_event_id,
        data=data,
    )


def _tool_data(event: BaseEvent) -> Any:  # noqa: ANN401  JSON
    # Without the agent, whose JSON takes milliseconds, and which says nothing of what is asked.
    return event.model_copy(update={"agent": None}).to_json()


def _named(fields: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: fields[name] for name in _NAMES if name in fields}
    agent, task = fields.get("agent"), fields.get("task")
    if agent is not None:
        named["agent"] = _described(agent)
    if task is not None:
        named["task"] = {**_described(task), "agent": _described(getattr(task, "agent", None))}
    return named


def _described(entity: Any) -> dict[str, Any]:  # noqa: ANN401  an agent or a task, of any class
    return {name: getattr(entity, name, None) for name in ("name", "role")}
