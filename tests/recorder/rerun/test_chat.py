"""A conversation, recorded turn by turn and re-executed turn by turn on one flow."""

from __future__ import annotations

from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError

quiet_environment()

from tests.recorder.rerun.flows import chat  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import Performed, Stage, consume  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]

MESSAGES = ("Which tea?", "How much of it?")


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording of both turns."""
    path = tmp_path_factory.mktemp("chat") / "chat.duckdb"
    flow = chat(Stage())
    for message in MESSAGES:
        consume(otelstream.observe(flow.stream_turn(message, session_id="guest"), record=path))
    return path


def test_both_turns_are_the_same_again(conversation: Path, tmp_path: Path) -> None:
    """Each turn is served from its own session; the flow keeps the conversation between them."""
    flow, again = chat(Stage(scripted=False)), tmp_path / "again.duckdb"
    turns: list[Performed] = []
    for number, message in enumerate(MESSAGES):
        with recorder.rerun(conversation, number):
            session = flow.stream_turn(message, session_id="guest")
            turns.append(consume(otelstream.observe(session, record=again)))

    verdicts = [recorder.diff(conversation, again, session=turn, other=turn).verdict for turn in (0, 1)]
    assert verdicts == ["same", "same"]
    assert [turn.result for turn in turns] == ["Green.", "Three grams."]


def test_a_turn_without_those_before_it_stops(conversation: Path) -> None:
    """The prompt of the second turn holds the first, which a fresh flow does not know."""
    flow = chat(Stage(scripted=False))

    with pytest.raises(DivergedError), recorder.rerun(conversation, 1):
        consume(flow.stream_turn(MESSAGES[1], session_id="guest"))


def test_a_changed_message_stops_the_turn(conversation: Path) -> None:
    """The error shows what was said instead."""
    flow = chat(Stage(scripted=False))

    with pytest.raises(DivergedError, match="Which coffee"), recorder.rerun(conversation, 0):
        consume(flow.stream_turn("Which coffee?", session_id="guest"))
