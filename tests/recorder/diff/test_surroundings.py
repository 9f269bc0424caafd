"""What a session was started in makes no difference, unless one asks for that."""

from __future__ import annotations

import pytest

from otelstream.frame import StreamFrame
from otelstream.testing import make_frame
from recorder.diff import DEFAULT, Divergence, Policy, diff

STRICT = Policy(aside=DEFAULT - {"surroundings"})


def session(
    *, environment: str | None = None, within: str | None = None, after: str | None = None, word: str = "tea"
) -> list[StreamFrame]:
    """A flow with one method, started within a scope of somebody else's, after a frame of somebody else's."""
    flow = make_frame("flow_started", id="f", parent=within, previous=after, data={"flow_name": "Tea"})
    told = [] if environment is None else [make_frame(environment, id="e", parent="f", previous="f")]
    data = {"method_name": "brew", "triggered_by_event_id": after}
    method = make_frame(
        "method_execution_started", id="m", parent="f", previous=told[-1].id if told else "f", data=data
    )
    end = make_frame(
        "method_execution_finished",
        id="x",
        parent="f",
        previous="m",
        data={"started_event_id": "m", "result": word},
    )
    return [flow, *told, method, end]


HERE = session(environment="default_env")


@pytest.mark.parametrize(
    "other",
    [
        session(environment="cc_env"),
        session(),
        session(environment="codex_env", within="outer", after="before"),
        session(after="before"),
    ],
    ids=["another agent", "told before", "in a flow", "after another run"],
)
def test_a_run_elsewhere_is_the_same_run(other: list[StreamFrame]) -> None:
    """Where it was started, and what CrewAI says of the terminal, is set aside."""
    assert (diff(HERE, other).verdict, diff(HERE, other, policy=STRICT).verdict) == ("same", "different")


def test_a_difference_keeps_its_ordinal() -> None:
    """Frames that are left out are counted, on the side that has them."""
    first = diff(HERE, session(word="milk")).first

    assert first == Divergence(
        "value",
        3,
        2,
        "method_execution_finished",
        ("flow Tea", "method brew"),
        "$.data.result",
        "tea",
        "milk",
    )


def test_an_id_of_the_session_still_counts() -> None:
    """A frame that follows another one of the same session does not follow none."""
    moved = session()
    moved[-1] = moved[-1].model_copy(update={"previous_id": "f"})

    assert diff(session(), moved).verdict == "different"


def test_an_id_of_another_session_is_told_as_it_is() -> None:
    """A frame that follows one that is not there differs, and the id that it names is told."""
    frames = session()
    lost = [*frames[:-1], frames[-1].model_copy(update={"previous_id": "gone"})]
    first = diff(frames, lost).first

    assert first is not None
    assert (first.path, first.left_value, first.right_value) == ("$.previous_id", "m", "gone")
