"""Every way in which CrewAI gives a session, live, observed and replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

import otelstream
import recorder
from tests.contract.conftest import Kind
from tests.contract.programs import DONE, TYPES, Async, Program, Sync, aconsume, consume, types_of

if TYPE_CHECKING:
    from crewai.llms.base_llm import BaseLLM

pytestmark = pytest.mark.crewai

S = TypeVar("S")

TURN = [
    "conversation_turn_started",
    "flow_started",
    "conversation_message_added",
    "method_execution_started",
    "conversation_route_selected",
    "method_execution_finished",
    "method_execution_started",
    "llm_call_started",
    "llm_stream_chunk",
    "llm_stream_chunk",
    "llm_call_completed",
    "conversation_message_added",
    "method_execution_finished",
    "conversation_turn_completed",
]
"""One turn of a conversation whose model answers with two words."""


def no_session() -> Any:  # noqa: ANN401  of whatever type is asked for
    """Stand in for the kind of session that an entry point does not have."""
    raise NotImplementedError


def streaming(program: Callable[[], Sync]) -> Program:
    """A program that has no asynchronous twin."""
    return Program(stream=program, astream=no_session)


def scripted() -> BaseLLM:
    """A model that does not stream, and knows one answer."""
    from otelstream.demo.scripted_llm import Say, ScriptedLLM

    return ScriptedLLM([Say("Hello there")], stream=False)


def kickoff() -> Sync:
    """What `kickoff` of a flow with `stream=True` returns."""
    from tests.contract.flows import FrameFlow

    flow = FrameFlow()
    flow.stream = True
    return cast("Sync", flow.kickoff())


async def kickoff_async() -> Async:
    """What `kickoff_async` of a flow with `stream=True` returns."""
    from tests.contract.flows import FrameFlow

    flow = FrameFlow()
    flow.stream = True
    return cast("Async", await flow.kickoff_async())


def turn() -> Sync:
    """One turn of a conversation."""
    from tests.contract.flows import chat

    return cast("Sync", chat("pong again").stream_turn("ping", session_id="session-1"))


def call() -> Sync:
    """One direct call of a model."""
    return cast("Sync", scripted().stream_events("Hi"))


def pending_turn() -> Sync:
    """One turn of a conversation in which a method waits for a person."""
    from crewai.flow.async_feedback import HumanFeedbackPending, PendingFeedbackContext

    from tests.contract.flows import chat

    flow = chat()
    context = PendingFeedbackContext(
        flow_id="session-1",
        flow_class="tests.ReviewFlow",
        method_name="review",
        method_output="draft",
        message="Please review",
    )

    def kickoff(*_: object, **__: object) -> None:
        raise HumanFeedbackPending(context)

    object.__setattr__(flow, "kickoff", kickoff)
    return cast("Sync", flow.stream_turn("review this", session_id="session-1"))


PROGRAMS = {each.__name__: streaming(each) for each in (kickoff, turn, call, pending_turn)}

each_live_stage = pytest.mark.parametrize("stage", ["live", "observed"])


def at(stage: str, session: S) -> S:
    """The session itself, or as it is observed."""
    return otelstream.observe(session) if stage == "observed" else session


def test_kickoff_with_stream_gives_the_frames(crewai_kind: Kind) -> None:
    """`kickoff` of a streaming flow yields every frame and has the result."""
    session = crewai_kind.stream(PROGRAMS["kickoff"])

    assert (types_of(session), session.result) == (TYPES, DONE)


@pytest.mark.parametrize("stage", ["live", "observed", "replayed"])
def test_kickoff_async_with_stream_gives_the_frames(stage: str, tmp_path: Path) -> None:
    """`kickoff_async` of a streaming flow yields every frame and has the result."""
    path = tmp_path / "run.duckdb"

    async def run(stage: str) -> tuple[list[str], object]:
        if stage == "replayed":
            session = recorder.areplay(path)
        else:
            session = await kickoff_async()
        if stage == "observed":
            session = otelstream.observe(session, record=path)
        return types_of(await aconsume(session)), session.result

    if stage == "replayed":
        asyncio.run(run("observed"))
    assert asyncio.run(run(stage)) == (TYPES, DONE)


def test_a_direct_call_gives_its_tokens(crewai_kind: Kind) -> None:
    """`stream_events` of a model yields the call with its tokens, and the whole answer."""
    session = crewai_kind.stream(PROGRAMS["call"])
    contents = [(frame.type, frame.content) for frame in session]

    assert (contents, session.result) == (
        [
            ("llm_call_started", ""),
            ("llm_stream_chunk", "Hello "),
            ("llm_stream_chunk", "there"),
            ("llm_call_completed", ""),
        ],
        "Hello there",
    )


@each_live_stage
def test_a_direct_call_restores_the_stream_flag(stage: str) -> None:
    """The model streams during the call only."""
    llm = scripted()
    consume(at(stage, cast("Sync", llm.stream_events("Hi"))))

    assert llm.stream is False


def test_a_turn_gives_its_frames(crewai_kind: Kind) -> None:
    """`stream_turn` yields the whole turn, with tokens, and the answer."""
    session = crewai_kind.stream(PROGRAMS["turn"])

    assert (types_of(session), session.result) == (TURN, "pong again")


def test_the_messages_of_a_turn(crewai_kind: Kind) -> None:
    """The projection of a turn's messages is its transcript."""
    session = crewai_kind.stream(PROGRAMS["turn"])

    assert [(frame.data["role"], frame.data["content"]) for frame in session.messages] == [
        ("user", "ping"),
        ("assistant", "pong again"),
    ]


