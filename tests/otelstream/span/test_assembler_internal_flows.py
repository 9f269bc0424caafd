"""The assembler over the flows that are CrewAI's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from otelstream.frame import FrameLike, StreamFrame
from otelstream.span.model import Operation
from otelstream.testing import Script, assembled

Violations = Callable[[Sequence[Operation]], list[str]]
Uncounted = Callable[[Sequence[FrameLike], Sequence[Operation]], dict[str, int]]
Outline = Callable[[Sequence[Operation]], list[str]]


def internal(*around: str, flow_name: str = "AgentExecutor") -> list[StreamFrame]:
    """A flow of that name, with a model call in it, inside the scopes that those types open."""
    script = Script()
    for frame_type in around:
        script.start(frame_type)
    script.start("flow_started", flow_name=flow_name)
    script.start("llm_call_started", call_id="c1", model="m")
    return script.frames


@pytest.mark.parametrize(
    ("around", "flow_name"),
    [
        ("agent_execution_started", "AgentExecutor"),
        ("lite_agent_execution_started", "AgentExecutor"),
        ("memory_save_started", "EncodingFlow"),
        ("memory_query_started", "RecallFlow"),
        ("memory_retrieval_started", "RecallFlow"),
    ],
)
def test_a_flow_of_crewai_is_no_span(outline: Outline, around: str, flow_name: str) -> None:
    """Where CrewAI runs its own flow, what is inside hangs in the span around it."""
    frames = internal(around, flow_name=flow_name)
    assert outline(assembled(frames))[1:] == ["  chat m"]


@pytest.mark.parametrize(
    "around", [(), ("method_execution_started",), ("crew_kickoff_started", "task_started")]
)
@pytest.mark.parametrize("flow_name", ["AgentExecutor", "EncodingFlow", "RecallFlow"])
def test_a_users_flow_of_the_same_name_is_a_span(
    outline: Outline, around: tuple[str, ...], flow_name: str
) -> None:
    """A user's flow that bears the name of one of CrewAI's stands elsewhere and keeps its span."""
    names = [name.strip() for name in outline(assembled(internal(*around, flow_name=flow_name)))]
    assert names[len(around) :] == [f"invoke_workflow {flow_name}", "chat m"]


def test_an_agent_in_a_tool_of_an_agent(outline: Outline) -> None:
    """Only the flow right beneath an agent is its executor: one in a tool of it is the user's."""
    frames = internal("agent_execution_started", "tool_usage_started")
    assert outline(assembled(frames)) == [
        "invoke_agent",
        "  execute_tool",
        "    invoke_workflow AgentExecutor",
        "      chat m",
    ]


def test_only_a_flow_is_collapsed(outline: Outline) -> None:
    """A method that says it is of such a flow is a span: the name means something in a flow's frame alone."""
    script = Script()
    script.start("agent_execution_started")
    script.start("method_execution_started", flow_name="AgentExecutor", method_name="step")
    assert outline(assembled(script.frames)) == ["invoke_agent", "  method step"]


def outliving() -> Script:
    """The executor of an agent whose time was up: the agent has ended, its executor's thread runs on."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.start("agent_execution_started")
    executor = script.fork()
    executor.start("flow_started", flow_name="AgentExecutor")
    script.end("agent_execution_error", error="Task timed out")
    return executor


@pytest.mark.parametrize("late", ["tick", "flow_finished", "task_completed"])
def test_an_executor_that_outlives_its_agent_adds_no_event_to_it(violations: Violations, late: str) -> None:
    """Events are put into spans that are open."""
    executor = outliving()
    executor.emit(late)
    assert violations(assembled(executor.frames)) == []


def test_an_executor_that_outlives_its_agent_loses_no_chunk(uncounted: Uncounted) -> None:
    """Each chunk is counted somewhere."""
    executor = outliving()
    executor.emit("llm_stream_chunk", call_id="c1", chunk="x")
    assert uncounted(executor.frames, assembled(executor.frames))["chunks not counted"] == 0
