"""What no recording holds is refused in a sentence that names it, before it is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError, RerunError

quiet_environment()

from crewai import Agent, Crew, Task  # noqa: E402 (after the settings)
from crewai.flow.flow import start  # noqa: E402 (after the settings)
from crewai.flow.human_feedback import human_feedback  # noqa: E402 (after the settings)
from crewai.hooks import LLMCallHookContext, ToolCallHookContext  # noqa: E402 (after the settings)
from crewai.knowledge.knowledge import Knowledge  # noqa: E402 (after the settings)
from crewai.memory.unified_memory import Memory  # noqa: E402 (after the settings)
from crewai.rag.embeddings.factory import build_embedder  # noqa: E402 (after the settings)
from crewai.utilities.internal_instructor import InternalInstructor  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import QuietFlow, Stage, Tea, consume  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]

Needs = Callable[[], object]


class NeedyFlow(QuietFlow):
    """Does one thing."""

    needs: Needs = bool

    @start()
    def need(self) -> object:
        """Do it."""
        return self.needs()


class ReviewedFlow(QuietFlow):
    """Asks a person what to think of its result."""

    @start()
    @human_feedback(message="Good?")
    def draft(self) -> str:
        """Make something to judge."""
        return "a draft"


def flow_that(needs: Needs) -> NeedyFlow:
    """A flow that does this."""
    flow = NeedyFlow()
    flow.needs = needs
    return flow


def reviewed_task() -> object:
    """Let a person judge the result of a task."""
    cook = Stage().agent(ScriptedLLM([Say("Green.")]))
    task = Task(name="tea", description="Tea?", expected_output="A word.", agent=cook, human_input=True)
    return Crew(name="reviewed", agents=[cook], tasks=[task]).kickoff()


def tool_context() -> Any:  # noqa: ANN401 (a context of CrewAI's)
    """What a hook of a tool gets."""
    return ToolCallHookContext(tool_name="lookup", tool_input={}, tool=None)  # type: ignore[arg-type]  # none runs


NEEDS: dict[str, Needs] = {
    "Memory": lambda: Memory.__new__(Memory).recall("tea"),
    "Memory cannot": lambda: Memory.__new__(Memory).remember("Tea is green."),
    "Knowledge": lambda: Knowledge.model_construct().query(["tea"]),
    "Embeddings": lambda: build_embedder({"provider": "openai", "config": {"api_key": "none"}}),
    "Human input": lambda: NeedyFlow().ask("Which tea?"),
    "Human input cannot": reviewed_task,
    "Human input cannot be": lambda: LLMCallHookContext(messages=[]).request_human_input("Go on?"),
    "Human input cannot be served": lambda: tool_context().request_human_input("Go on?"),
    "An answer by way of Instructor": lambda: InternalInstructor(
        "Which tea?", model=Tea, llm=ScriptedLLM([])
    ),
    "The tools of an MCP server": lambda: Agent(role="Cook", goal="Cook", backstory="Cooks.").get_mcp_tools(
        ["https://example.invalid/mcp"]
    ),
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that needed a crew of one agent at most."""
    path = tmp_path_factory.mktemp("refusals") / "run.duckdb"

    def answer() -> object:
        cook = Stage().agent(ScriptedLLM([Say("Green.")]))
        task = Task(name="tea", description="Tea?", expected_output="A word.", agent=cook)
        return Crew(name="reviewed", agents=[cook], tasks=[task]).kickoff()

    consume(otelstream.observe(flow_that(answer).stream_events(), record=path))
    return path


def refused(recording: Path, run: Callable[[], object]) -> str:
    """What is said when that is run."""
    with pytest.raises(RerunError) as raised, recorder.rerun(recording):
        run()
    assert not isinstance(raised.value, DivergedError)
    return str(raised.value)


@pytest.mark.parametrize("what", NEEDS)
def test_what_cannot_be_served_is_named(what: str, recording: Path) -> None:
    """The sentence says what it is, and what can be done."""
    sentence = refused(recording, lambda: consume(flow_that(NEEDS[what]).stream_events()))

    assert sentence.startswith(what)
    assert sentence.endswith("; leave it out of the run, or use on_miss='live'.")


def test_feedback_of_a_person_is_refused(recording: Path) -> None:
    """Also where the flow would ask for it by another way than the terminal."""
    assert refused(recording, ReviewedFlow().kickoff) == (
        "Human input cannot be served from a recording; leave it out of the run, or use on_miss='live'."
    )


def test_what_is_missed_may_be_done_for_real(recording: Path) -> None:
    """With `on_miss="live"` it is, and counted."""
    flow = flow_that(lambda: LLMCallHookContext(messages=[]).request_human_input("Go on?"))

    with pytest.MonkeyPatch.context() as patch, recorder.rerun(recording, on_miss="live") as rerun:
        patch.setattr("builtins.input", lambda: "yes")
        result = consume(flow.stream_events()).result

    assert (result, rerun.report.live) == ("yes", 1)


def test_outside_of_a_block_nothing_is_refused() -> None:
    """A person may be asked again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.input", lambda: "yes")

        assert LLMCallHookContext(messages=[]).request_human_input("Go on?") == "yes"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"serve": {"memory"}}, "serve={'memory'} cannot be used; give 'llm', 'tools' or both."),
        ({"serve": set()}, "serve={} cannot be used; give 'llm', 'tools' or both."),
        ({"on_miss": "guess"}, "on_miss='guess' cannot be used; give 'error' or 'live'."),
    ],
)
def test_what_cannot_be_chosen_is_told(settings: dict[str, Any], sentence: str, recording: Path) -> None:
    """One sentence with the value that was given."""
    with pytest.raises(RerunError) as raised:
        recorder.rerun(recording, **settings)

    assert str(raised.value) == sentence
