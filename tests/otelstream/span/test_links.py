"""What a span follows: in its own session by links, in earlier ones by what they share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from otelstream.frame import StreamFrame
from otelstream.span.model import Follow
from otelstream.testing import Script, assembled

Golden = Callable[[str], tuple[StreamFrame, ...]]


def follows_of(script: Script) -> list[Follow]:
    """What a session continues."""
    return [one for one in assembled(script.frames) if isinstance(one, Follow)]


def test_a_turn_continues_its_conversation() -> None:
    """The turns of one conversation share its session id."""
    script = Script()
    script.start("conversation_turn_started", session_id="s1")
    assert follows_of(script) == [Follow("f0", "conversation", "s1")]


def test_a_flow_continues_its_earlier_run() -> None:
    """A flow that is resumed or restored keeps its state's id, which its methods tell: said once."""
    script = Script()
    script.start("flow_started")
    for _ in range(2):
        script.start("method_execution_started", state={"id": "s1", "n": 1})
        script.end("method_execution_finished", state={"id": "s1", "n": 2})
    assert follows_of(script) == [Follow("f0", "resumed", "s1")]


@pytest.mark.parametrize("state", [None, {}, {"id": None}, {"id": 5}, {"id": ""}, "s1", ["s1"]])
def test_a_state_without_an_id_continues_nothing(state: object) -> None:
    """An id that is no text ties nothing."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started", state=state)
    assert follows_of(script) == []


def test_a_flow_inside_a_flow_continues_nothing() -> None:
    """Only the session's own flow speaks for the session."""
    script = Script()
    script.start("crew_kickoff_started")
    script.start("flow_started")
    script.start("method_execution_started", state={"id": "s1"})
    assert follows_of(script) == []


def test_a_turn_speaks_before_its_flow() -> None:
    """A chat turn continues its conversation, not its flow."""
    script = Script()
    script.start("conversation_turn_started", session_id="s1")
    script.start("flow_started")
    script.start("method_execution_started", state={"id": "s2"})
    assert follows_of(script) == [Follow("f0", "conversation", "s1")]


@pytest.mark.parametrize(
    ("earlier", "later", "relation"),
    [
        ("12_conversation_turn1", "12_conversation_turn2", "conversation"),
        ("13_feedback_pending", "13_feedback_resume", "resumed"),
        ("33_checkpoint_run", "33b_checkpoint_restore", "resumed"),
    ],
)
def test_real_sessions_are_tied(golden: Golden, earlier: str, later: str, relation: str) -> None:
    """Turns, a resume and a restored checkpoint say the same id as the session before them."""
    ids = [
        {(one.relation, one.id) for one in assembled(golden(name)) if isinstance(one, Follow)}
        for name in (earlier, later)
    ]
    assert ids[0] == ids[1]
    assert {name for name, _ in ids[0]} == {relation}


def test_loops_of_one_flow_are_three_runs(golden: Golden) -> None:
    """19: runs of the same class share nothing."""
    ids = [
        one.id
        for number in range(3)
        for one in assembled(golden(f"19_loop_run{number}"))
        if isinstance(one, Follow)
    ]
    assert len(set(ids)) == 3
