"""The calls of a recorded session, out of its frames."""

from __future__ import annotations

from collections.abc import Callable

from otelstream.frame import StreamFrame
from otelstream.testing import Script
from recorder.rerun.calls import CallName, recorded_calls

Golden = Callable[[str], tuple[StreamFrame, ...]]

AGENTS = ("flow CrewFlow", "method run")


def told(frames: tuple[StreamFrame, ...] | list[StreamFrame]) -> list[tuple[str, list[str]]]:
    """Each call's name, and the types of its steps."""
    return [(str(call.name), [step.type for step in call.steps]) for call in recorded_calls(frames)]


def a_call(script: Script, call_id: str, *types: str) -> None:
    """One LLM call with these chunks."""
    script.start("llm_call_started", call_id=call_id, model="m", messages="?")
    for frame_type in types:
        script.emit(frame_type, call_id=call_id, chunk="a")
    script.end("llm_call_completed", call_id=call_id, response="a")


def test_a_call_has_its_chunks_and_its_end() -> None:
    """Whatever comes in between."""
    script = Script()
    script.start("flow_started", flow_name="Tea")
    script.start("method_execution_started", method_name="ask")
    a_call(script, "1", "llm_stream_chunk", "llm_thinking_chunk")
    other = script.fork()
    script.start("llm_call_started", call_id="2", model="m", messages="?")
    a_call(other, "3")
    script.end("llm_call_failed", call_id="2", error="no")
    script.emit("llm_call_failed", call_id="2", error="no")

    place = "(flow Tea > method ask)"
    assert told(script.frames) == [
        (f"LLM call 1 {place}", ["llm_stream_chunk", "llm_thinking_chunk", "llm_call_completed"]),
        (f"LLM call 2 {place}", ["llm_call_failed", "llm_call_failed"]),
        (f"LLM call 3 {place}", ["llm_call_completed"]),
    ]


def test_a_tool_call_has_its_end_and_what_was_told_of_its_failure() -> None:
    """The frame that tells it comes after the end and names only the tool."""
    script = Script()
    script.start("tool_usage_started", tool_name="burn", tool_args={})
    script.end("tool_usage_error", error="RuntimeError('no')")
    script.emit("tool_failure_detected", tool_name="burn", failure={"message": "no"})

    assert told(script.frames) == [
        ("tool call 1 burn (at the top)", ["tool_usage_error", "tool_failure_detected"])
    ]


def test_a_tool_that_a_model_runs_is_a_step_of_both() -> None:
    """It is a call of its own, and the call that it belongs to goes on after it."""
    script = Script()
    script.start("llm_call_started", call_id="1", model="m", messages="?")
    script.start("tool_usage_started", tool_name="weigh", tool_args={})
    script.end("tool_usage_finished", output=3)
    script.end("llm_call_completed", call_id="1", response=3)

    assert told(script.frames) == [
        ("LLM call 1 (at the top)", ["tool_usage_started", "llm_call_completed"]),
        ("tool call 1 weigh (llm m)", ["tool_usage_finished"]),
    ]


def test_calls_inside_of_tools_know_it() -> None:
    """By the ordinals of the tool calls around them, outermost first."""
    script = Script()
    script.start("tool_usage_started", tool_name="outer", tool_args={})
    script.start("agent_execution_started", agent={"role": "Helper"})
    script.start("tool_usage_started", tool_name="inner", tool_args={})
    a_call(script, "1")

    assert [call.inside for call in recorded_calls(script.frames)] == [(), (0,), (0, 2)]


def test_a_scope_from_before_the_stream_is_no_part_of_a_place() -> None:
    """The flow of a conversation began in an earlier turn, in another session."""
    script = Script()
    script.start("flow_started", flow_name="Chat")
    script.start("method_execution_started", method_name="talk")
    a_call(script, "1")

    whole, turn = recorded_calls(script.frames)[0], recorded_calls(script.frames[1:])[0]
    assert (whole.name.path, turn.name.path) == (("flow Chat", "method talk"), ("method talk",))


def test_a_real_crew_has_its_calls(golden: Golden) -> None:
    """Two agents with tools: five LLM calls and three of tools, all with an end."""
    calls = recorded_calls(golden("05_crew_two_agents_tools"))

    assert [(call.name.kind, call.name.tool) for call in calls] == [
        ("llm", ""), ("tool", "lookup_fact"), ("llm", ""), ("tool", "word_count"), ("llm", ""),
        ("llm", ""), ("tool", "word_count"), ("llm", ""),
    ]  # fmt: skip
    assert all(call.steps[-1].type in ("llm_call_completed", "tool_usage_finished") for call in calls)


def test_what_a_name_says() -> None:
    """Kind, number, tool and place."""
    assert str(CallName("tool", 2, AGENTS, "lookup")) == "tool call 2 lookup (flow CrewFlow > method run)"
