"""Runs in which everything happens that VIEWING.md has a query for, as a backend receives their spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from otelstream.testing import Script
from tests.conftest import frames_of
from tests.e2e.fresh import new_process
from tests.e2e.received import ReceivedSpan, spans_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import recorded, session

CONVERSATION: Final = "chat-1"


def call(script: Script, number: int, *, first_ms: float = 10, gap_ms: float = 10, error: str = "") -> None:
    """Call a model that answers in two chunks, or fails."""
    data = {"call_id": f"call-{number}", "model": "gpt-4o"}
    script.start("llm_call_started", messages=[], **data)
    if error:
        script.end("llm_call_failed", error=error, **data)
        return
    for wait_ms in (first_ms, gap_ms):
        script.wait(wait_ms)
        script.emit("llm_stream_chunk", chunk="a", call_type="llm_call", **data)
    script.end("llm_call_completed", response="aa", **data)


def tool(script: Script, attempt: int, error: str = "") -> None:
    """Execute a tool, which answers or fails."""
    data = {"tool_name": "lookup", "run_attempts": attempt}
    script.start("tool_usage_started", **data)
    script.end(*("tool_usage_error",) if error else ("tool_usage_finished",), **data, error=error)


def in_flow(tell: Callable[[Script], None], *, ends: bool = True) -> list[StreamFrame]:
    """Return a flow in which that happens."""
    script = Script()
    script.start("flow_started", flow_name="DemoFlow")
    tell(script)
    if ends:
        script.end("flow_finished", flow_name="DemoFlow")
    return script.frames


def _looping(script: Script) -> None:
    for number in range(21):
        call(script, number)
    for _ in range(6):
        tool(script, 1)


def _retried(script: Script) -> None:
    call(script, 1, error="Error code: 429")
    call(script, 2)
    tool(script, 1, "no")
    tool(script, 2)


def _turn() -> list[StreamFrame]:
    script = Script()
    told = {"flow_name": "Chat", "session_id": CONVERSATION}
    script.emit("conversation_turn_started", **told)
    call(script, 1)
    script.emit("conversation_turn_completed", **told)
    return script.frames


def _heavy(script: Script) -> None:
    for number in range(50):
        script.emit("my_event", text="x" * 200, number=number)


def _failing_agent(script: Script) -> None:
    agent = {"agent": {"id": "agent-1", "role": "Researcher"}}
    script.start("agent_execution_started", **agent)
    call(script, 1, error="Error code: 500")
    script.end("agent_execution_error", error="Error code: 500", **agent)


def _again(script: Script) -> None:
    agent = {"agent": {"id": "agent-1", "role": "Writer"}}
    script.start("task_started", task={"name": "write"})
    for _ in range(2):
        script.start("agent_execution_started", **agent)
        script.end("agent_execution_completed", **agent)
    script.end("task_completed", task={"name": "write"})


@dataclass(frozen=True, slots=True)
class Run:
    """What happens, and how it is observed.

    Attributes:
        sessions: The frames of each session, one after the other in one process.
        options: How they become spans.
        error: What the program sees at their end, if it is not the result.
    """

    sessions: tuple[Sequence[StreamFrame], ...]
    options: SpanOptions = field(default_factory=SpanOptions)
    error: str = ""


RUNS: Final = {
    "crew": Run((frames_of("05_crew_two_agents_tools"),)),
    "tool raises": Run((frames_of("06_tool_raises"),)),
    "HTTP 500": Run((frames_of("07_llm_http500"),), error="HTTP 500"),
    "HTTP 500, retried": Run((frames_of("07d_llm_http500_nonstream_sync"),)),
    "method raises": Run((frames_of("08_method_raises"),), error="bad"),
    "feedback": Run((frames_of("13_feedback_pending"), frames_of("13_feedback_resume"))),
    "slow": Run((in_flow(lambda script: call(script, 1, first_ms=2_500)),)),
    "stalled": Run((in_flow(lambda script: call(script, 1, gap_ms=12_000)),)),
    "looping": Run((in_flow(_looping),)),
    "retried": Run((in_flow(_retried),)),
    "agent fails": Run((in_flow(_failing_agent),)),
    "again": Run((in_flow(_again),)),
    "turn": Run((_turn(),)),
    "heavy": Run((in_flow(_heavy),), SpanOptions(span_bytes=4_000)),
    "left open": Run((in_flow(lambda script: None, ends=False),)),
}
"""By name; the first six are streams that CrewAI really emitted."""


def viewed(folder: Path) -> tuple[list[ReceivedSpan], str]:
    """Return the spans of all runs, their names in the place of trace ids, and the session of the last."""
    found: list[ReceivedSpan] = []
    for number, (name, run) in enumerate(RUNS.items()):
        path = folder / f"{number}.jsonl"
        with HttpReceiver() as receiver, new_process(variables(receiver)):
            for frames in run.sessions:
                error = RuntimeError(run.error) if run.error else None
                observed = otelstream.observe(session(frames, error=error), spans=run.options, record=path)
                with suppress(RuntimeError):
                    list(observed)
            otelstream.shutdown(10)
        # Scripts give all their runs the same frame ids, which span ids are made of.
        found += [_named(span, name) for span in spans_of(receiver)]
    return found, recorded(path).id


def _named(span: ReceivedSpan, run: str) -> ReceivedSpan:
    parent = span.parent_span_id and f"{run} {span.parent_span_id}"
    return replace(span, trace_id=run, span_id=f"{run} {span.span_id}", parent_span_id=parent)
