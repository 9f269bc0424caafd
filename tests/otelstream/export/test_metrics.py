"""Operations become measurements: each span as it ends, with the attributes that the conventions name."""

from __future__ import annotations

import pytest

from otelstream.frame import Outcome
from otelstream.span.names import Convention
from otelstream.testing import START_NS, Script
from tests.otelstream.export.measuring import measured


def call(script: Script, number: int, **end: object) -> None:
    """Add a model call of one millisecond."""
    script.start("llm_call_started", call_id=f"c{number}", model="m")
    script.end("llm_call_completed", call_id=f"c{number}", response="fine", **end)


def tool(script: Script, name: str, end: str = "tool_usage_finished", **data: object) -> None:
    """Add a tool execution of one millisecond."""
    script.start("tool_usage_started", tool_name=name)
    script.end(end, tool_name=name, **data)


def agent(script: Script, name: str) -> None:
    """Begin an agent's work."""
    script.start("agent_execution_started", agent_role=name, agent={"role": name})


CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
DURATION = "gen_ai.client.operation.duration"


def test_a_call_is_measured_without_a_flow() -> None:
    """A direct call of a model has its duration; without chunks and usage it has nothing else."""
    script = Script()
    call(script, 1)

    run = {"otelstream.run.name": "chat m"}

    assert measured(script.frames) == {
        DURATION: [(CALL, 0.001)],
        "otelstream.run.duration": [({**run, "otelstream.end": "completed"}, 0.001)],
        "otelstream.runs.active": [(run, 0)],
        "otelstream.spans.open": [({}, 0)],
    }


def test_tokens_are_told_only_where_the_provider_counts_them() -> None:
    """A call with usage has its tokens by type; the other adds nothing to them."""
    script = Script()
    call(script, 1, usage={"prompt_tokens": 5, "completion_tokens": 7})
    call(script, 2)

    assert measured(script.frames)["gen_ai.client.token.usage"] == [
        ({**CALL, "gen_ai.token.type": "input"}, 5),
        ({**CALL, "gen_ai.token.type": "output"}, 7),
    ]


def test_chunks_are_measured_from_the_request_and_from_each_other() -> None:
    """The first chunk counts from the request, each later one from the chunk before."""
    script = Script()
    script.start("llm_call_started", call_id="c", model="m")
    script.wait(9)
    for _ in range(3):
        script.emit("llm_stream_chunk", call_id="c", chunk="x")
        script.wait(4)
    script.end("llm_call_completed", call_id="c", response="xxx")
    found = measured(script.frames)

    assert found["gen_ai.client.operation.time_to_first_chunk"] == [(CALL, 0.01)]
    ((_, seconds),) = found["gen_ai.client.operation.time_per_output_chunk"]
    assert seconds == pytest.approx(0.01, rel=0.002)


def test_an_agent_counts_its_own_calls_and_tools() -> None:
    """What an agent beneath another does is its own; a failed call and a failed tool count too."""
    script = Script()
    agent(script, "Chief")
    call(script, 1)
    tool(script, "ask")
    agent(script, "Helper")
    call(script, 2)
    call(script, 3)
    tool(script, "look", "tool_usage_error", error="ValueError('no')")
    script.end("agent_execution_completed", agent_role="Helper")
    call(script, 4)
    script.end("agent_execution_completed", agent_role="Chief")
    found = measured(script.frames)
    chief, helper = {"gen_ai.agent.name": "Chief"}, {"gen_ai.agent.name": "Helper"}

    assert found["gen_ai.invoke_agent.inference_calls"] == [(helper, 2), (chief, 2)]
    assert found["gen_ai.invoke_agent.tool_calls"] == [(helper, 1), (chief, 1)]


def test_a_failed_tool_has_its_error() -> None:
    """The class that its frame names is `error.type`; the tool that succeeded has none."""
    script = Script()
    script.start("flow_started", flow_name="F")
    tool(script, "look")
    tool(script, "look", "tool_usage_error", error="ValueError('no')")
    about = {"gen_ai.tool.name": "look", "gen_ai.tool.type": "function"}

    assert measured(script.frames)["gen_ai.execute_tool.duration"] == [
        (about, 0.001),
        ({**about, "error.type": "ValueError"}, 0.001),
    ]


