"""Real programs, recorded with a scripted model and re-executed without it: no model, no tool, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError

quiet_environment()

from crewai.hooks import (  # noqa: E402 (after the settings)
    ToolCallHookContext,
    register_before_tool_call_hook,
    unregister_before_tool_call_hook,
)

from tests.recorder.rerun.conftest import Repeated  # noqa: E402 (after the settings)
from tests.recorder.rerun.scenarios import REORDERED, SCENARIOS  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import KEY, Stage, Tea, perform  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]

Recorded = Callable[[str], Path]
Repeating = Callable[[str], Repeated]


@contextmanager
def louder_arguments() -> Iterator[None]:
    """Change the argument of every tool call before it is made, as a hook of the user's may."""

    def shout(context: ToolCallHookContext) -> None:
        context.tool_input["topic"] = str(context.tool_input["topic"]).upper()

    register_before_tool_call_hook(shout)
    try:
        yield
    finally:
        unregister_before_tool_call_hook(shout)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_is_the_same_again(name: str, repeated: Repeating) -> None:
    """Its frames are equal up to the order of parallel branches, and so is what came of it."""
    run = repeated(name)

    difference = recorder.diff(run.first, run.again)
    allowed = ("same", "reordered") if name in REORDERED else ("same",)
    assert difference.verdict in allowed, str(difference)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_recorded_call_is_served(name: str, repeated: Repeating) -> None:
    """No model and no tool is reached, none is missed, and none is left over."""
    run = repeated(name)

    assert (run.stage.ran, run.report.live, run.report.missed, run.report.unused) == ([], 0, (), ())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of `own_threads`
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_changed_prompt_stops_the_run(name: str, recorded: Recorded) -> None:
    """The first call that asks something else is not answered, and the error shows what it asks."""
    with pytest.raises(DivergedError, match=", please"), recorder.rerun(recorded(name)):
        perform(SCENARIOS[name], Stage(scripted=False, wording=", please"))


@pytest.mark.parametrize("name", ["tools", "text_tools"])
def test_a_changed_argument_stops_the_run(name: str, recorded: Recorded) -> None:
    """A tool that is called with something else is not answered, and does not run."""
    stage = Stage(scripted=False)
    with (
        pytest.raises(DivergedError, match="TEA"),
        louder_arguments(),
        recorder.rerun(recorded(name)),
    ):
        perform(SCENARIOS[name], stage)

    assert stage.ran == []


def test_a_result_is_the_same_again(repeated: Repeating) -> None:
    """What a flow returns comes out of the served answers."""
    assert repeated("structured_task").performed.result == Tea(name="Sencha", grams=3)


def test_an_exception_of_the_program_is_the_same_again(repeated: Repeating) -> None:
    """A flow that raised raises, with the answer of its model in the text."""
    assert repr(repeated("raising").performed.error) == "ValueError('no tea: None.')"


def test_a_failed_call_fails_again(repeated: Repeating) -> None:
    """The flow catches what its model raises, as it did."""
    assert repeated("caught_failure").performed.result == "Green. (the kettle is cold)"


def test_a_secret_is_matched_and_not_recorded(repeated: Repeating) -> None:
    """The key of the prompt is not in the file, and the call is found all the same."""
    run = repeated("secret")

    assert (KEY.encode() in run.first.read_bytes(), run.performed.result) == (False, "Done.")
