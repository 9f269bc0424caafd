"""The view `errors`: each failure once, where it began, and none hidden by another one's text."""

from __future__ import annotations

from pathlib import Path

import pytest

import recorder
from otelstream.testing import Script
from tests.dashboards.reports import a_flow, ended, in_agent, record, use

Row = tuple[object, ...]


def errors_of(script: Script, folder: Path, error: str | None = None) -> list[Row]:
    """What the view says of a session with these frames, which raised that error if there is one."""
    record(folder / "x.duckdb", script, error=None if error is None else RuntimeError(error))
    with recorder.open(folder / "x.duckdb") as recording:
        return recording.sql("SELECT name, error_message FROM errors ORDER BY time, name").rows()


def in_work() -> Script:
    """A flow in which an agent is at work on a task."""
    return in_agent(a_flow())


def all_fail(script: Script, text: str) -> Script:
    """The same with the failure of the agent and of everything around it."""
    for name in ("agent_execution_error", "task_failed", "method_execution_failed", "flow_failed"):
        script.end(name, error=text)
    return script


def all_end(script: Script) -> Script:
    """The same with a good end of everything."""
    script.end("agent_execution_completed")
    script.end("task_completed")
    return ended(script)


def test_what_the_spans_around_say_as_well_is_told_once(tmp_path: Path) -> None:
    """A failure that goes up to the root is where it began."""
    script = in_work()
    use(script, "search", error="timeout of search")
    all_fail(script, "Tool failed: timeout of search")

    assert errors_of(script, tmp_path, "Tool failed: timeout of search") == [
        ("execute_tool search", "timeout of search")
    ]


@pytest.mark.parametrize("handled", ["timeout of search", "a", "m"])
def test_a_failure_that_was_handled_hides_no_other(handled: str, tmp_path: Path) -> None:
    """What ended the run later, for another reason, has its own row."""
    script = in_work()
    use(script, "search", error=handled)
    use(script, "search")
    all_fail(script, "max iterations reached")

    assert errors_of(script, tmp_path, "max iterations reached") == [
        ("execute_tool search", handled),
        ("invoke_agent Host", "max iterations reached"),
    ]


def test_each_of_some_equal_failures_counts(tmp_path: Path) -> None:
    """A tool that fails three times is three rows."""
    script = in_work()
    for _ in range(3):
        use(script, "search", error="timeout")

    assert errors_of(all_end(script), tmp_path) == [("execute_tool search", "timeout")] * 3


def test_frames_without_a_span_tell_failures_of_their_own(tmp_path: Path) -> None:
    """Also if a span that had ended before said the same."""
    script = in_work()
    use(script, "search", error="timeout")
    script.emit("my_job_failed", error="timeout")
    script.emit("my_job_failed", error="timeout")

    assert errors_of(all_end(script), tmp_path) == [
        ("execute_tool search", "timeout"),
        ("my_job_failed", "timeout"),
        ("my_job_failed", "timeout"),
    ]


def test_a_frame_in_a_failed_span_that_says_the_same_is_no_other_failure(tmp_path: Path) -> None:
    """The runtime tells some failures twice: in a tool's call, and as its end."""
    script = in_work()
    script.start("tool_usage_started", tool_name="search")
    script.emit("tool_execution_error", error="timeout", tool_name="search")
    script.end("tool_usage_error", tool_name="search", error="timeout")

    assert errors_of(all_end(script), tmp_path) == [("execute_tool search", "timeout")]


def test_what_the_program_raises_is_a_failure(tmp_path: Path) -> None:
    """Where no frame told of one it is that of the root."""
    assert errors_of(ended(a_flow()), tmp_path, "a bug of the program") == [
        ("invoke_workflow Tea", "a bug of the program")
    ]
