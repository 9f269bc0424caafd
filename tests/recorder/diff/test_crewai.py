"""Real CrewAI: runs of the same code compare equal, however their parallel branches interleave."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from recorder import diff

pytestmark = pytest.mark.crewai

RUNS = 4


def demo() -> Any:  # noqa: ANN401  CrewAI's session
    """A flow with a crew of two agents, each with a tool."""
    from otelstream.demo.flow import DemoFlow

    return DemoFlow().stream_events(inputs={"topic": "Tea"})


def fan() -> Any:  # noqa: ANN401  CrewAI's session
    """Parallel methods that write one state, and listeners to all and to the first of them."""
    from tests.recorder.diff.flows import Fan

    return Fan().stream_events()


def crews() -> Any:  # noqa: ANN401  CrewAI's session
    """Parallel crews, two of them with the same task."""
    from tests.recorder.diff.flows import Crews

    return Crews().stream_events()


def tasks() -> Any:  # noqa: ANN401  CrewAI's session
    """A crew with asynchronous tasks."""
    from tests.recorder.diff.flows import Tasks

    return Tasks().stream_events()


def consumed(session: Any) -> Any:  # noqa: ANN401  CrewAI's session
    """The session after its end."""
    list(session)
    return session


def verdicts(make: Callable[[], Any]) -> set[str]:
    """What is said of every two of some runs; the whole text where they differ."""
    runs = [consumed(make()) for _ in range(RUNS)]
    found = [diff(left, right) for left, right in combinations(runs, 2)]
    return {str(each) if each.verdict == "different" else each.verdict for each in found}


def test_runs_of_a_sequential_flow_are_the_same() -> None:
    """Two runs of the demo flow are the same, frame by frame and in their result."""
    assert verdicts(demo) == {"same"}


@pytest.mark.parametrize("make", [fan, crews, tasks])
def test_runs_of_parallel_branches_are_the_same_or_reordered(make: Callable[[], Any]) -> None:
    """No two runs with parallel branches differ, whichever branch is the faster."""
    assert verdicts(make) <= {"same", "reordered"}


def test_another_topic_is_another_run() -> None:
    """A run with another input differs at its first frame already."""
    from otelstream.demo.flow import DemoFlow

    first = diff(consumed(demo()), consumed(DemoFlow().stream_events(inputs={"topic": "Milk"}))).first
    assert first is not None
    assert (first.left, first.frame_type, first.path) == (0, "flow_started", "$.data.inputs.topic")
