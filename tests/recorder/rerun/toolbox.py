"""Agents whose tools return, raise and are limited in unusual ways, to be recorded and re-executed.

Importing this module imports CrewAI.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from crewai import Agent, Crew, Task
from crewai.agent.planning_config import PlanningConfig
from crewai.events.event_bus import crewai_event_bus
from crewai.events.types.mcp_events import (
    MCPConnectionCompletedEvent,
    MCPConnectionStartedEvent,
    MCPToolExecutionCompletedEvent,
    MCPToolExecutionStartedEvent,
)
from crewai.flow.flow import start
from crewai.hooks import (
    ToolCallHookContext,
    register_after_tool_call_hook,
    unregister_after_tool_call_hook,
)
from crewai.tools import BaseTool, tool
from crewai.tools.mcp_native_tool import MCPNativeTool
from crewai.tools.tool_failure import ToolFailure
from pydantic import BaseModel, PrivateAttr

from otelstream.demo.scripted_llm import CallTool, Say
from tests.recorder.rerun.crews import kickoff
from tests.recorder.rerun.stage import QuietFlow, Scenario, Stage, Tea, TextLLM


class BitterError(Exception):
    """An exception of the program's own, with a text of its own."""

    def __str__(self) -> str:
        return f"bitter by {self.args[0]}"


class Kettle(BaseTool):
    """A tool with its own class, output and formatting."""

    _ran: list[str] = PrivateAttr()

    def __init__(self, ran: list[str]) -> None:
        super().__init__(name="kettle", description="Boil water.")
        self._ran = ran

    def _run(self, litres: int) -> Tea:
        self._ran.append("kettle")
        return Tea(name="water", grams=litres * 1000)

    def format_output_for_agent(self, raw_result: Tea) -> str:
        """Read fields that a text does not have."""
        return f"{raw_result.grams} g of {raw_result.name}"


def _crew(stage: Stage, *tools: BaseTool, turns: tuple[Any, ...], **settings: Any) -> Any:  # noqa: ANN401 (a session)
    model = stage.model(*turns, stream=True)
    cook = stage.agent(model, tools=list(tools), **settings)
    task = Task(name="tea", description="Make tea.", expected_output="A sentence.", agent=cook)
    return kickoff(Crew(name="odd", agents=[cook], tasks=[task]))


def formatted(stage: Stage) -> Any:  # noqa: ANN401 (a session of CrewAI's)
    """A tool returns an object, of which its agent sees a text."""
    return _crew(stage, Kettle(stage.ran), turns=(CallTool("kettle", {"litres": 1}), Say("Boiled.")))


