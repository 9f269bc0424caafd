"""Tools that return, raise and are limited in unusual ways, re-executed without their bodies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError

quiet_environment()

from tests.recorder.rerun import toolbox  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import Stage, perform  # noqa: E402 (after the settings)
from tests.recorder.rerun.toolbox import TOOLBOX, inner_crew  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]

Recorded = Callable[[str], Path]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The recording of the program of that name."""
    folder = tmp_path_factory.mktemp("toolbox")

    @cache
    def record(name: str) -> Path:
        perform(getattr(toolbox, name), Stage(), folder / f"{name}.duckdb")
        return folder / f"{name}.duckdb"

    return record


@pytest.mark.parametrize("name", TOOLBOX)
def test_a_run_with_odd_tools_is_the_same_again(name: str, recordings: Recorded, tmp_path: Path) -> None:
    """Frames and result are equal, no body ran, and every recorded call was asked for."""
    stage = Stage(scripted=False)
    with recorder.rerun(recordings(name)) as rerun:
        perform(TOOLBOX[name], stage, tmp_path / "again.duckdb")

    difference = recorder.diff(recordings(name), tmp_path / "again.duckdb")
    assert difference.verdict == "same", str(difference)
    assert stage.ran == []
    assert rerun.report.is_complete, str(rerun.report)


@pytest.mark.parametrize("name", ["side_by_side", "planned"])
def test_tasks_and_steps_side_by_side_get_their_own_answers(name: str, recordings: Recorded) -> None:
    """In threads of their own; CrewAI's dumps of what they share depend on which was first."""
    recorded = recorder.replay(recordings(name))
    list(recorded)
    stage = Stage(scripted=False)
    with recorder.rerun(recordings(name)) as rerun:
        performed = perform(getattr(toolbox, name), stage)

    assert (performed.result, stage.ran, rerun.report.is_complete) == (recorded.result, [], True)


def test_a_plan_that_differs_stops_the_run(recordings: Recorded) -> None:
    """CrewAI survives whatever its planner raises, but this."""
    with (
        pytest.raises(DivergedError, match=r"reasoning Cook.*is not the recorded one"),
        recorder.rerun(recordings("planned")),
    ):
        perform(toolbox.planned, Stage(scripted=False, wording=", please"))


def test_what_happened_inside_of_a_tool_does_not_happen_again(recordings: Recorded) -> None:
    """A tool that ran a crew is answered like any other; the calls inside are neither made nor left over."""
    stage = Stage(scripted=False)
    with recorder.rerun(recordings("inner_crew")) as rerun:
        performed = perform(inner_crew, stage)

    assert (performed.result, stage.ran, rerun.report.unused) == ("Yes.", [], ())
    assert len(rerun.report.served) == 3


def test_a_tool_that_runs_a_crew_may_run(recordings: Recorded, tmp_path: Path) -> None:
    """With `run_tools` its body runs, and what it asks of models and tools is served."""
    stage = Stage(scripted=False)
    with recorder.rerun(recordings("inner_crew"), run_tools={"ask_helper"}):
        perform(inner_crew, stage, tmp_path / "again.duckdb")

    difference = recorder.diff(recordings("inner_crew"), tmp_path / "again.duckdb")
    assert (difference.verdict, stage.ran) == ("same", ["ask_helper"]), str(difference)
