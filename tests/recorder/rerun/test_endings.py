"""How a run ends that is stopped, from wherever it was running: soon, once, and with the same error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError, RerunError

quiet_environment()

import crewai.flow.runtime  # noqa: E402 (after the settings)
from crewai import Crew, Task  # noqa: E402 (after the settings)
from crewai.flow.flow import start  # noqa: E402 (after the settings)
from crewai.llms.base_llm import BaseLLM  # noqa: E402 (after the settings)
from crewai.tools.base_tool import Tool  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402 (after the settings)
from otelstream.redact import Redactor  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import QuietFlow, Stage, consume, perform  # noqa: E402 (after the settings)
from tests.recorder.rerun.toolbox import side_by_side  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]


class AskingFlow(QuietFlow):
    """Asks a question once, and survives every failure that can be survived."""

    question: str = "Which tea?"

    @start()
    def inquire(self) -> str:
        """Ask."""
        try:
            return str(ScriptedLLM([Say("Green.")]).call(self.question))
        except Exception as error:  # noqa: BLE001 (that is the test)
            return f"survived {type(error).__name__}"


def coffee() -> AskingFlow:
    """The flow, asking for something else."""
    flow = AskingFlow()
    flow.question = "Which coffee?"
    return flow


@pytest.fixture(scope="module")
def tea(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of a run that asked for tea."""
    path = tmp_path_factory.mktemp("endings") / "tea.duckdb"
    consume(otelstream.observe(AskingFlow().stream_events(), record=path))
    return path


def stopped(tea: Path, run: Callable[[], object]) -> DivergedError:
    """The error with which a block ends in which that is run."""
    with pytest.raises(DivergedError) as raised, recorder.rerun(tea):
        run()
    return raised.value


def test_a_plain_run_stops(tea: Path) -> None:
    """The program's `except Exception` does not take it for a failure that it may survive."""
    assert "Which coffee?" in stopped(tea, coffee().kickoff).difference


def test_an_asynchronous_run_stops(tea: Path) -> None:
    """So does an event loop."""
    assert "Which coffee?" in stopped(tea, lambda: asyncio.run(coffee().kickoff_async())).difference


def test_a_stream_raises_the_error(tea: Path) -> None:
    """It comes out of the iteration and of `result`, as any exception of a run does, and out of the block."""
    told: list[object] = []

    def run() -> None:
        session = coffee().stream_events()
        told.append(consume(session).error)
        with pytest.raises(DivergedError) as from_result:
            _ = session.result
        told.append(from_result.value)

    raised = stopped(tea, run)

    assert [error is raised for error in told] == [True, True]


def test_an_asynchronous_stream_raises_the_error(tea: Path) -> None:
    """As a synchronous one does."""

    async def run() -> None:
        async for _ in coffee().astream():
            pass

    assert "Which coffee?" in stopped(tea, lambda: asyncio.run(run())).difference


def test_a_direct_call_stops(tea: Path) -> None:
    """Outside of any flow there is nothing of CrewAI's in between."""
    told = stopped(tea, lambda: ScriptedLLM([]).call("Which tea?")).sentence

    assert told == (
        "LLM call 1 (at the top) is not in the recording, which holds no further call of its kind there. "
        "The same was asked in LLM call 1 (flow AskingFlow > method inquire). "
        "If that is intended, record the run again."
    )


def test_the_first_error_is_the_one_that_is_told(tea: Path) -> None:
    """Every later call ends at once with it, so that nothing is asked for real."""

    def run() -> None:
        for flow in (coffee(), AskingFlow()):
            consume(flow.stream_events())

    assert "Which coffee?" in stopped(tea, run).difference


def test_what_the_program_makes_of_it_is_told_as_the_context(tea: Path) -> None:
    """An assertion that fails because the run was stopped does not hide why."""

    def run() -> None:
        assert consume(coffee().stream_events()).result == "Green."

    assert isinstance(stopped(tea, run).__cause__, AssertionError)


def test_an_exception_of_a_run_that_fits_passes(tea: Path) -> None:
    """Nothing is put in its place."""
    with pytest.raises(KeyError), recorder.rerun(tea):
        raise KeyError("tea")


