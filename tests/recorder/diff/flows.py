"""Flows whose parallel branches take a little longer or shorter each time. Importing this imports CrewAI."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai import Agent, Crew, Task  # noqa: E402 (after the settings)
from crewai.flow.flow import Flow, and_, listen, or_, start  # noqa: E402 (after the settings)
from pydantic import BaseModel  # noqa: E402 (after the settings)

from otelstream.demo.flow import lookup_fact  # noqa: E402 (after the settings)
from otelstream.demo.scripted_llm import CallTool, Say, ScriptedLLM  # noqa: E402 (after the settings)

_chance = random.Random(7)


def moment() -> float:
    """Up to two milliseconds."""
    return _chance.random() * 0.002


class Found(BaseModel):
    """What the methods of a flow have found."""

    a: str = ""
    b: str = ""
    c: str = ""
    all: str = ""


class Fan(Flow[Found]):
    """Three parallel methods that write the state, one listener to all and one to the first of two."""

    _skip_auto_memory: bool = True

    @start()
    def first(self) -> str:
        """Ask in a thread."""
        time.sleep(moment())
        self.state.a = str(ScriptedLLM([Say("one two three")], stream=True).call("ask"))
        return "a is there"

    @start()
    def second(self) -> str:
        """Ask in another thread."""
        time.sleep(moment())
        self.state.b = str(ScriptedLLM([Say("uno due tre")], stream=True).call("ask"))
        return "b is there"

    @start()
    async def third(self) -> str:
        """Ask in the event loop."""
        await asyncio.sleep(moment())
        self.state.c = str(await ScriptedLLM([Say("eins zwei drei")], stream=True).acall("ask"))
        return "c is there"

    @listen(and_(first, second, third))
    def join(self) -> str:
        """Say what all have found."""
        self.state.all = f"{self.state.a}, {self.state.b}, {self.state.c}"
        return "all are there"

    @listen(or_(first, second))
    def whoever(self) -> str:
        """Go on when one is there."""
        return "one is there"


def crew_of(*tasks: str, delay: float = 0.0) -> Crew:
    """A crew whose agents use a tool and answer; all tasks but the last run beside each other."""

    def agent(number: int) -> Agent:
        use = CallTool("lookup_fact", {"topic": f"topic {number}"})
        model = ScriptedLLM([use, Say(f"answer {number}")], stream=True, delay=delay)
        return Agent(role=f"Agent {number}", goal="g", backstory="b", tools=[lookup_fact], llm=model)

    made = [
        Task(
            name=name,
            description=f"Do {name} with {{n}}.",
            expected_output="An answer.",
            agent=agent(number),
            async_execution=number < len(tasks) - 1,
        )
        for number, name in enumerate(tasks)
    ]
    return Crew(name="crew", agents=[task.agent for task in made if task.agent is not None], tasks=made)


class Crews(Flow[dict[str, Any]]):
    """Three parallel crews of one name, two of them with the same input."""

    _skip_auto_memory: bool = True

    @start()
    async def run(self) -> list[str]:
        """Start them at once."""
        crews = [(crew_of("task", delay=moment()), number) for number in (1, 2, 2)]
        outputs = await asyncio.gather(*[crew.kickoff_async(inputs={"n": number}) for crew, number in crews])
        return [str(output) for output in outputs]


class Tasks(Flow[dict[str, Any]]):
    """A crew whose first two tasks run in threads beside each other."""

    _skip_auto_memory: bool = True

    @start()
    def run(self) -> str:
        """Run the crew."""
        return str(crew_of("left", "right", "report", delay=moment()).kickoff(inputs={"n": 1}))
