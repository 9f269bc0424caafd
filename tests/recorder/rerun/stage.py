"""How a scenario is put on: recorded with models that know their answers, re-executed with others.

Importing this module imports CrewAI.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import otelstream
from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai import Agent, Flow  # noqa: E402 (after the settings)
from crewai.llms.base_llm import BaseLLM  # noqa: E402 (after the settings)
from crewai.tools import BaseTool, tool  # noqa: E402 (after the settings)
from pydantic import BaseModel  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import ScriptedLLM, Turn  # noqa: E402 (after the settings)
from otelstream.frame import FrameLike  # noqa: E402 (after the settings)

S = TypeVar("S")


KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCD"
"""Obviously fake."""


class Tea(BaseModel):
    """What a structured answer holds."""

    name: str
    grams: int


class QuietFlow(Flow[dict[str, Any]]):
    """A flow that opens no memory: otherwise each opens a LanceDB, and its import costs seconds."""

    _skip_auto_memory: bool = True


class TextLLM(ScriptedLLM):
    """A model that can call no functions, so that its agent reads the calls from its text."""

    def supports_function_calling(self) -> bool:
        """Make CrewAI's agents describe their tools in the prompt."""
        return False


@dataclass
class Stage:
    """What differs between one performance of a scenario and another.

    Attributes:
        scripted: Whether the models know their answers; one that does not raises at its first call.
        wording: Put behind what the program asks its models: a changed prompt.
        ran: The names of the tools whose bodies ran.
    """

    scripted: bool = True
    wording: str = ""
    ran: list[str] = field(default_factory=list)

    def model(self, *turns: Turn, kind: type[ScriptedLLM] = ScriptedLLM, **settings: Any) -> ScriptedLLM:  # noqa: ANN401 (fields of BaseLLM)
        """A model with these answers, or with none."""
        return kind(turns if self.scripted else (), **settings)

    def agent(self, model: BaseLLM, **settings: Any) -> Agent:  # noqa: ANN401 (fields of Agent)
        """An agent with that model."""
        described = {
            "role": "Cook",
            "goal": f"Say what is so{self.wording}",
            "backstory": "Has cooked for long.",
        }
        return Agent(**{**described, **settings}, llm=model)

    def lookup(self) -> BaseTool:
        """A tool that answers with a text."""

        @tool("lookup")
        def lookup(topic: str) -> str:
            """Look something up."""
            self.ran.append("lookup")
            return f"{topic} is green"

        return lookup

    def weigh(self) -> BaseTool:
        """A tool that answers with a number."""

        @tool("weigh")
        def weigh(topic: str) -> int:
            """Weigh something."""
            self.ran.append("weigh")
            return len(topic)

        return weigh

    def burn(self) -> BaseTool:
        """A tool that fails."""

        @tool("burn")
        def burn(topic: str) -> str:
            """Burn something."""
            self.ran.append("burn")
            raise RuntimeError(f"{topic} does not burn")

        return burn


@dataclass(frozen=True)
class Performed:
    """What came of a session: its frames, and its result or its exception."""

    frames: list[FrameLike]
    result: object = None
    error: Exception | None = None


Scenario: TypeAlias = Callable[[Stage], Any]
"""Starts a session on a stage; a coroutine function if that needs an event loop."""


def perform(scenario: Scenario, stage: Stage, record: Path | None = None) -> Performed:
    """Run a scenario to its end, whatever that is; record it if a path is given."""

    def observed(session: S) -> S:
        return session if record is None else otelstream.observe(session, record=record)

    async def run() -> Performed:
        frames: list[FrameLike] = []
        session = observed(await scenario(stage))
        try:
            async for frame in session:
                frames.append(frame)  # noqa: PERF401 (what came before an exception shall be kept)
        except Exception as error:  # noqa: BLE001 (the scenario's own)
            return Performed(frames, error=error)
        return Performed(frames, session.result)

    if inspect.iscoroutinefunction(scenario):
        return asyncio.run(run())
    return consume(observed(scenario(stage)))


def consume(session: Any) -> Performed:  # noqa: ANN401 (of CrewAI's)
    """Take all of a synchronous session."""
    frames: list[FrameLike] = []
    try:
        for frame in session:
            frames.append(frame)  # noqa: PERF402 (what came before an exception shall be kept)
    except Exception as error:  # noqa: BLE001 (the scenario's own)
        return Performed(frames, error=error)
    return Performed(frames, session.result)
