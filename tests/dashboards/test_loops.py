"""What goes round in circles, and what only looks as if it did."""

from __future__ import annotations

from pathlib import Path

from otelstream.testing import Script
from tests.dashboards.reports import Row, a_flow, at, call, ended, open_call, record, rows_of, use

WATER = {"water": 2, "hot": True}


def report(path: Path) -> list[Row]:
    """What goes round."""
    return rows_of("runs_that_loop", path)


def test_three_equal_tool_calls_are_a_loop(path: Path) -> None:
    """Whatever is between them; a call with other arguments is none of them, and a failure is one."""
    script = a_flow()
    use(script, arguments=WATER)
    use(script, arguments={"water": 3})
    use(script, arguments=WATER, error="cold")
    call(script)
    use(script, arguments=WATER)
    (session,) = record(path, ended(script))

    assert report(path) == [
        (session, "Tea", "tool", "kettle", "Host", 3, 1, at(2), at(10), '{"water":2,"hot":true}')
    ]


def test_two_equal_tool_calls_are_none(path: Path) -> None:
    """Nor are two more in another session."""
    for _ in range(2):
        script = a_flow()
        use(script, arguments=WATER)
        use(script, arguments=WATER)
        record(path, ended(script))

    assert report(path) == []


def test_agents_and_tools_are_told_apart(path: Path) -> None:
    """The same arguments to another tool, or from another agent, are something else."""
    script = a_flow()
    for tool, agent in (("kettle", "Host"), ("kettle", "Guest"), ("teapot", "Host")) * 2:
        script.start("tool_usage_started", tool_name=tool, tool_args=WATER, agent_role=agent)
        script.end("tool_usage_finished", tool_name=tool, output="hot")
    record(path, ended(script))

    assert report(path) == []


def test_a_tool_whose_arguments_are_unknown_is_no_loop(path: Path) -> None:
    """What is not told cannot be the same."""
    script = a_flow()
    for _ in range(3):
        script.start("tool_usage_started", tool_name="kettle", agent_role="Host")
        script.end("tool_usage_finished", tool_name="kettle", output="hot")
    record(path, ended(script))

    assert report(path) == []


def test_a_call_of_a_server_inside_a_tool_is_not_told_twice(path: Path) -> None:
    """Three calls of an MCP tool are one loop, that of the tool around."""
    script = a_flow()
    for _ in range(3):
        script.start("tool_usage_started", tool_name="server_boil", tool_args=WATER, agent_role="Host")
        script.start("mcp_tool_execution_started", tool_name="boil", tool_args=WATER, server_name="server")
        script.end("mcp_tool_execution_completed", tool_name="boil", result="hot")
        script.end("tool_usage_finished", tool_name="server_boil", output="hot")
    (session,) = record(path, ended(script))

    assert report(path) == [
        (session, "Tea", "tool", "server_boil", "Host", 3, 0, at(2), at(10), '{"water":2,"hot":true}')
    ]


def executed(script: Script, method: str, times: int) -> Script:
    """A flow with executions of a method more."""
    for _ in range(times):
        script.start("method_execution_started", flow_name="Tea", method_name=method)
        script.end("method_execution_finished", flow_name="Tea", method_name=method)
    return script


def test_a_method_that_is_executed_again_and_again(path: Path) -> None:
    """Four executions in one run of its flow; another method with two is none."""
    script = Script()
    script.start("flow_started", flow_name="Tea")
    executed(executed(script, "sip", 4), "pour", 2)
    script.end("flow_finished", flow_name="Tea")
    (session,) = record(path, script)

    assert report(path) == [(session, "Tea", "method", "sip", None, 4, 0, at(1), at(7), None)]


def test_a_method_of_several_runs_of_a_flow_is_no_loop(path: Path) -> None:
    """Each run of a flow inside has its own executions."""
    script = a_flow()
    for _ in range(3):
        script.start("flow_started", flow_name="Cup")
        executed(script, "sip", 1)
        script.end("flow_finished", flow_name="Cup")
    record(path, ended(script))

    assert report(path) == []


def test_a_prompt_that_is_sent_again_and_again(path: Path) -> None:
    """Word for word to the same model, also by a call that never ends; one failure is among them."""
    script = a_flow()
    call(script, prompt="More tea?")
    call(script, prompt="More tea!")
    call(script, prompt="More tea?", error="busy")
    call(script, "gpt-4o", prompt="More tea?")
    open_call(script, prompt="More tea?")
    (session,) = record(path, script)

    assert report(path) == [(session, "Tea", "prompt", "gpt-4o-mini", None, 3, 1, at(2), at(10), "More tea?")]


def test_the_order_of_messages_tells_prompts_apart(path: Path) -> None:
    """The same texts in another order or from another role are another prompt."""
    script = a_flow()
    for roles, texts in (("ua", "12"), ("ua", "21"), ("au", "12"), ("au", "21"), ("uu", "12")):
        messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
        script.start("llm_call_started", call_id=roles + texts, model="gpt-4o", messages=messages)
        script.end("llm_call_completed", call_id=roles + texts, response="Yes.")
    record(path, ended(script))

    assert report(path) == []


def test_the_sample_is_cut(path: Path) -> None:
    """Of long arguments the first 200 characters are shown, and all of them compared."""
    script = a_flow()
    for end in "aaab":
        use(script, arguments="x" * 300 + end)
    (session,) = record(path, ended(script))

    assert report(path) == [(session, "Tea", "tool", "kettle", "Host", 3, 0, at(2), at(6), '"' + "x" * 199)]
