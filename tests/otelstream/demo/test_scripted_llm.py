"""The scripted model speaks as CrewAI's own OpenAI provider does."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai.events.stream_context import add_stream_sink  # noqa: E402 (after the settings)
from crewai.types.streaming import StreamFrame  # noqa: E402 (after the settings)
from crewai.utilities.streaming import stream_frame_from_event  # noqa: E402 (after the settings)
from pydantic import BaseModel  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import (  # noqa: E402 (after the settings)
    CallTool,
    Fail,
    Say,
    ScriptedLLM,
    ScriptExhaustedError,
    Think,
)

pytestmark = pytest.mark.crewai

STARTED, CHUNK, COMPLETED, FAILED = (
    "llm_call_started",
    "llm_stream_chunk",
    "llm_call_completed",
    "llm_call_failed",
)


def frames_during(act: Callable[[], object]) -> list[StreamFrame]:
    """Return the frames of whatever runs, streamed or not, as a session would yield them."""
    frames: list[StreamFrame] = []

    def run() -> None:
        add_stream_sink(lambda _source, event: frames.append(stream_frame_from_event(event)))
        act()

    contextvars.copy_context().run(run)
    return frames


def described(frame: StreamFrame) -> tuple[str, dict[str, Any]]:
    """A frame without the ids that CrewAI draws anew for each call."""
    drawn = {"call_id", "started_event_id"}
    return frame.type, {key: value for key, value in frame.data.items() if key not in drawn}


def test_call_returns_the_text() -> None:
    """A direct call answers with the next turn."""
    assert ScriptedLLM([Say("Hello there")]).call("Hi") == "Hello there"


def test_calls_take_one_turn_after_the_other() -> None:
    """Turns come in the order of the script."""
    llm = ScriptedLLM([Say("first"), Say("second")])

    assert [llm.call("Hi"), llm.call("Hi")] == ["first", "second"]


def test_acall_returns_the_text() -> None:
    """The asynchronous call answers as the synchronous one does."""
    assert asyncio.run(ScriptedLLM([Say("Hello there")], stream=True).acall("Hi")) == "Hello there"


def test_stream_events_streams_a_model_that_would_not_stream() -> None:
    """`stream_events` turns streaming on for its call, as with every provider."""
    session = ScriptedLLM([Say("Hello there")]).stream_events("Hi")

    assert [(frame.type, frame.data.get("chunk")) for frame in session] == [
        (STARTED, None),
        (CHUNK, "Hello "),
        (CHUNK, "there"),
        (COMPLETED, None),
    ]
    assert session.result == "Hello there"


def test_thoughts_are_frames_of_their_own() -> None:
    """A thinking model streams its thoughts before its answer, which they are no part of."""
    session = ScriptedLLM([Think("A greeting", "Hello")]).stream_events("Hi")

    assert [(frame.type, frame.data.get("chunk")) for frame in session][1:-1] == [
        ("llm_thinking_chunk", "A "),
        ("llm_thinking_chunk", "greeting"),
        (CHUNK, "Hello"),
    ]
    assert session.result == "Hello"


def test_call_and_acall_emit_the_same_frames() -> None:
    """Which of the two a program uses does not show in its frames."""
    turn = CallTool("add", {"left": 1, "right": 2})
    plain = frames_during(lambda: ScriptedLLM([turn], stream=True).call("Hi"))
    awaited = frames_during(lambda: asyncio.run(ScriptedLLM([turn], stream=True).acall("Hi")))

    assert [described(frame) for frame in plain] == [described(frame) for frame in awaited]


def test_a_model_that_does_not_stream_emits_no_chunk() -> None:
    """Chunks belong to streaming calls alone."""
    frames = frames_during(lambda: ScriptedLLM([Say("Hello there")]).call("Hi"))

    assert [frame.type for frame in frames] == [STARTED, COMPLETED]


def test_the_completed_frame_tells_usage_reason_and_id() -> None:
    """The end of a call carries what a provider reports about it."""
    *_, completed = frames_during(lambda: ScriptedLLM([Say("12345678")]).call("1234"))

    assert {key: completed.data[key] for key in ("response", "call_type", "usage", "finish_reason")} == {
        "response": "12345678",
        "call_type": "llm_call",
        "usage": {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "total_tokens": 3,
            "cached_prompt_tokens": 0,
            "reasoning_tokens": 0,
        },
        "finish_reason": "stop",
    }


def test_chunks_and_completion_share_the_response_id() -> None:
    """A stream can be joined to its end by the response id."""
    _, *answered = frames_during(lambda: ScriptedLLM([Say("Hello there")], stream=True).call("Hi"))

    assert len({frame.data["response_id"] for frame in answered}) == 1


def test_the_model_counts_its_tokens() -> None:
    """CrewAI's own summary sees the tokens of every call."""
    llm = ScriptedLLM([Say("12345678"), Say("1234")])
    llm.call("1234")
    llm.call("1234")

    summary = llm.get_token_usage_summary()
    assert (summary.prompt_tokens, summary.completion_tokens, summary.successful_requests) == (2, 3, 2)


def test_tool_calls_are_returned_to_the_caller() -> None:
    """Without functions to run, the caller gets the calls, as an agent's executor expects them."""
    calls: Any = ScriptedLLM([(CallTool("add", {"left": 1}), CallTool("stop", {}))]).call("Hi")

    assert [call["function"] for call in calls] == [
        {"name": "add", "arguments": '{"left": 1}'},
        {"name": "stop", "arguments": "{}"},
    ]


def test_a_tool_is_run_within_the_call_if_its_function_is_given() -> None:
    """With `available_functions` the tool's result is the answer, and its frames lie inside the call's."""
    llm = ScriptedLLM([CallTool("double", {"number": 21})])
    frames = frames_during(lambda: llm.call("Hi", available_functions={"double": lambda number: 2 * number}))

    assert [frame.type for frame in frames] == [
        STARTED,
        "tool_usage_started",
        "tool_usage_finished",
        COMPLETED,
    ]


def test_a_failing_turn_raises_its_exception() -> None:
    """The caller sees the very exception of the script."""
    error = ConnectionError("the line is dead")

    with pytest.raises(ConnectionError) as caught:
        ScriptedLLM([Fail(error)]).call("Hi")

    assert caught.value is error


def test_a_failing_turn_ends_the_call_with_a_failed_frame() -> None:
    """What was said until then is streamed, and the failure closes the call once."""
    llm = ScriptedLLM([Fail(ConnectionError("dead"), said="But ")], stream=True)

    def call_in_vain() -> None:
        with pytest.raises(ConnectionError):
            llm.call("Hi")

    frames = frames_during(call_in_vain)
    assert [frame.type for frame in frames] == [STARTED, CHUNK, FAILED]
    assert frames[-1].data["error"] == "Scripted call failed: dead"


def test_a_call_too_many_says_how_many_turns_there_were() -> None:
    """A script that is too short is a clear error, not an empty answer."""
    llm = ScriptedLLM([Say("only")], model="small")
    llm.call("Hi")

    with pytest.raises(ScriptExhaustedError, match=r"The script of 'small' has 1 turn\(s\)"):
        llm.call("Hi")


def test_an_answer_can_be_a_model() -> None:
    """With `response_model` the text is read as that model, as a provider's structured output."""

    class Sum(BaseModel):
        total: int

    assert ScriptedLLM([Say('{"total": 3}')]).call("Hi", response_model=Sum) == Sum(total=3)
