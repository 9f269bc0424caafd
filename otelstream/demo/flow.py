"""A real CrewAI flow to watch: two agents with tools write a report from a script, the same at every run.

Call `otelstream.demo.environment.quiet_environment` before importing this module: it imports CrewAI.
"""

from __future__ import annotations

from crewai import Agent, Crew, Task
from crewai.flow.flow import Flow, listen, start
from crewai.tools import tool
from pydantic import BaseModel

from otelstream.demo.scripted_llm import CallTool, Say, ScriptedLLM

DEMO_API_KEY = "sk-demo-0123456789abcdef0123456789abcdef"
"""Obviously fake. CrewAI puts an agent's key into its frames; the demo shows that it goes no further."""

_DEFAULT_TOPIC = "OpenTelemetry"


class DemoState(BaseModel):
    """The flow's input."""

    topic: str = _DEFAULT_TOPIC


@tool
def lookup_fact(topic: str) -> str:
    """Look up one fact about a topic."""
    return f"{topic} shows a run as a tree of spans, and every span but the root has one parent."


@tool
def count_words(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


def build_crew(delay: float = 0.0, topic: str = _DEFAULT_TOPIC) -> Crew:
    """Return a fresh crew whose models know their answers about the topic.

    Args:
        delay: Seconds that the models wait after each chunk.
        topic: What the scripted answers are about; pass the same as the crew's input.
    """
    researcher, writer = _researcher(topic, delay), _writer(topic, delay)
    research = Task(
        name="research",
        description="Find out what {topic} is good for.",
        expected_output="One fact about {topic}.",
        agent=researcher,
    )
    report = Task(
        name="report",
        description="Report in two sentences what was found about {topic}.",
        expected_output="A report of two sentences.",
        agent=writer,
        context=[research],
    )
    return Crew(name="demo", agents=[researcher, writer], tasks=[research, report])


class DemoFlow(Flow[DemoState]):
    """Research, then publish: `flow > method > crew > task > agent > chat, execute_tool` in the trace.

    Attributes:
        delay: Seconds that the models wait after each chunk, so that a person can watch.
    """

    delay: float = 0.0

    # crewai.flow.runtime: otherwise each flow opens a LanceDB memory, and its import costs seconds.
    _skip_auto_memory: bool = True

    @start()
    def research(self) -> str:
        """Let the crew write its report."""
        topic = self.state.topic
        return str(build_crew(self.delay, topic).kickoff(inputs={"topic": topic}))

    @listen(research)
    def publish(self, report: str) -> str:
        """Return the one line that the run ends with."""
        return f"Published {len(report.split())} words about {self.state.topic}."


def _researcher(topic: str, delay: float) -> Agent:
    model = ScriptedLLM(
        [
            CallTool("lookup_fact", {"topic": topic}),
            Say(f"{topic} shows a run as a tree of spans: who called whom, when, and for how long."),
        ],
        model="scripted-small",
        delay=delay,
        stream=True,
        api_key=DEMO_API_KEY,
    )
    return Agent(
        role="Researcher",
        goal="Find facts that hold",
        backstory="Reads the source before believing the manual.",
        tools=[lookup_fact],
        llm=model,
    )


def _writer(topic: str, delay: float) -> Agent:
    draft = f"{topic} turns a run into a tree of spans. Whoever reads the tree sees where the time went."
    model = ScriptedLLM(
        [CallTool("count_words", {"text": draft}), Say(draft)],
        model="scripted-large",
        delay=delay,
        stream=True,
    )
    return Agent(
        role="Writer",
        goal="Say it in two sentences",
        backstory="Counts the words before handing them in.",
        tools=[count_words],
        llm=model,
    )
