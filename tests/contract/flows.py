"""The programs of the contract as real CrewAI flows. Importing this module imports CrewAI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai import Flow  # noqa: E402 (after the settings)
from crewai.events.base_events import BaseEvent  # noqa: E402 (after the settings)
from crewai.events.event_bus import crewai_event_bus  # noqa: E402 (after the settings)
from crewai.events.types.flow_events import ConversationMessageAddedEvent  # noqa: E402 (after the settings)
from crewai.events.types.llm_events import (  # noqa: E402 (after the settings)
    LLMStreamChunkEvent,
    LLMThinkingChunkEvent,
)
from crewai.events.types.tool_usage_events import ToolUsageStartedEvent  # noqa: E402 (after the settings)
from crewai.experimental import (  # noqa: E402 (after the settings)
    ConversationConfig,
    ConversationState,
)
from crewai.flow.flow import start  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402 (after the settings)
from tests.contract.programs import BOOM, DONE, GATE, Async, Program, Sync, World  # noqa: E402 (as above)


def emit(flow: Flow[Any], event: BaseEvent) -> None:
    """Emit an event as CrewAI's own code does while the flow runs."""
    crewai_event_bus.emit(flow, event)


def say(flow: Flow[Any], chunk: str) -> None:
    """Emit one token."""
    emit(flow, LLMStreamChunkEvent(type="llm_stream_chunk", chunk=chunk, call_id="call-1"))


class QuietFlow(Flow[dict[str, Any]]):
    """A flow that opens no memory: otherwise each opens a LanceDB, and its import costs seconds."""

    _skip_auto_memory: bool = True


class FrameFlow(QuietFlow):
    """Emits a frame for every channel that has a projection."""

    @start()
    def run(self) -> object:
        """Emit them all."""
        say(self, "hello")
        emit(self, LLMThinkingChunkEvent(type="llm_thinking_chunk", chunk="thinking", call_id="call-1"))
        emit(
            self,
            ConversationMessageAddedEvent(
                type="conversation_message_added",
                flow_name="FrameFlow",
                session_id="session-1",
                role="assistant",
                content="hello",
                message_index=0,
            ),
        )
        emit(
            self,
            ToolUsageStartedEvent(type="tool_usage_started", tool_name="search", tool_args={"query": "crew"}),
        )
        return DONE


class WaitingFlow(QuietFlow):
    """Says a word, and ends when the gate is open."""

    @start()
    def run(self) -> str:
        """Wait where a thread may."""
        say(self, "hello")
        GATE.wait(timeout=30)
        return DONE


class AsyncWaitingFlow(QuietFlow):
    """Says a word, and ends if the gate is open, otherwise only when it is cancelled."""

    @start()
    async def run(self) -> str:
        """Wait where a task may."""
        say(self, "hello")
        if not GATE.is_set():
            await asyncio.Event().wait()
        return DONE


def chat(reply: str = "pong") -> Flow[Any]:
    """A conversational flow whose model knows one answer."""

    @ConversationConfig(llm=ScriptedLLM([Say(reply)]), defer_trace_finalization=True)
    class ChatFlow(Flow[ConversationState]):
        _skip_auto_memory: bool = True
        conversational = True

    return ChatFlow()


def program(make: Callable[[], Flow[Any]]) -> Program:
    """The program that runs a fresh flow each time."""
    return Program(
        stream=lambda: cast("Sync", make().stream_events()),
        astream=lambda: cast("Async", make().astream()),
    )


def returning(result: object) -> Program:
    """A flow with that result."""

    class ReturningFlow(QuietFlow):
        @start()
        def run(self) -> object:
            return result

    return program(ReturningFlow)


def raising(make: Callable[[], Exception]) -> Program:
    """A flow whose method raises what `make` returns, from the cause that it names."""

    class RaisingFlow(QuietFlow):
        @start()
        def run(self) -> object:
            raise make()

    return program(RaisingFlow)


WITH_CREWAI = World(
    works=program(FrameFlow),
    fails=raising(lambda: ValueError(BOOM)),
    waits=Program(
        stream=lambda: cast("Sync", WaitingFlow().stream_events()),
        astream=lambda: cast("Async", AsyncWaitingFlow().astream()),
    ),
    returning=returning,
    raising=raising,
)