@each_live_stage
def test_a_flow_restores_its_stream_flag(stage: str) -> None:
    """A flow with `stream=True` has it again after a turn."""
    from tests.contract.flows import chat

    flow = chat()
    flow.stream = True
    consume(at(stage, cast("Sync", flow.stream_turn("ping"))))

    assert flow.stream is True


def test_a_turn_that_waits_for_a_person_is_no_failure(crewai_kind: Kind) -> None:
    """A turn that needs feedback ends without a frame for it, and its result says what it waits for."""
    session = crewai_kind.stream(PROGRAMS["pending_turn"])

    assert (types_of(session), repr(session.result)) == (
        ["conversation_turn_started"],
        "HumanFeedbackPending(\"Human feedback pending for flow 'session-1' at method 'review'\")",
    )


@each_live_stage
def test_concurrent_runs_keep_to_themselves(stage: str) -> None:
    """Two runs in one event loop each give their own tokens and their own result."""
    from crewai.flow.flow import start

    from tests.contract.flows import QuietFlow, say

    class LabelFlow(QuietFlow):
        @start()
        async def run(self) -> str:
            label = str(self.state["label"])
            await asyncio.sleep(0)
            say(self, label)
            return label

    async def collect(label: str) -> tuple[str, list[str]]:
        session = at(stage, cast("Async", LabelFlow().astream(inputs={"label": label})))
        tokens = [frame.content async for frame in session.llm]
        return session.result, tokens

    async def both() -> list[tuple[str, list[str]]]:
        return list(await asyncio.gather(collect("one"), collect("other")))

    assert asyncio.run(both()) == [("one", ["one"]), ("other", ["other"])]


@each_live_stage
def test_closing_cancels_the_run(stage: str) -> None:
    """After `aclose` the flow's task is gone from the event loop."""
    from tests.contract.flows import AsyncWaitingFlow

    async def tasks_left() -> int:
        session = at(stage, cast("Async", AsyncWaitingFlow().astream()))
        frames = session.events
        await frames.__anext__()
        await session.aclose()
        return len(asyncio.all_tasks() - {asyncio.current_task()})

    assert asyncio.run(tasks_left()) == 0


@each_live_stage
def test_a_cancelled_consumer_cancels_the_run(stage: str) -> None:
    """Cancelling the task that iterates ends the flow, and the program sees its own cancellation."""
    from tests.contract.flows import AsyncWaitingFlow

    async def run() -> int:
        session = at(stage, cast("Async", AsyncWaitingFlow().astream()))
        task = asyncio.create_task(aconsume(session))
        while not session.frames:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks() - {asyncio.current_task()})

    assert asyncio.run(run()) == 0
