"""What failed, what was tried again, and what came of it."""

from __future__ import annotations

from pathlib import Path

from otelstream.testing import Script
from tests.dashboards.reports import (
    Row,
    a_flow,
    at,
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
    """What failed."""
    return rows_of("retries_and_failures", path)


def after_agent(script: Script) -> Script:
    """The same with the end of the agent's work, its task and the flow."""
    script.end("agent_execution_completed", output="tea")
    script.end("task_completed", output={"raw": "tea"})
    return ended(script)


def test_a_call_that_is_repeated_after_a_failure_recovers(path: Path) -> None:
    """Two failures and then a success of one model: each was retried, and each recovered in the end."""
    script = a_flow()
    call(script, error="busy")
    second = call(script, error="busy again")
    call(script)
    (session,) = record(path, ended(script))

    assert report(path) == [
        (
            *("chat", "gpt-4o-mini", 3, 2, 0, 2, 2, None, 0, "_OTHER", "busy again"),
            *(at(5), session, span_of(second)),
        )
    ]


def test_a_tool_that_keeps_failing_does_not_recover(path: Path) -> None:
    """Of three failures two were retried; the success of another tool is no recovery."""
    script = a_flow()
    use(script, error="cold")
    use(script, error="cold")
    last = use(script, error="ValueError('no water')")
    use(script, "teapot")
    (session,) = record(path, ended(script))

    assert report(path) == [
        (
            *(
                "execute_tool",
                "kettle",
                3,
                3,
                0,
                2,
                0,
                None,
                0,
                "ValueError, _OTHER",
                "ValueError('no water')",
            ),
            *(at(7), session, span_of(last)),
        )
    ]


def test_what_ran_beside_a_failure_is_no_retry(path: Path) -> None:
    """A call that began before the other one had failed does not answer to that."""
    script = a_flow()
    beside = script.fork()
    failing = open_call(script)
    open_call(beside)
    script.end("llm_call_failed", call_id=failing.data["call_id"], error="busy")
    beside.end("llm_call_completed", call_id="c3", response="Yes.")
    (session,) = record(path, ended(script))

    assert report(path) == [
        (
            *("chat", "gpt-4o-mini", 2, 1, 0, 0, 0, None, 0, "_OTHER", "busy"),
            *(at(4), session, span_of(failing)),
        )
    ]


def test_what_runs_elsewhere_is_no_retry(path: Path) -> None:
    """The same tool in another session says nothing of the failure in this one."""
    first, second = a_flow(), a_flow()
    failed = use(first, error="cold")
    use(second)
    sessions = record(path, ended(first), ended(second))

    assert report(path) == [
        (
            *("execute_tool", "kettle", 2, 1, 0, 0, 0, None, 0, "_OTHER", "cold"),
            *(at(3), sessions[0], span_of(failed)),
        )
    ]


def test_an_agent_that_fails_and_is_set_to_work_again(path: Path) -> None:
    """The failure of its call is passed on to it, and its second execution in the task is a rerun."""
    script = in_agent(a_flow())
    failed = [script.frames[-1], call(script, error="busy")]
    script.end("agent_execution_error", error="the call says: busy")
    call(in_execution(script))
    (session,) = record(path, after_agent(script))

    assert report(path) == [
        (
            *("invoke_agent", "Host", 2, 1, 1, 1, 1, 1, 0, "_OTHER", "the call says: busy"),
            *(at(6), session, span_of(failed[0])),
        ),
        (
            *("chat", "gpt-4o-mini", 2, 1, 0, 0, 0, None, 0, "_OTHER", "busy"),
            *(at(5), session, span_of(failed[1])),
        ),
    ]


def test_an_agent_whose_answer_is_refused_works_again(path: Path) -> None:
    """No execution failed, but the third one in the task is the second rerun."""
    script = in_agent(a_flow())
    for _ in range(2):
        script.end("agent_execution_completed", output="coffee")
        in_execution(script)
    record(path, after_agent(script))

    assert report(path) == [("invoke_agent", "Host", 3, 0, 0, 0, 0, 2, 0, None, None, None, None, None)]


def test_an_agent_with_a_task_after_the_other_is_not_run_again(path: Path) -> None:
    """One execution in each of two tasks is nothing to report."""
    script = in_agent(a_flow())
    script.end("agent_execution_completed", output="tea")
    script.end("task_completed", output={"raw": "tea"})
    record(path, after_agent(in_agent(script)))

    assert report(path) == []


def test_what_has_no_name_may_be_anything(path: Path) -> None:
    """Whether an unnamed task that follows a failed one is the same, nobody knows."""
    script = a_flow()
    failed = script.start("task_started", task={"name": None})
    script.end("task_failed", error="spilt")
    script.start("task_started", task={"name": None})
    script.end("task_completed", output={"raw": "tea"})
    (session,) = record(path, ended(script))

    assert report(path) == [
        ("task", None, 2, 1, 0, None, None, None, 0, "_OTHER", "spilt", at(3), session, span_of(failed))
    ]


def test_what_never_ended_has_not_failed(path: Path) -> None:
    """The run raised while a call was open: the call is left open, and the failure is that of the run."""
    script = a_flow()
    failed = call(script, error="busy")
    open_call(script)
    (session,) = record(path, script, error=RuntimeError("the roof"))

    assert report(path) == [
        (
            *("chat", "gpt-4o-mini", 2, 1, 0, 1, 0, None, 1, "_OTHER", "busy"),
            *(at(3), session, span_of(failed)),
        )
    ]


def test_a_failure_of_its_own_is_not_passed_on(path: Path) -> None:
    """A method that fails for another reason than the tool in it began to fail by itself."""
    script = a_flow()
    tool = use(script, error="cold")
    script.end("method_execution_failed", flow_name="Tea", method_name="brew", error="no guests")
    script.end("flow_finished", flow_name="Tea")
    (session,) = record(path, script)

    assert report(path) == [
        ("execute_tool", "kettle", 1, 1, 0, 0, 0, None, 0, "_OTHER", "cold", at(3), session, span_of(tool)),
        (
            *("method", "brew", 1, 1, 0, 0, 0, None, 0, "_OTHER", "no guests"),
            *(at(4), session, span_of(script.frames[1])),
        ),
    ]