def test_a_tool_inside_a_tool_is_the_same_call() -> None:
    """An MCP tool is called within the tool that stands for it: it is measured once, and counted once."""
    script = Script()
    agent(script, "Chief")
    script.start("tool_usage_started", tool_name="search")
    script.start("mcp_tool_execution_started", tool_name="search", server_name="library")
    script.end("mcp_tool_execution_completed", tool_name="search", server_name="library")
    script.end("tool_usage_finished", tool_name="search")
    script.end("agent_execution_completed", agent_role="Chief")
    found = measured(script.frames)

    assert [seconds for _, seconds in found["gen_ai.execute_tool.duration"]] == [0.003]
    assert found["gen_ai.invoke_agent.tool_calls"] == [({"gen_ai.agent.name": "Chief"}, 1)]


@pytest.mark.parametrize("version", ["1.41", "main"])
def test_a_search_of_the_memory_is_an_operation_of_its_own(version: Convention) -> None:
    """It is no inference: both versions keep it under `gen_ai.client.operation.duration`."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.start("memory_query_started", query="tea", source_type="short_term_memory")
    script.end("memory_query_completed", query="tea", results=[], source_type="short_term_memory")
    script.end("flow_finished", flow_name="F")
    ((about, seconds),) = measured(script.frames, version)[DURATION]

    assert (about["gen_ai.operation.name"], seconds) == ("search_memory", 0.001)


def test_a_run_that_was_cut_has_its_durations() -> None:
    """Spans that no frame ended are measured up to the end of the session, with the error that it had."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.start("llm_call_started", call_id="c", model="m")
    outcome = Outcome("cut", START_NS + 5_000_000)
    found = measured(script.frames, outcome=outcome)

    assert (found[DURATION], found["gen_ai.invoke_workflow.duration"], found["otelstream.spans.open"]) == (
        [({**CALL, "error.type": "cut"}, 0.004)],
        [({"gen_ai.workflow.name": "F", "error.type": "cut"}, 0.005)],
        [({}, 0)],
    )


def test_spans_of_the_runtime_alone_have_no_metric() -> None:
    """Methods and tasks are no operations of the conventions."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.start("method_execution_started", flow_name="F", method_name="go")
    script.end("method_execution_finished", flow_name="F", method_name="go")
    script.end("flow_finished", flow_name="F")

    assert {name for name in measured(script.frames) if not name.startswith("otelstream.")} == {
        "gen_ai.invoke_workflow.duration"
    }


def test_the_coming_conventions_count_all_kinds_of_tokens() -> None:
    """Cached and reasoning tokens have counters of their own there, under the new names."""
    script = Script()
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": 20,
        "cached_prompt_tokens": 10,
        "cache_creation_tokens": 5,
        "reasoning_tokens": 7,
    }
    call(script, 1, usage=usage)
    prefix = "gen_ai.client.inference.usage."
    found = measured(script.frames, "main")

    assert {name.removeprefix(prefix): points for name, points in found.items() if prefix in name} == {
        kind: [({**CALL, "gen_ai.token.modality": "unknown"}, count)]
        for kind, count in {
            "input_tokens": 50,
            "output_tokens": 20,
            "cache_read.input_tokens": 10,
            "cache_write.input_tokens": 5,
            "reasoning.output_tokens": 7,
        }.items()
    }


def test_a_call_that_nobody_ended_is_not_measured() -> None:
    """A call that a completed run left behind has no duration that means anything."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.fork().start("llm_call_started", call_id="c0", model="m")
    script.wait(3_600_000)
    script.end("flow_finished", flow_name="F")

    told = measured(script.frames)
    assert ("gen_ai.client.operation.duration" in told, told["otelstream.spans.open"]) == (False, [({}, 0)])


def test_a_tool_that_a_model_made_up_has_no_name_of_its_own() -> None:
    """Otherwise models would decide how many series a metric has."""
    script = Script()
    tool(script, "no such tool", failure={"reason": "unknown_tool", "message": "Tool not found"})

    ((attributes, _),) = measured(script.frames)["gen_ai.execute_tool.duration"]
    assert (attributes["gen_ai.tool.name"], attributes["error.type"]) == ("_OTHER", "unknown_tool")
