"""What a re-execution serves and what it leaves alone: kinds of calls, tools that run, other contexts."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError

quiet_environment()

from tests.recorder.rerun.crews import text_tools, tools  # noqa: E402 (after the settings)
from tests.recorder.rerun.flows import caught_failure, parallel, structured_call  # noqa: E402 (as above)
from tests.recorder.rerun.oddities import asking_tool  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import Stage, perform  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]

Recorded = Callable[[str], Path]


@pytest.fixture(scope="module")
def briefed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of a tool that asks a model by itself."""
    path = tmp_path_factory.mktemp("brief") / "brief.duckdb"
    perform(asking_tool, Stage(), path)
    return path


def test_real_tools_may_run_on_recorded_answers(recorded: Recorded) -> None:
    """`serve={"llm"}`: the world is today's, the model yesterday's."""
    stage = Stage(scripted=False)
    with recorder.rerun(recorded("tools"), serve={"llm"}) as rerun:
        performed = perform(tools, stage)

    assert (sorted(stage.ran), rerun.report.live) == (["burn", "lookup", "weigh"], 3)
    assert performed.result == "Tea is green, weighs three, and does not burn."


def test_a_real_model_may_ask_in_a_frozen_world(recorded: Recorded) -> None:
    """`serve={"tools"}`: the model is today's, what tools return is yesterday's."""
    stage = Stage()
    with recorder.rerun(recorded("tools"), serve={"tools"}) as rerun:
        performed = perform(tools, stage)

    assert (stage.ran, rerun.report.live, len(rerun.report.served)) == ([], 3, 3)
    assert performed.result == "Tea is green, weighs three, and does not burn."


def test_an_unrecorded_call_may_be_made(recorded: Recorded) -> None:
    """`on_miss="live"` lets today's model answer, and the report tells which call that was."""
    with recorder.rerun(recorded("structured_call"), on_miss="live") as rerun:
        performed = perform(structured_call, Stage(wording=", please"))

    report = rerun.report
    assert (performed.result, report.live, len(report.missed), len(report.unused)) == (3, 1, 1, 1)


def test_what_happened_inside_of_a_tool_does_not_happen_again(briefed: Path) -> None:
    """Its body does not run, so that the model that it asked is not asked."""
    stage = Stage(scripted=False)
    with recorder.rerun(briefed) as rerun:
        performed = perform(asking_tool, stage)

    assert (stage.ran, performed.result, rerun.report.unused) == ([], "Green.", ())


def test_a_tool_may_run_and_be_served_itself(briefed: Path, tmp_path: Path) -> None:
    """`run_tools` runs its body, and the model that it asks answers from the recording."""
    stage = Stage(scripted=False)
    with recorder.rerun(briefed, run_tools={"brief"}) as rerun:
        perform(asking_tool, stage, tmp_path / "again.duckdb")

    assert (stage.ran, rerun.report.unused) == (["brief"], ())
    assert recorder.diff(briefed, tmp_path / "again.duckdb").verdict == "same"


def test_reruns_beside_each_other_are_served_from_their_own(recorded: Recorded) -> None:
    """Eight at a time in threads, of four recordings: none gets an answer of another's."""
    scenarios = (structured_call, parallel, caught_failure, text_tools) * 2

    def again(number: int) -> object:
        scenario = scenarios[number]
        with recorder.rerun(recorded(scenario.__name__)) as rerun:
            performed = perform(scenario, Stage(scripted=False))
        return performed.result, rerun.report.is_complete

    for scenario in scenarios:
        recorded(scenario.__name__)
    with ThreadPoolExecutor(len(scenarios)) as pool:
        results = list(pool.map(again, range(len(scenarios))))

    assert (
        results
        == [(3, True), ("poured", True), ("Green. (the kettle is cold)", True), ("tea is green", True)] * 2
    )


def test_other_contexts_are_left_alone(recorded: Recorded) -> None:
    """A thread that was not begun in the block asks its own model, while the block is entered."""
    asked: list[object] = []

    def elsewhere() -> None:
        asked.append(perform(structured_call, Stage()).result)

    with recorder.rerun(recorded("parallel")) as rerun:
        # A new context, as of a thread that was there before.
        thread = threading.Thread(target=contextvars.Context().run, args=(elsewhere,))
        thread.start()
        thread.join()

    assert (asked, rerun.report.served, rerun.report.live) == ([3], (), 0)


def test_after_a_divergence_the_next_rerun_is_served(recorded: Recorded) -> None:
    """Nothing of a run that was stopped is left."""
    with pytest.raises(DivergedError), recorder.rerun(recorded("tools")):
        perform(tools, Stage(scripted=False, wording=", please"))
    with recorder.rerun(recorded("tools")):
        performed = perform(tools, Stage(scripted=False))

    assert performed.result == "Tea is green, weighs three, and does not burn."
    assert perform(structured_call, Stage()).result == 3


def test_a_recording_of_text_is_run_again(tmp_path: Path) -> None:
    """`*.jsonl` holds all that a re-execution needs."""
    perform(tools, Stage(), tmp_path / "tools.jsonl")
    stage = Stage(scripted=False)
    with recorder.rerun(tmp_path / "tools.jsonl") as rerun:
        performed = perform(tools, stage)

    assert (stage.ran, rerun.report.is_complete) == ([], True)
    assert recorder.diff(tmp_path / "tools.jsonl", performed.frames).verdict != "different"
