"""Which agents and tools are slow or fail."""

from __future__ import annotations

from pathlib import Path

from otelstream.testing import Script
from tests.dashboards.reports import (
    Row,
    a_flow,
    call,
    ended,
    in_agent,
    in_execution,
    open_call,
    record,
    rows_of,
    span_of,
    use,
)


def report(path: Path) -> list[Row]:
    """Agents, then tools."""
    return rows_of("agents_and_tools", path)


def after_task(script: Script) -> Script:
    """The same with the end of the agent's task and the flow."""
    script.end("task_completed", output={"raw": "tea"})
    return ended(script)


def test_an_agent_has_its_executions_and_the_tokens_of_its_calls(path: Path) -> None:
    """Two executions of one role, one of which failed; tokens are not counted for agent and call alike."""
    script = in_agent(a_flow())
    first = script.frames[-1]
    opened = open_call(script)
    script.end(
        "llm_call_completed",
        call_id=opened.data["call_id"],
        model="gpt-4o-mini",
        response="Yes.",
        usage={"prompt_tokens": 7, "completion_tokens": 2},
    )
    kettle = use(script, ms=5)
    script.end("agent_execution_completed", output="tea")
    in_execution(script)
    script.end("agent_execution_error", error="cold")
    (session,) = record(path, after_task(script))

    assert report(path) == [
        (
            *("invoke_agent", "Host", 2, 1, 0.5, 0, 0.001, 0.009, 0.01, 0.009),
            *(session, span_of(first), 1, 1, 7, 2),
        ),
        (
            *("execute_tool", "kettle", 1, 0, 0.0, 0, 0.005, 0.005, 0.005, 0.005),
            *(session, span_of(kettle), None, None, None, None),
        ),
    ]


def test_what_never_ended_is_counted_and_not_timed(path: Path) -> None:
    """Neither does it fail, so there is no share of failures."""
    script = a_flow()
    script.fork().start("tool_usage_started", tool_name="oven", tool_args={}, agent_role="Host")
    script.wait(60_000)
    record(path, ended(script))

    assert report(path) == [
        ("execute_tool", "oven", 1, 0, None, 1, *(None,) * 10),
    ]


def test_calls_outside_of_agents_are_nobody_s(path: Path) -> None:
    """They make no row, and are in none."""
    script = a_flow()
    call(script, usage={"prompt_tokens": 7, "completion_tokens": 2})
    record(path, ended(script))

    assert report(path) == []


def test_the_slowest_comes_first(path: Path) -> None:
    """By p95, agents before tools."""
    script = in_agent(a_flow())
    use(script, "teapot", ms=3)
    use(script, "kettle", ms=9)
    script.end("agent_execution_completed", output="tea")
    record(path, after_task(script))

    assert [row[:2] for row in report(path)] == [
        ("invoke_agent", "Host"),
        ("execute_tool", "kettle"),
        ("execute_tool", "teapot"),
    ]
