"""The demo flow: a real CrewAI run that is the same every time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai.types.streaming import StreamFrame  # noqa: E402 (after the settings)

from otelstream.demo.flow import DEMO_API_KEY, DemoFlow  # noqa: E402 (after the settings)

pytestmark = pytest.mark.crewai


def chat(chunks: int) -> list[str]:
    """The frames of one streamed model call."""
    return ["llm_call_started", *["llm_stream_chunk"] * chunks, "llm_call_completed"]


def task(tool_chunks: int, answer_chunks: int) -> list[str]:
    """The frames of one task: the agent calls its tool and then answers."""
    return [
        "task_started",
        "agent_execution_started",
        "flow_started",
        "agent_logs_started",
        *chat(tool_chunks),
        "tool_usage_started",
        "tool_usage_finished",
        *chat(answer_chunks),
        "agent_logs_execution",
        "flow_finished",
        "agent_execution_completed",
        "task_completed",
    ]


DEMO = [
    "flow_started",
    "method_execution_started",
    "crew_kickoff_started",
    *task(tool_chunks=4, answer_chunks=17),
    *task(tool_chunks=10, answer_chunks=18),
    "crew_kickoff_completed",
    "method_execution_finished",
    "method_execution_started",
    "method_execution_finished",
    "flow_finished",
]


def types_of(frames: list[StreamFrame]) -> list[str]:
    """The frame types, without the one that names the coding agent CrewAI thinks it runs under."""
    return [frame.type for frame in frames if not frame.type.endswith("_env")]


@pytest.fixture(scope="module")
def frames() -> list[StreamFrame]:
    """The frames of one run with the default topic."""
    return list(DemoFlow().stream_events())


def test_the_frames_come_in_this_order(frames: list[StreamFrame]) -> None:
    """Flow, method, crew, task, agent, and in each agent a tool call and an answer."""
    assert types_of(frames) == DEMO


def test_astream_yields_the_same_frames() -> None:
    """The asynchronous session runs the same flow."""

    async def run() -> tuple[list[StreamFrame], Any]:
        session = DemoFlow().astream()
        return [frame async for frame in session], session.result

    frames, result = asyncio.run(run())
    assert (types_of(frames), result) == (DEMO, "Published 18 words about OpenTelemetry.")


def test_the_result_is_the_same_at_every_run() -> None:
    """Nothing in the result comes from a clock or from chance."""
    sessions = [DemoFlow().stream_events(inputs={"topic": "DuckDB"}) for _ in range(2)]
    for session in sessions:
        list(session)

    assert [session.result for session in sessions] == ["Published 18 words about DuckDB."] * 2


def test_the_topic_reaches_the_tasks() -> None:
    """The flow's input is filled into the descriptions of the tasks."""
    frames = DemoFlow().stream_events(inputs={"topic": "DuckDB"})

    assert [frame.data["task"]["description"] for frame in frames if frame.type == "task_started"] == [
        "Find out what DuckDB is good for.",
        "Report in two sentences what was found about DuckDB.",
    ]


def test_the_report_builds_on_the_research(frames: list[StreamFrame]) -> None:
    """What the first task found is the context of the second."""
    first = next(frame for frame in frames if frame.type == "task_completed")
    *_, second = (frame for frame in frames if frame.type == "task_started")

    assert second.data["context"] == first.data["output"]["raw"]


def test_each_agent_runs_its_tool(frames: list[StreamFrame]) -> None:
    """The tools are real: their results come from the functions, not from the script."""
    finished = [frame.data for frame in frames if frame.type == "tool_usage_finished"]

    assert [(data["agent_role"], data["tool_name"], data["output"]) for data in finished] == [
        (
            "Researcher",
            "lookup_fact",
            "OpenTelemetry shows a run as a tree of spans, and every span but the root has one parent.",
        ),
        ("Writer", "count_words", "18"),
    ]


def test_the_frames_carry_the_fake_key(frames: list[StreamFrame]) -> None:
    """The running program sees the key in its frames, so that redaction has something to prove."""
    assert any(DEMO_API_KEY in frame.model_dump_json() for frame in frames)


def test_crewai_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Panels and prompts stay away: the terminal belongs to the demo."""
    list(DemoFlow().stream_events())

    assert capfd.readouterr() == ("", "")


def test_the_run_leaves_nothing_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CrewAI's files go elsewhere."""
    monkeypatch.chdir(tmp_path)
    list(DemoFlow().stream_events())

    assert list(tmp_path.iterdir()) == []
