"""Real CrewAI flows that do several things at once: one trace a session, each span under its own branch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai import Agent, Crew, Task  # noqa: E402  after the settings
from crewai.flow.flow import Flow, and_, listen, start  # noqa: E402  after the settings

import otelstream  # noqa: E402  after the settings
from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402  after the settings
from tests.e2e.received import ReceivedSpan, root_of, spans_of  # noqa: E402  after the settings
from tests.e2e.receiver import HttpReceiver, variables  # noqa: E402  after the settings

pytestmark = pytest.mark.crewai

WORDS = "one word after the other"


def model(name: str) -> ScriptedLLM:
    """Return a model that takes some milliseconds for its answers."""
    return ScriptedLLM([Say(WORDS)] * 3, model=name, delay=0.002, stream=True)


class QuietFlow(Flow[dict[str, Any]]):
    """A flow that opens no memory: otherwise each opens a LanceDB, and its import costs seconds."""

    _skip_auto_memory: bool = True


def branching() -> QuietFlow:
    """Return a flow whose two methods each call a model of their own at the same time."""
    together = threading.Barrier(2)

    class Branching(QuietFlow):
        @start()
        def left(self) -> str:
            together.wait(30)
            return str(model("left-model").call("go"))

        @start()
        def right(self) -> str:
            together.wait(30)
            return str(model("right-model").call("go"))

        @listen(and_(left, right))
        def join(self) -> str:
            return str(model("join-model").call("go"))

    return Branching()


BRANCHING = """
invoke_workflow Branching
  method join
    chat join-model
  method left
    chat left-model
  method right
    chat right-model
"""


def asynchronous() -> QuietFlow:
    """Return a flow whose two coroutines call models at the same time, on one event loop."""

    class Asynchronous(QuietFlow):
        @start()
        async def left(self) -> str:
            return str(await model("left-model").acall("go"))

        @start()
        async def right(self) -> str:
            both = await asyncio.gather(model("first-model").acall("go"), model("second-model").acall("go"))
            return " ".join(map(str, both))

    return Asynchronous()


ASYNCHRONOUS = """
invoke_workflow Asynchronous
  method left
    chat left-model
  method right
    chat first-model
    chat second-model
"""


def nested() -> QuietFlow:
    """Return a flow whose parallel methods each run another flow."""
    together = threading.Barrier(2)

    class Inner(QuietFlow):
        word: str = ""

        @start()
        def work(self) -> str:
            together.wait(30)
            return str(model(f"{self.state['name']}-model").call("go"))

    class Outer(QuietFlow):
        @start()
        def left(self) -> str:
            return str(Inner().kickoff(inputs={"name": "left"}))

        @start()
        def right(self) -> str:
            return str(Inner().kickoff(inputs={"name": "right"}))

    return Outer()


NESTED = """
invoke_workflow Outer
  method left
    invoke_workflow Inner
      method work
        chat left-model
  method right
    invoke_workflow Inner
      method work
        chat right-model
"""


def with_async_tasks() -> QuietFlow:
    """Return a flow with a crew whose first two tasks run at the same time."""

    class Tasks(QuietFlow):
        @start()
        def run(self) -> str:
            agents = [
                Agent(role=name, goal="be quick", backstory="a test", llm=model(f"{name}-model"))
                for name in ("One", "Two", "Three")
            ]
            tasks = [
                Task(
                    name=f"task {agent.role}",
                    description="say it",
                    expected_output="words",
                    agent=agent,
                    async_execution=agent.role != "Three",
                )
                for agent in agents
            ]
            return str(Crew(name="trio", agents=[*agents], tasks=tasks).kickoff())

    return Tasks()


ASYNC_TASKS = """
invoke_workflow Tasks
  method run
    invoke_workflow trio
      task task One
        invoke_agent One
          chat One-model
      task task Three
        invoke_agent Three
          chat Three-model
      task task Two
        invoke_agent Two
          chat Two-model