def test_threads_of_tasks_end(tmp_path: Path) -> None:
    """The future of a task that runs beside others is done, though its thread caught no `Exception`."""
    perform(side_by_side, Stage(), tmp_path / "sides.duckdb")

    with pytest.raises(DivergedError, match=", please"), recorder.rerun(tmp_path / "sides.duckdb"):
        perform(side_by_side, Stage(scripted=False, wording=", please"))


def test_chunks_of_a_crew_end(tmp_path: Path) -> None:
    """`Crew(stream=True)` ends its stream of chunks, and its worker no traceback on the terminal."""

    def crew(description: str) -> Any:  # noqa: ANN401 (an output of CrewAI's)
        cook = Stage().agent(ScriptedLLM([Say("Green.")]))
        task = Task(name="tea", description=description, expected_output="A word.", agent=cook)
        return Crew(name="chunks", agents=[cook], tasks=[task], stream=True).kickoff()

    class CrewFlow(QuietFlow):
        description = "Which tea?"

        @start()
        def cook(self) -> str:
            return "".join(chunk.content for chunk in crew(self.description))

    consume(otelstream.observe(CrewFlow().stream_events(), record=tmp_path / "chunks.duckdb"))
    with recorder.rerun(tmp_path / "chunks.duckdb"):
        assert consume(CrewFlow().stream_events()).result == "Green."

    flow = CrewFlow()
    flow.description = "Which coffee?"
    with pytest.raises(DivergedError, match="coffee"), recorder.rerun(tmp_path / "chunks.duckdb"):
        consume(flow.stream_events())


def test_a_call_without_an_end_is_not_answered(tmp_path: Path) -> None:
    """What a killed run left open is told, not guessed."""
    session = otelstream.observe(AskingFlow().stream_events(), record=tmp_path / "cut.duckdb")
    for frame in session:
        if frame.type == "llm_call_started":
            break
    session.close()

    with (
        pytest.raises(RerunError, match="has no answer in the recording"),
        recorder.rerun(tmp_path / "cut.duckdb"),
    ):
        consume(AskingFlow().stream_events())


def test_requests_are_masked_as_the_recording_is(tmp_path: Path) -> None:
    """By the default rules, or by those that are given: without them a masked word is another one."""
    session = AskingFlow().stream_events()
    consume(
        otelstream.observe(session, record=tmp_path / "masked.duckdb", redact=Redactor(patterns=["Which"]))
    )

    assert "Which tea?" in stopped(tmp_path / "masked.duckdb", AskingFlow().kickoff).difference
    with recorder.rerun(tmp_path / "masked.duckdb", redactor=Redactor(patterns=["Which"])):
        assert AskingFlow().kickoff() == "Green."


def test_a_stream_is_consumed_inside_of_its_block(tea: Path) -> None:
    """A run starts when its stream is first asked for a frame: after the block that would be a real one."""
    with recorder.rerun(tea):
        session = AskingFlow().stream_events()

    with pytest.raises(RerunError, match="consume it inside of its `with` block"):
        list(session)


def test_a_block_is_entered_once(tea: Path) -> None:
    """A second time it would have nothing left to serve."""
    rerun = recorder.rerun(tea)
    with rerun:
        pass
    with pytest.raises(RerunError, match="entered once"), rerun:
        pass


def test_nothing_is_left_in_place(tea: Path) -> None:
    """After the last block CrewAI's classes and modules have their own functions again."""
    with recorder.rerun(tea):
        during = _files()

    assert (during, _files()) == ([True] * len(_REPLACED), [False] * len(_REPLACED))


_REPLACED: tuple[tuple[Any, str], ...] = (
    (ScriptedLLM, "call"),
    (BaseLLM, "__init_subclass__"),
    (Tool, "run"),
    (Task, "_execute_task_async"),
    (crewai.flow.runtime, "create_frame_generator"),
)


def _files() -> list[bool]:
    """Whether each function is one of the recorder's."""
    found = [vars(owner)[name] for owner, name in _REPLACED]
    functions = [getattr(each, "__func__", each) for each in found]
    return ["/recorder/rerun/seam/" in function.__code__.co_filename for function in functions]
