"""Causal paths: where a frame stands, in words that every run of the same code shares."""

from __future__ import annotations

import pytest

from otelstream.frame import StreamFrame
from otelstream.testing import Script, make_frame
from recorder import causal
from recorder.causal import ELSEWHERE, CausalPath, CausalPaths, label_of


def _paths(frames: list[StreamFrame]) -> list[CausalPath]:
    paths = CausalPaths()
    return [paths.feed(frame) for frame in frames]


def test_a_path_names_the_scopes_around_a_frame() -> None:
    """A frame's path is the labels of the scopes around it; start and end stand outside of their own."""
    script = Script()
    script.start("flow_started", flow_name="Greeting")
    script.start("method_execution_started", method_name="begin")
    script.start("llm_call_started", model="gpt")
    script.emit("llm_stream_chunk", chunk="Hi")
    script.end("llm_call_completed")
    script.end("method_execution_finished")
    script.end("flow_finished")
    assert _paths(script.frames) == [
        (),
        ("flow Greeting",),
        ("flow Greeting", "method begin"),
        ("flow Greeting", "method begin", "llm gpt"),
        ("flow Greeting", "method begin"),
        ("flow Greeting",),
        (),
    ]


def test_parallel_equal_siblings_have_equal_paths() -> None:
    """Two parallel calls of one model have one path, so which of them came first does not show."""
    script = Script()
    script.start("flow_started", flow_name="Fan")
    branches = [script.fork(), script.fork()]
    for branch in branches:
        branch.start("llm_call_started", model="gpt")
    for branch in reversed(branches):
        branch.emit("llm_stream_chunk", chunk="a")
    assert _paths(script.frames)[-2:] == [("flow Fan", "llm gpt")] * 2


@pytest.mark.parametrize(
    ("frame_type", "data", "label"),
    [
        ("task_started", {"task": {"name": "one"}, "task_name": "one"}, "task one"),
        (
            "task_started",
            {"task": {"name": None, "agent": {"role": "Cook"}}, "task_name": "Boil"},
            "task Cook",
        ),
        ("task_started", {"task": "cut"}, "task"),
        ("agent_execution_started", {"agent": {"role": "Cook"}}, "agent Cook"),
        ("lite_agent_execution_started", {"agent_info": {"role": "Cook"}}, "agent Cook"),
        ("crew_kickoff_started", {"crew_name": ""}, "crew"),
        ("tool_usage_started", {"tool_name": "lookup"}, "tool lookup"),
        ("memory_save_started", {"value": "secret"}, "memory save"),
    ],
)
def test_a_label_is_kind_and_name(frame_type: str, data: dict[str, object], label: str) -> None:
    """A label is the kind and the name of a scope, never what was asked of it."""
    assert label_of(make_frame(frame_type, data=data)) == label


def test_a_scope_of_an_earlier_stream_is_elsewhere() -> None:
    """A frame whose parent began in an earlier turn is in a scope elsewhere, and so is what it opens."""
    script = [
        make_frame("method_execution_started", id="m", parent="gone", data={"method_name": "converse"}),
        make_frame("llm_call_started", id="c", parent="m"),
    ]
    assert _paths(script) == [ELSEWHERE, (*ELSEWHERE, "method converse")]


def test_work_that_outlives_its_scope_is_still_in_it() -> None:
    """A thread that goes on when its scope has ended has the path that it had before."""
    script = Script()
    script.start("agent_execution_started", agent={"role": "Cook"})
    thread = script.fork()
    script.end("agent_execution_completed")
    thread.start("memory_save_started")
    assert _paths(script.frames)[-1] == ("agent Cook",)


def test_of_ended_and_empty_scopes_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: open scopes with something in them, and as many of the others as the limit says."""
    monkeypatch.setattr(causal, "REMEMBERED_SCOPES", 2)
    script = Script()
    script.start("flow_started", flow_name="Loop")
    for _ in range(3):
        script.emit("my_job_started")
        script.start("tool_usage_started", tool_name="step")
        script.end("tool_usage_finished")
    paths = CausalPaths()
    for frame in script.frames:
        paths.feed(frame)
    inside = [paths.inside(frame.id) for frame in script.frames if frame.type == "tool_usage_started"]
    assert inside == [ELSEWHERE, ("flow Loop", "tool step"), ("flow Loop", "tool step")]


def test_no_scope_is_no_path() -> None:
    """What happens in no scope has an empty path."""
    assert CausalPaths().inside(None) == ()
