"""The reports, recordings to run them over, and flows to record for that."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import otelstream
import recorder
from otelstream.frame import StreamFrame
from otelstream.span import ids
from otelstream.testing import START, Script
from tests.e2e.runs import session

FOLDER: Final = Path(__file__).parents[2] / "dashboards"
REPORTS: Final = sorted(path.stem for path in (FOLDER / "sql").iterdir())
DAY_MS: Final = 86_400_000

Row = tuple[object, ...]


def text_of(report: str) -> str:
    """The query of a report, as it is in its file."""
    return (FOLDER / "sql" / f"{report}.sql").read_text(encoding="utf-8")


def rows_of(report: str, recording: Path) -> list[Row]:
    """What a report says of a recording."""
    with recorder.open(recording) as opened:
        return opened.sql(text_of(report)).rows()


def record(recording: Path, *flows: Script, error: Exception | None = None) -> list[UUID]:
    """Observe flows one after the other, which raise the error if there is one; return the sessions' ids."""
    for flow in flows:
        with suppress(RuntimeError):
            list(otelstream.observe(session(flow.frames, error=error), record=recording))
    with recorder.open(recording) as opened:
        return [each.start.session_id for each in opened.sessions()]


def a_flow(step_ms: float = 1) -> Script:
    """The beginning of a flow: frame f0 opens it, f1 its method."""
    script = Script(step_ms=step_ms)
    script.start("flow_started", flow_name="Tea")
    script.start("method_execution_started", flow_name="Tea", method_name="brew")
    return script


def ended(script: Script) -> Script:
    """The same with the end of its method and of itself."""
    script.end("method_execution_finished", flow_name="Tea", method_name="brew")
    script.end("flow_finished", flow_name="Tea")
    return script


def in_agent(script: Script, task: str | None = "serve") -> Script:
    """The same with a task, and the agent Host at work on it."""
    script.start("task_started", task={"name": task})
    return in_execution(script)


def in_execution(script: Script) -> Script:
    """The same with an agent set to work."""
    script.start("agent_execution_started", agent={"role": "Host"})
    return script


def call(
    script: Script,
    model: str | None = "gpt-4o-mini",
    *,
    usage: dict[str, int] | None = None,
    prompt: str = "Tea?",
    error: str | None = None,
) -> StreamFrame:
    """Add an LLM call of two frames; return the one that opens it."""
    opened = open_call(script, model, prompt)
    known = {"call_id": opened.data["call_id"], "model": model}
    if error is None:
        script.end("llm_call_completed", response="Yes.", usage=usage, **known)
    else:
        script.end("llm_call_failed", error=error, **known)
    return opened


def open_call(script: Script, model: str | None = "gpt-4o-mini", prompt: str = "Tea?") -> StreamFrame:
    """Add the beginning of an LLM call."""
    messages = [{"role": "user", "content": prompt}]
    return script.start(
        "llm_call_started", call_id=f"c{len(script.frames)}", model=model, messages=messages, agent_role=None
    )


def token(script: Script) -> None:
    """Add a token of the LLM call that is open."""
    opened = next(frame for frame in reversed(script.frames) if frame.type == "llm_call_started")
    script.emit("llm_stream_chunk", call_id=opened.data["call_id"], chunk="Yes")


def use(
    script: Script,
    tool: str = "kettle",
    arguments: object = None,
    *,
    ms: float = 1,
    error: str | None = None,
    from_cache: bool = False,
) -> StreamFrame:
    """Add a tool call that takes so long; return the frame that opens it."""
    opened = script.start("tool_usage_started", tool_name=tool, tool_args=arguments or {}, agent_role="Host")
    script.wait(ms - 1)
    if error is None:
        script.end("tool_usage_finished", tool_name=tool, output="hot", from_cache=from_cache)
    else:
        script.end("tool_usage_error", tool_name=tool, error=error)
    return opened


def at(ms: float) -> datetime:
    """When a frame of that time came, as a recording has it."""
    return START.replace(tzinfo=None) + timedelta(milliseconds=ms)


def span_of(frame: StreamFrame) -> str:
    """The id of the span that a frame of a script opens."""
    return f"{ids.span_id('f0', frame.id):016x}"
