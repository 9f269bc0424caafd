"""Tools that return, raise and are limited in unusual ways, re-executed without their bodies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import recorder
from otelstream.demo.environment import quiet_environment

quiet_environment()

from tests.recorder.rerun import toolbox  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import Stage, perform  # noqa: E402 (after the settings)
from tests.recorder.rerun.toolbox import TOOLBOX, inner_crew, side_by_side  # noqa: E402 (after the settings)

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


def test_tasks_side_by_side_get_their_own_answers(recordings: Recorded) -> None:
    """Each in a thread of its own; CrewAI's dumps of what they share depend on which was first."""
    with recorder.rerun(recordings("side_by_side")) as rerun:
        performed = perform(side_by_side, Stage(scripted=False))

    assert (performed.result, rerun.report.is_complete) == ("both.", True)


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