def formatted_for_text(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """The same tool, four times, of a model without function calling: the third result repeats the format."""
    turns = [
        *(Say(f'Action: kettle\nAction Input: {{"litres": {litres}}}') for litres in (1, 2, 3, 4)),
        Say("Thought: I now know the final answer\nFinal Answer: boiled"),
    ]
    cook = stage.agent(stage.model(*turns, kind=TextLLM), tools=[Kettle(stage.ran)])
    task = Task(name="tea", description="Make tea.", expected_output="A sentence.", agent=cook)
    return kickoff(Crew(name="odd", agents=[cook], tasks=[task]))


def own_exception(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool raises an exception of the program's own."""

    @tool("brew")
    def brew(minutes: int) -> str:
        """Brew."""
        stage.ran.append("brew")
        raise BitterError(minutes)

    return _crew(stage, brew, turns=(CallTool("brew", {"minutes": 9}), Say("It is bitter.")))


def missing_file(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool raises what Python raises, whose text says more than its `repr`."""

    @tool("read")
    def read(name: str) -> str:
        """Read a recipe."""
        stage.ran.append("read")
        raise FileNotFoundError(2, "No such file or directory", name)

    return _crew(stage, read, turns=(CallTool("read", {"name": "tea.txt"}), Say("There is none.")))


def reported_failure(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool says itself that it failed."""

    @tool("order")
    def order(what: str) -> Any:  # noqa: ANN401 (a text or a failure)
        """Order something."""
        stage.ran.append("order")
        return ToolFailure(message=f"no {what} left", code="sold_out", retryable=True)

    return _crew(stage, order, turns=(CallTool("order", {"what": "tea"}), Say("Sold out.")))


class Client:
    """The client of an MCP server that is not there, with the events of CrewAI's own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def connect(self) -> None:
        """Say that there is a server."""
        self._stage.ran.append("connect")
        crewai_event_bus.emit(self, MCPConnectionStartedEvent(server_name="teahouse", transport_type="stdio"))
        crewai_event_bus.emit(
            self, MCPConnectionCompletedEvent(server_name="teahouse", transport_type="stdio")
        )

    async def call_tool_result(self, name: str, arguments: dict[str, Any]) -> SimpleNamespace:
        """Answer."""
        about: dict[str, Any] = {"server_name": "teahouse", "tool_name": name, "tool_args": arguments}
        crewai_event_bus.emit(self, MCPToolExecutionStartedEvent(**about))
        crewai_event_bus.emit(self, MCPToolExecutionCompletedEvent(**about, result="two cups"))
        return SimpleNamespace(content="two cups", is_error=False)

    async def disconnect(self) -> None:
        """Do nothing."""


class Cups(BaseModel):
    """What the server's tool takes."""

    guests: int


def of_a_server(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool of an MCP server."""
    schema = {"description": "Serve tea.", "args_schema": Cups}
    served = MCPNativeTool(lambda: Client(stage), "serve", schema, "teahouse")
    turns = (CallTool("teahouse_serve", {"guests": 2}), Say("Two cups."))
    return _crew(stage, served, turns=turns)


def limited(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool may be used once, and is asked for twice."""

    @tool("pour", max_usage_count=1)
    def pour(cup: int) -> str:
        """Pour."""
        stage.ran.append("pour")
        return f"cup {cup} is full"

    turns = (CallTool("pour", {"cup": 1}), CallTool("pour", {"cup": 2}), Say("One cup."))
    return _crew(stage, pour, turns=turns)


def unknown(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """The model asks for a tool that there is not, and with arguments that do not fit."""
    turns = (CallTool("fly", {"to": "Assam"}), CallTool("lookup", {"wrong": 1}), Say("I cannot."))
    return _crew(stage, stage.lookup(), turns=turns)


def result_as_answer(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """The result of the tool is the answer of the agent."""

    @tool("taste", result_as_answer=True)
    def taste(topic: str) -> str:
        """Taste."""
        stage.ran.append("taste")
        return f"{topic} tastes of leaves"

    return _crew(stage, taste, turns=(CallTool("taste", {"topic": "tea"}),))


@contextmanager
def _louder_results() -> Iterator[None]:
    """Let every result of a tool be louder."""

    def shout(context: ToolCallHookContext) -> str:
        return f"{context.tool_result}!"

    register_after_tool_call_hook(shout)
    try:
        yield
    finally:
        unregister_after_tool_call_hook(shout)


def hooked_result(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A hook changes what tools return, for native and for text tool calling."""
    native = stage.agent(
        stage.model(CallTool("lookup", {"topic": "tea"}), Say("Green!")), tools=[stage.lookup()]
    )
    turns = [Say('Action: lookup\nAction Input: {"topic": "tea"}'), Say("Thought: so\nFinal Answer: Green!")]
    text = stage.agent(stage.model(*turns, kind=TextLLM), tools=[stage.lookup()], role="Reader")
    tasks = [
        Task(name="tea", description="Tea?", expected_output="A word.", agent=agent)
        for agent in (native, text)
    ]

    class HookedFlow(QuietFlow):
        @start()
        def inquire(self) -> str:
            with _louder_results():
                return str(Crew(name="hooked", agents=[native, text], tasks=tasks).kickoff())

    return HookedFlow().stream_events()


def agent_alone(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """An agent without a crew, asked for an object."""
    cook = stage.agent(
        stage.model(CallTool("lookup", {"topic": "tea"}), Say('{"name": "Sencha", "grams": 3}')),
        tools=[stage.lookup()],
    )

    class AloneFlow(QuietFlow):
        @start()
        def inquire(self) -> object:
            output: Any = cook.kickoff("Which tea?", response_format=Tea)
            return output.raw

    return AloneFlow().stream_events()


def side_by_side(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """Tasks that run in threads of their own, and one that waits for them."""
    models = [stage.model(Say(f"{word}."), model=f"scripted-{word}") for word in ("left", "right", "both")]
    cooks: list[Any] = [stage.agent(model, role=f"Cook {number}") for number, model in enumerate(models)]
    tasks = [
        Task(
            name=f"t{number}",
            description=f"Cook{stage.wording}.",
            expected_output="A word.",
            agent=cooks[number],
            async_execution=number < 2,
        )
        for number in range(3)
    ]
    tasks[2].context = tasks[:2]
    return kickoff(Crew(name="sides", agents=cooks, tasks=tasks))


def inner_crew(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A tool that runs an agent, which has a tool, too."""
    inner: Agent = stage.agent(
        stage.model(CallTool("lookup", {"topic": "tea"}), Say("Green."), model="scripted-inner"),
        tools=[stage.lookup()],
        role="Helper",
    )

    @tool("ask_helper")
    def ask_helper(question: str) -> str:
        """Ask the helper."""
        stage.ran.append("ask_helper")
        task = Task(name="help", description=question, expected_output="A word.", agent=inner)
        return str(Crew(name="helpers", agents=[inner], tasks=[task]).kickoff())

    return _crew(stage, ask_helper, turns=(CallTool("ask_helper", {"question": "Green?"}), Say("Yes.")))


def bad_messages(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A call with messages that no model takes, which the program survives."""
    model = stage.model(Say("Green."))

    class BadFlow(QuietFlow):
        @start()
        def inquire(self) -> str:
            try:
                messages: Any = [{"role": "user"}]
                return str(model.call(messages))
            except ValueError as error:
                return str(error)

    return BadFlow().stream_events()


def planned(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """An agent that makes a plan by a function of CrewAI's, and works off two of its steps side by side."""
    steps = [
        {"step_number": 1, "description": "Look it up.", "tool_to_use": "lookup", "depends_on": []},
        {"step_number": 2, "description": "Weigh it.", "tool_to_use": "weigh", "depends_on": []},
        {"step_number": 3, "description": "Say it.", "tool_to_use": None, "depends_on": [1, 2]},
    ]
    model = stage.model(
        CallTool("create_reasoning_plan", {"plan": "Do it.", "steps": steps, "ready": True}),
        CallTool("lookup", {"topic": "tea"}),
        *(Say(f"Done {number}.") for number in range(4)),
    )
    cook = stage.agent(
        model,
        tools=[stage.lookup(), stage.weigh()],
        planning_config=PlanningConfig(reasoning_effort="low"),
    )
    task = Task(name="tea", description=f"Tea{stage.wording}?", expected_output="A word.", agent=cook)
    return kickoff(Crew(name="planned", agents=[cook], tasks=[task]))


TOOLBOX: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        formatted,
        formatted_for_text,
        own_exception,
        missing_file,
        reported_failure,
        limited,
        unknown,
        of_a_server,
        result_as_answer,
        hooked_result,
        agent_alone,
        bad_messages,
    )
}
