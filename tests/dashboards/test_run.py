"""One run: what became of it, its steps, and its tokens call by call."""

from __future__ import annotations

from pathlib import Path

import pytest

import recorder
from otelstream.testing import Script
from tests.dashboards.reports import (
    Row,
    a_flow,
    at,
    call,
    ended,
    in_agent,
    open_call,
    record,
    rows_of,
    span_of,
    text_of,
    use,
)

REPORTS = ("run", "run_steps", "run_tokens")


def brewed() -> tuple[Script, list[str]]:
    """A flow of one call and one tool that fails, and the ids of its spans in the order of their start."""
    script = a_flow()
    asked = call(script, usage={"prompt_tokens": 7, "completion_tokens": 2})
    used = use(script, ms=4, error="cold")
    frames = [*script.frames[:2], asked, used]
    return ended(script), [span_of(frame) for frame in frames]


@pytest.mark.parametrize("report", REPORTS)
def test_it_is_the_last_run_or_the_one_that_is_named(report: str, path: Path) -> None:
    """The variable `session` names another one; without it the newest is meant."""
    first, second = a_flow(), a_flow()
    call(first)
    call(second)
    sessions = record(path, ended(first), ended(second))
    with recorder.open(path) as recording:
        told = [
            {row[0] for row in recording.sql(text_of(report), variables=variables).rows()}
            for variables in (None, {"session": str(sessions[0])})
        ]

    assert told == [{sessions[1]}, {sessions[0]}]


def test_what_became_of_it(path: Path) -> None:
    """State, time and numbers; the moments of its recording are left out here."""
    script, _ = brewed()
    (session,) = record(path, script, error=RuntimeError("no tea"))
    (row,) = rows_of("run", path)

    assert (*row[:3], *row[5:]) == (
        *(session, "Tea", "failed", 0.01, 8, 0, 4, 2, 1, 1, 7, 2),
        *("RuntimeError", "no tea", None, None),
    )


def test_its_steps(path: Path) -> None:
    """Every span in the order of its start, with how deep it is, how long it took, and what it says."""
    script, spans = brewed()
    (session,) = record(path, script)
    chat = ("chat gpt-4o-mini", "chat", None, "gpt-4o-mini", None, 7, 2, None, False, None, None)
    tool = ("execute_tool kettle", "execute_tool", "Host", None, "kettle")
    nothing = (None,) * 6

    assert rows_of("run_steps", path) == [
        (
            *(session, at(0), 0.0, 0.01, 0, "invoke_workflow Tea", "invoke_workflow"),
            *(*nothing, False, None, None, spans[0]),
        ),
        (
            *(session, at(1), 0.001, 0.008, 1, "method brew", "method"),
            *(*nothing, False, None, None, spans[1]),
        ),
        (session, at(2), 0.002, 0.001, 2, *chat, spans[2]),
        (session, at(4), 0.004, 0.004, 2, *tool, *nothing[:3], False, "_OTHER", "cold", spans[3]),
    ]


def test_a_step_that_never_ended_is_not_timed(path: Path) -> None:
    """It has its place, and no duration."""
    script = a_flow()
    open_call(script.fork())
    script.wait(60_000)
    record(path, ended(script))

    assert [(row[3], row[4], row[5], row[13]) for row in rows_of("run_steps", path)] == [
        (60.004, 0, "invoke_workflow Tea", False),
        (60.002, 1, "method brew", False),
        (None, 2, "chat gpt-4o-mini", True),
    ]


def tokens(path: Path) -> list[Row]:
    """When calls ended, what each reports, and the sums so far."""
    return [(row[2], row[5], row[7], *row[9:11], row[12]) for row in rows_of("run_tokens", path)]


def test_tokens_are_summed_in_the_order_in_which_calls_end(path: Path) -> None:
    """A call without usage adds nothing; before the first that reports any, the sum is unknown and not 0."""
    script = a_flow()
    call(script, error="busy")
    call(script, usage={"prompt_tokens": 10, "completion_tokens": 1})
    call(script)
    call(script, usage={"prompt_tokens": 20, "completion_tokens": 2})
    record(path, ended(script))

    assert tokens(path) == [
        (0.003, None, None, None, None, "_OTHER"),
        (0.005, 10, 1, 10, 1, None),
        (0.007, None, None, 10, 1, None),
        (0.009, 20, 2, 30, 3, None),
    ]


def test_tokens_of_an_agent_are_those_of_its_calls(path: Path) -> None:
    """What an agent or a crew says of itself is in no row."""
    script = in_agent(a_flow())
    call(script, usage={"prompt_tokens": 7, "completion_tokens": 2})
    script.end("agent_execution_completed", output="tea", usage={"prompt_tokens": 7})
    script.end("task_completed", output={"raw": "tea"})
    record(path, ended(script))

    assert tokens(path) == [(0.005, 7, 2, 7, 2, None)]
