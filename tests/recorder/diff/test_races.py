"""What parallel branches do to each other, and what only looks as if they did."""

from __future__ import annotations

from otelstream.frame import StreamFrame
from otelstream.testing import Script
from recorder import diff
from recorder.diff import Diff


def joined(last: str) -> list[StreamFrame]:
    """Two parallel methods, and a third one that follows whichever of them ended last."""
    script = Script()
    script.start("flow_started", flow_name="Fan")
    branches = {name: script.fork() for name in ("a", "b")}
    for name, branch in branches.items():
        branch.start("method_execution_started", method_name=name)
    ends = {}
    for name in sorted(branches, key=lambda name: name == last):
        ends[name] = branches[name].end("method_execution_finished", method_name=name)
    third = branches[last]
    third.start("method_execution_started", method_name="c", triggered_by_event_id=ends[last].id)
    third.end("method_execution_finished", method_name="c", triggered_by_event_id=ends[last].id)
    return script.frames


def writing(first: str, *, seen: str = "A", other: str = "") -> list[StreamFrame]:
    """Two parallel methods that write what they found into the flow's state; one of them ends first."""
    script = Script()
    script.start("flow_started", flow_name="Fan")
    branches = {name: script.fork() for name in ("a", "b")}
    for name, branch in branches.items():
        branch.start("method_execution_started", method_name=name, state={"a": "", "b": ""})
    half = {"a": seen, "b": other} if first == "a" else {"a": other, "b": "B"}
    second = "b" if first == "a" else "a"
    branches[first].end("method_execution_finished", method_name=first, state=half)
    branches[second].end("method_execution_finished", method_name=second, state={"a": "A", "b": "B"})
    script.end("flow_finished", state={"a": "A", "b": "B"})
    return script.frames


def place(found: Diff) -> tuple[str, int | None, str | None]:
    """Where a difference is."""
    assert found.first is not None
    return found.first.kind, found.first.left, found.first.path


def test_what_follows_two_branches_follows_the_later_of_them() -> None:
    """A listener to both follows whichever ends last, also where the ends have changed places."""
    assert diff(joined("a"), joined("b")).verdict == "reordered"


def test_what_follows_another_branch_in_the_same_order_is_a_difference() -> None:
    """Where nothing changed places, following another method is a difference."""
    frames = joined("a")
    cause = next(frame for frame in frames if frame.data.get("method_name") == "b").id
    changed = [
        frame.model_copy(update={"data": {**frame.data, "triggered_by_event_id": cause}})
        if "triggered_by_event_id" in frame.data
        else frame
        for frame in frames
    ]
    assert place(diff(frames, changed)) == ("value", 5, "$.data.triggered_by_event_id")


def test_parallel_methods_may_see_each_other_at_work() -> None:
    """A state that two methods write may have more or less in it when one of them ends."""
    assert diff(writing("a"), writing("b")).verdict == "reordered"


def test_the_state_may_be_older_or_newer_while_the_frames_come_in_one_order() -> None:
    """What another method has written a moment earlier or later is no difference, if both runs have it."""
    assert diff(writing("a"), writing("a", other="B")).verdict == "same"


def test_what_no_other_state_shows_is_a_difference() -> None:
    """A value that the other run never had at that place is a difference, whatever runs beside."""
    assert place(diff(writing("a"), writing("a", seen="X"))) == ("value", 3, "$.data.state.a")


def test_the_state_after_all_branches_is_compared() -> None:
    """Where nothing runs beside any more, the state must be what it was."""
    frames = writing("a")
    last = frames[-1].model_copy(update={"data": {**frames[-1].data, "state": {"a": "", "b": "B"}}})
    assert place(diff(frames, [*frames[:-1], last])) == ("value", 5, "$.data.state.a")


def test_the_state_of_methods_in_sequence_is_compared() -> None:
    """A method that sees an older state than it did is a difference, if none ran beside it."""

    def flow(seen: str) -> list[StreamFrame]:
        script = Script()
        script.start("flow_started", flow_name="Line")
        for name, state in (("a", "old"), ("b", seen)):
            script.start("method_execution_started", method_name=name, state={"x": state})
            script.end("method_execution_finished", method_name=name, state={"x": "new"})
        return script.frames

    assert place(diff(flow("new"), flow("old"))) == ("value", 3, "$.data.state.x")
