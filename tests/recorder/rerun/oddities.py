"""Programs to re-execute that go other ways than most: hooks, caches, coroutines, flows in flows, threads.

Importing this module imports CrewAI.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crewai import Crew, Task
from crewai.flow.flow import listen, start
from crewai.hooks import (
    LLMCallHookContext,
    register_after_llm_call_hook,
    register_before_llm_call_hook,
    unregister_after_llm_call_hook,
    unregister_before_llm_call_hook,
)
from crewai.tools import tool

from otelstream.demo.scripted_llm import CallTool, Say
from tests.recorder.rerun.crews import kickoff
from tests.recorder.rerun.stage import QuietFlow, Stage


@contextmanager
def llm_hooks(wording: str) -> Iterator[None]:
    """Let every prompt have a word more, and every answer, too."""

    def before(context: LLMCallHookContext) -> None:
        last = context.messages[-1]
        last["content"] = f"{last['content']} Be brief{wording}."

    def after(context: LLMCallHookContext) -> str:
        return f"{context.response} Indeed."

    register_before_llm_call_hook(before)
    register_after_llm_call_hook(after)
    try:
        yield
    finally:
        unregister_before_llm_call_hook(before)
        unregister_after_llm_call_hook(after)


def hooked(stage: Stage) -> Any:  # noqa: ANN401 (a session of CrewAI's)
    """Hooks that change prompts and answers, of a direct call and of an agent's."""
    model = stage.model(Say("Green."))
    cook = stage.agent(stage.model(Say("Tea is green.")))
    task = Task(description="Say what tea is.", expected_output="A sentence.", agent=cook)

    class HookedFlow(QuietFlow):
        @start()
        def inquire(self) -> str:
            with llm_hooks(stage.wording):
                said = model.call([{"role": "user", "content": "Which tea?"}])
                return f"{said} {Crew(name='hooked', agents=[cook], tasks=[task]).kickoff()}"

    return HookedFlow().stream_events()


def repeated_tool(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool that is asked the same twice, the second time answered by CrewAI's cache."""
    model = stage.model(
        CallTool("lookup", {"topic": "tea"}),
        CallTool("lookup", {"topic": "tea"}),
        Say("Tea is green, and green again."),
    )
    cook = stage.agent(model, tools=[stage.lookup()], cache=True)
    task = Task(description="Say what tea is.", expected_output="A sentence.", agent=cook)
    return kickoff(Crew(name="repeated", agents=[cook], tasks=[task], cache=True))


async def async_tool(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool whose body is a coroutine, in an asynchronous crew."""

    @tool("brew")
    async def brew(topic: str) -> str:
        """Brew something."""
        stage.ran.append("brew")
        return f"{topic} is brewed"

    cook = stage.agent(stage.model(CallTool("brew", {"topic": "tea"}), Say("Tea is ready.")), tools=[brew])
    task = Task(description="Brew tea.", expected_output="A sentence.", agent=cook)

    class BrewFlow(QuietFlow):
        @start()
        async def cook(self) -> str:
            return str(await Crew(name="brew", agents=[cook], tasks=[task]).akickoff())

    return BrewFlow().astream()


def nested(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A flow that runs another one, and asks the same in both."""
    model = stage.model(Say("Green."), Say("Black."))
    question = f"Which tea?{stage.wording}"

    class InnerFlow(QuietFlow):
        @start()
        def inquire(self) -> object:
            return model.call(question)

    class OuterFlow(QuietFlow):
        @start()
        def inside(self) -> object:
            return InnerFlow().kickoff()

        @listen(inside)
        def outside(self, said: object) -> str:
            return f"{said} {model.call(question)}"

    return OuterFlow().stream_events()


def lone_agent(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """An agent without a crew."""
    cook = stage.agent(
        stage.model(CallTool("lookup", {"topic": "tea"}), Say("Tea is green.")), tools=[stage.lookup()]
    )

    class AgentFlow(QuietFlow):
        @start()
        def cook(self) -> str:
            return str(cook.kickoff("What is tea?"))

    return AgentFlow().stream_events()


def own_function(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A function that the model's own class runs, inside of the call."""

    def weigh(topic: str) -> str:
        stage.ran.append("weigh")
        return f"{topic} weighs three"

    model = stage.model(CallTool("weigh", {"topic": "tea"}))
    schema: Any = {"type": "function", "function": {"name": "weigh", "parameters": {"type": "object"}}}

    class FunctionFlow(QuietFlow):
        @start()
        def inquire(self) -> object:
            return model.call(
                f"How heavy?{stage.wording}", tools=[schema], available_functions={"weigh": weigh}
            )

    return FunctionFlow().stream_events()


def own_threads(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """Threads of the program's own, in copies of its context, that ask different things."""
    answers = {"Green?": "Yes.", "Black?": "No."}
    models = {question: stage.model(Say(answer)) for question, answer in answers.items()}
    said: dict[str, object] = {}

    class ThreadFlow(QuietFlow):
        @start()
        def inquire(self) -> list[object]:
            threads = []
            for question, model in models.items():

                def ask(question: str = question, model: Any = model) -> None:  # noqa: ANN401 (a model)
                    said[question] = model.call(question + stage.wording)

                threads.append(threading.Thread(target=contextvars.copy_context().run, args=(ask,)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return [said[question] for question in answers]

    return ThreadFlow().stream_events()


def asking_tool(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool that asks a model by itself."""
    inner = stage.model(Say("Green, in short."), model="scripted-inner")

    @tool("brief")
    def brief(topic: str) -> str:
        """Say it in short."""
        stage.ran.append("brief")
        return str(inner.call(f"In short: {topic}{stage.wording}"))

    cook = stage.agent(stage.model(CallTool("brief", {"topic": "tea"}), Say("Green.")), tools=[brief])
    task = Task(description="Say what tea is.", expected_output="A word.", agent=cook)
    return kickoff(Crew(name="brief", agents=[cook], tasks=[task]))
