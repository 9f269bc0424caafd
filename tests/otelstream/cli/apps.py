"""What `otelstream verify` may be pointed at: real flows of today, of yesterday, and things that are none.

Importing this module imports CrewAI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import otelstream
from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai import Flow  # noqa: E402 (after the settings)
from crewai.experimental import ConversationConfig, ConversationState  # noqa: E402 (after the settings)
from crewai.flow.flow import listen, start  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import Say, ScriptedLLM, Turn  # noqa: E402 (after the settings)

KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCD"
"""Obviously fake."""


def ask(*turns: Turn, wording: str = "", label: str = "tea", fails: bool = False) -> Any:  # noqa: ANN401
    """A flow that asks a model about its input, prints the answer, and labels it."""
    model = ScriptedLLM(turns, stream=True)

    class AskFlow(Flow[dict[str, Any]]):
        _skip_auto_memory: bool = True

        @start()
        def inquire(self) -> str:
            return str(model.call(f"What of {self.state['topic']}{wording}?"))

        @listen(inquire)
        def publish(self, answer: str) -> str:
            print(f"printed: {answer}")  # noqa: T201 (a flow may print)
            if fails:
                raise ValueError("no label")
            return f"{label}: {answer}"

    return AskFlow()


def yesterday() -> Any:  # noqa: ANN401
    """The flow that was recorded."""
    return ask(Say("It is green."))


def today() -> Any:  # noqa: ANN401
    """The same, of which the model knows no answer."""
    return ask()


def reworded() -> Any:  # noqa: ANN401
    """Asks something else."""
    return ask(Say("It is green."), wording=", please")


def relabelled() -> Any:  # noqa: ANN401
    """Makes something else of the answer."""
    return ask(label="Tea")


def failing() -> Any:  # noqa: ANN401
    """Fails after the answer."""
    return ask(fails=True)


def telling_a_secret() -> Any:  # noqa: ANN401
    """Fails with a key in its text."""

    class AskFlow(Flow[dict[str, Any]]):
        _skip_auto_memory: bool = True

        @start()
        def inquire(self) -> str:
            raise ValueError(f"no such key: {KEY}")

    return AskFlow()


def leaving() -> Any:  # noqa: ANN401
    """Ends the process as if all were well."""

    class AskFlow(Flow[dict[str, Any]]):
        _skip_auto_memory: bool = True

        @start()
        async def inquire(self) -> str:
            sys.exit(0)

    return AskFlow()


def leaving_at_once() -> Any:  # noqa: ANN401
    """Ends the process where a flow is to be made."""
    sys.exit(0)


def asking_a_person() -> Any:  # noqa: ANN401
    """Asks somebody before it asks the model."""

    class AskFlow(Flow[dict[str, Any]]):
        _skip_auto_memory: bool = True

        @start()
        def inquire(self) -> str:
            return str(self.ask("Shall I?"))

    return AskFlow()


class OtherFlow(Flow[dict[str, Any]]):
    """Another flow."""

    _skip_auto_memory: bool = True

    @start()
    def idle(self) -> str:
        """Do nothing."""
        return "done"


def observing() -> Any:  # noqa: ANN401
    """A flow that observes another one, and records it."""
    inner = ask(Say("It is green."))

    class ObservingFlow(Flow[dict[str, Any]]):
        _skip_auto_memory: bool = True

        @start()
        def inside(self) -> str:
            session = otelstream.observe(
                inner.stream_events(inputs={"topic": "tea"}), record=Path("inner.duckdb")
            )
            return "".join(frame.content for frame in session)

    return ObservingFlow()


def chatting(*turns: Turn) -> Any:  # noqa: ANN401
    """A conversational flow."""

    @ConversationConfig(llm=ScriptedLLM(turns), defer_trace_finalization=True)
    class ChatFlow(Flow[ConversationState]):
        _skip_auto_memory: bool = True
        conversational = True

    return ChatFlow()


def chat() -> Any:  # noqa: ANN401
    """The same, of which the model knows no answer."""
    return chatting()


model = ScriptedLLM((), model="small")
one_flow = OtherFlow()
