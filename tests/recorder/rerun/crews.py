"""Crews to re-execute: tools, delegation, a guardrail, an object as output; each inside a flow.

Importing this module imports CrewAI.
"""

from __future__ import annotations

from typing import Any

from crewai import Crew, Process, Task
from crewai.flow.flow import start

from otelstream.demo.scripted_llm import CallTool, Say
from tests.recorder.rerun.stage import KEY, QuietFlow, Stage, Tea, TextLLM


def kickoff(crew: Crew) -> Any:  # noqa: ANN401 (a session of CrewAI's)
    """The session of a flow whose one method runs the crew."""

    class CrewFlow(QuietFlow):
        @start()
        def cook(self) -> str:
            return str(crew.kickoff())

    return CrewFlow().stream_events()


def tools(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """Native tool calling: two tools in one turn, then one that fails, then the answer, all streamed."""
    model = stage.model(
        (CallTool("lookup", {"topic": "tea"}), CallTool("weigh", {"topic": "tea"})),
        CallTool("burn", {"topic": "tea"}),
        Say("Tea is green, weighs three, and does not burn."),
        stream=True,
        api_key=KEY,
    )
    cook = stage.agent(model, tools=[stage.lookup(), stage.weigh(), stage.burn()])
    task = Task(description="Say what tea is.", expected_output="A sentence.", agent=cook)
    return kickoff(Crew(name="tools", agents=[cook], tasks=[task]))


def text_tools(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """Tool calls that the agent reads from the text of a model without function calling."""
    model = stage.model(
        Say('Thought: I look it up.\nAction: lookup\nAction Input: {"topic": "tea"}'),
        Say('Thought: I burn it.\nAction: burn\nAction Input: {"topic": "tea"}'),
        Say("Thought: I now know the final answer\nFinal Answer: tea is green"),
        kind=TextLLM,
    )
    cook = stage.agent(model, tools=[stage.lookup(), stage.burn()])
    task = Task(description="Say what tea is.", expected_output="A sentence.", agent=cook)
    return kickoff(Crew(name="text tools", agents=[cook], tasks=[task]))


def hierarchy(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A manager who delegates to an agent with a tool: tools that run models must run themselves."""
    manager = stage.model(
        CallTool(
            "delegate_work_to_coworker", {"task": "What is tea?", "context": "For guests", "coworker": "Cook"}
        ),
        Say("The cook says: green."),
        model="scripted-manager",
    )
    cook = stage.agent(
        stage.model(CallTool("lookup", {"topic": "tea"}), Say("Tea is green.")), tools=[stage.lookup()]
    )
    task = Task(description="Find out what tea is.", expected_output="A sentence.")
    crew = Crew(
        name="hierarchy",
        agents=[cook],
        tasks=[task],
        process=Process.hierarchical,
        manager_llm=manager,
    )
    return kickoff(crew)


def delegation(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """An agent that asks another one."""
    asking = stage.agent(
        stage.model(
            CallTool("ask_question_to_coworker", {"question": "Green?", "context": "", "coworker": "Brewer"}),
            Say("The brewer says yes."),
        ),
        allow_delegation=True,
    )
    brewer = stage.agent(stage.model(Say("Yes."), model="scripted-brewer"), role="Brewer")
    task = Task(description="Is tea green?", expected_output="Yes or no.", agent=asking)
    return kickoff(Crew(name="delegation", agents=[asking, brewer], tasks=[task]))


def guardrail(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A first answer that a guardrail rejects, and a second that it accepts."""
    cook = stage.agent(stage.model(Say("Maybe."), Say("Certainly green.")))

    task = Task(
        description="Is tea green?",
        expected_output="A certain answer.",
        agent=cook,
        guardrail=lambda output: ("Certainly" in output.raw, "Be certain, as you are."),
    )
    return kickoff(Crew(name="guardrail", agents=[cook], tasks=[task]))


def structured_task(stage: Stage) -> Any:  # noqa: ANN401 (as above)
    """A task whose output is an object."""
    cook = stage.agent(
        stage.model(Say('{"name": "Sencha", "grams": 3}'), Say('{"name": "Sencha", "grams": 3}'))
    )
    task = Task(description="Which tea?", expected_output="A tea.", agent=cook, output_pydantic=Tea)
    crew = Crew(name="structured", agents=[cook], tasks=[task])

    class StructuredFlow(QuietFlow):
        @start()
        def cook(self) -> object:
            output: Any = crew.kickoff()
            return output.pydantic

    return StructuredFlow().stream_events()