"""

CASES = {
    "parallel methods": (branching, BRANCHING),
    "coroutines": (asynchronous, ASYNCHRONOUS),
    "nested flows": (nested, NESTED),
    "asynchronous tasks": (with_async_tasks, ASYNC_TASKS),
}


def tree(spans: Sequence[ReceivedSpan]) -> str:
    """Return a trace as an indented outline, siblings by their names: their times differ from run to run."""

    def beneath(parent: ReceivedSpan, depth: int) -> Iterator[str]:
        yield "  " * depth + parent.name
        children = [span for span in spans if span.parent_span_id == parent.span_id]
        for child in sorted(children, key=lambda span: span.name):
            yield from beneath(child, depth + 1)

    lines = list(beneath(root_of(spans), 0))
    assert len(lines) == len(spans), "every span is in the tree once"
    return "\n" + "\n".join(lines) + "\n"


def traces(receiver: HttpReceiver) -> list[list[ReceivedSpan]]:
    """Return the spans of each trace."""
    spans = spans_of(receiver)
    return [
        [span for span in spans if span.trace_id == trace]
        for trace in dict.fromkeys(span.trace_id for span in spans)
    ]


def odd(spans: Sequence[ReceivedSpan]) -> dict[str, object]:
    """Return the anomalies that the root counts, but for those of clock and number, which are real."""
    found = root_of(spans).attributes
    prefix, harmless = "otelstream.anomalies.", ("clock_backwards", "seq_backwards")
    return {
        key: value
        for key, value in found.items()
        if key.startswith(prefix) and key.removeprefix(prefix) not in harmless
    }


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    """A receiver to which spans go."""
    with HttpReceiver() as made:
        for name, value in variables(made).items():
            monkeypatch.setenv(name, value)
        yield made
        otelstream.shutdown(10)


def run(flow: QuietFlow) -> object:
    """Observe a run of a flow to its end, and return its result."""
    observed = otelstream.observe(flow.stream_events())
    list(observed)
    return observed.result


async def arun(flow: QuietFlow) -> object:
    """Do the same asynchronously."""
    observed = otelstream.observe(flow.astream())
    async for _ in observed:
        pass
    return observed.result


@pytest.mark.parametrize("case", list(CASES))
def test_what_runs_at_once_stays_in_its_branch(case: str, receiver: HttpReceiver) -> None:
    """Each model call is under the method, flow or task that made it, and nothing is odd or dangling."""
    make, expected = CASES[case]
    run(make())
    otelstream.flush(10)
    (spans,) = traces(receiver)

    assert (tree(spans), odd(spans)) == (expected, {})


@pytest.mark.parametrize("case", list(CASES))
def test_an_asynchronous_session_has_the_same_tree(case: str, receiver: HttpReceiver) -> None:
    """How the program consumes the session makes no difference."""
    make, expected = CASES[case]
    asyncio.run(arun(make()))
    otelstream.flush(10)
    (spans,) = traces(receiver)

    assert (tree(spans), odd(spans)) == (expected, {})


def test_flows_at_once_are_traces_of_their_own(receiver: HttpReceiver) -> None:
    """Flows that run in several threads at the same time have one trace each, none with a span of another."""
    threads = [threading.Thread(target=run, args=(make(),)) for make, _ in CASES.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    otelstream.flush(10)

    assert sorted(map(tree, traces(receiver))) == sorted(expected for _, expected in CASES.values())


def test_asynchronous_flows_at_once_are_traces_of_their_own(receiver: HttpReceiver) -> None:
    """So have flows that run on one event loop."""

    async def together() -> None:
        await asyncio.gather(*(arun(make()) for make, _ in CASES.values()))

    asyncio.run(together())
    otelstream.flush(10)

    assert sorted(map(tree, traces(receiver))) == sorted(expected for _, expected in CASES.values())


def test_each_flow_is_the_child_of_its_own_caller(receiver: HttpReceiver) -> None:
    """With a span active in each thread, each root is the child of that thread's span, in its trace."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("callers")
    expected: dict[str, str] = {}

    def call(case: str) -> None:
        make, outline = CASES[case]
        with tracer.start_as_current_span(case) as caller:
            expected[f"{caller.get_span_context().span_id:016x}"] = outline
            run(make())

    threads = [threading.Thread(target=call, args=(case,)) for case in CASES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    otelstream.flush(10)

    assert {root_of(spans).parent_span_id: tree(spans) for spans in traces(receiver)} == expected
