"""Flows and calls to re-execute: objects, branches, failures, secrets, thoughts, and a real provider.

Importing this module imports CrewAI.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
from crewai import LLM, Crew, Flow, Task
from crewai.experimental import ConversationConfig, ConversationState
from crewai.flow.flow import and_, listen, or_, router, start
from openai import OpenAI

from otelstream.demo.scripted_llm import CallTool, Fail, Say, Think
from tests.recorder.rerun.stage import KEY, QuietFlow, Stage, Tea


def structured_call(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A direct call that asks for an object, from within a flow."""
    model = stage.model(Say('{"name": "Sencha", "grams": 3}'))

    class AskFlow(QuietFlow):
        @start()
        def inquire(self) -> object:
            tea = model.call(f"Which tea?{stage.wording}", response_model=Tea)
            assert isinstance(tea, Tea)
            return tea.grams

    return AskFlow().stream_events()


async def asynchronous(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """An asynchronous flow: a streamed call, then a crew with a tool."""
    model = stage.model(Say("Which one?"), stream=True)
    cook = stage.agent(
        stage.model(CallTool("lookup", {"topic": "tea"}), Say("Tea is green.")), tools=[stage.lookup()]
    )
    task = Task(description="Say what tea is.", expected_output="A sentence.", agent=cook)

    class AsyncFlow(QuietFlow):
        @start()
        async def inquire(self) -> object:
            return await model.acall([{"role": "user", "content": f"Which tea?{stage.wording}"}])

        @listen(inquire)
        async def cook(self, question: str) -> str:
            crew = Crew(name="async", agents=[cook], tasks=[task])
            return f"{question} {await crew.kickoff_async()}"

    return AsyncFlow().astream()


def parallel(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """Branches side by side that ask the same, each answered differently; joined, then routed."""
    model = stage.model(Say("one"), Say("two"), Say("three"), stream=True)
    question = f"Which tea?{stage.wording}"

    class ParallelFlow(QuietFlow):
        @start()
        def left(self) -> object:
            return model.call(question)

        @start()
        def right(self) -> object:
            return model.call(question)

        @start()
        async def middle(self) -> object:
            return await model.acall(question)

        @listen(and_(left, right, middle))
        def join(self) -> str:
            return "joined"

        @router(join)
        def decide(self) -> str:
            return "brew"

        @listen(or_("brew", "leave"))
        def pour(self) -> str:
            return "poured"

    return ParallelFlow().stream_events()


def caught_failure(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A call that fails after some words, which the flow survives by asking again."""
    model = stage.model(Fail(RuntimeError("the kettle is cold"), said="Well, "), Say("Green."), stream=True)

    class PatientFlow(QuietFlow):
        @start()
        def inquire(self) -> str:
            try:
                return str(model.call(f"Which tea?{stage.wording}"))
            except RuntimeError as error:
                return f"{model.call('Which tea, then?')} ({error})"

    return PatientFlow().stream_events()


def raising(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A flow that fails by itself after a call."""
    model = stage.model(Say("None."))

    class RaisingFlow(QuietFlow):
        @start()
        def inquire(self) -> str:
            raise ValueError(f"no tea: {model.call(f'Which tea?{stage.wording}')}")

    return RaisingFlow().stream_events()


def secret(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A prompt and an answer with a key in them, which is masked in the recording."""
    model = stage.model(Say(f"I keep {KEY} to myself."), Say("Done."), stream=True)

    class SecretFlow(QuietFlow):
        @start()
        def inquire(self) -> object:
            model.call(f"My key is {KEY}{stage.wording}")
            return model.call("Done?")

    return SecretFlow().stream_events()


def thinking(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A direct call, streamed, of a model that thinks first."""
    return stage.model(Think("Leaves are green.", "Green tea.")).stream_events(f"Which tea?{stage.wording}")


def provider(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """CrewAI's own OpenAI provider, asked for an object, before a server that may be gone."""

    def answer(request: httpx.Request) -> httpx.Response:
        if not stage.scripted:
            raise AssertionError("the server was asked")
        said = {"role": "assistant", "content": '{"name": "Sencha", "grams": 3}', "refusal": None}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        reply = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": json.loads(request.content)["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": said}],
            "usage": usage,
        }
        return httpx.Response(200, json=reply)

    model: Any = LLM(model="openai/gpt-4o-mini", api_key=KEY, response_format=Tea)
    transport = httpx.MockTransport(answer)
    model._client = OpenAI(api_key=KEY, http_client=httpx.Client(transport=transport), max_retries=0)

    class ProviderFlow(QuietFlow):
        @start()
        def inquire(self) -> str:
            return repr(model.call(f"Which tea?{stage.wording}"))

    return ProviderFlow().stream_events()


def chat(stage: Stage) -> Any:  # noqa: ANN401 (a conversational flow of CrewAI's)
    """A conversation of two turns, whose second prompt holds the first answer."""
    model = stage.model(Say("Green."), Say("Three grams."))

    @ConversationConfig(llm=model, system_prompt=f"Talk of tea{stage.wording}", defer_trace_finalization=True)
    class ChatFlow(Flow[ConversationState]):
        _skip_auto_memory: bool = True
        conversational = True

    return ChatFlow()
