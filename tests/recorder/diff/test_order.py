"""Frames that moved, went or came: which of it is another order of parallel branches, and what is named."""

from __future__ import annotations

import pytest

from otelstream.frame import StreamFrame
from otelstream.testing import Script, make_frame
from recorder.diff import Divergence
from tests.conftest import NAMES, frames_of, lines_of
from tests.recorder.diff.mutations import compared, renamed

SHORT = [name for name in NAMES if 1 < len(lines_of(name)) < 100]


def swapped(frames: list[StreamFrame], at: int) -> list[StreamFrame]:
    """The frames, of which that one and the next have changed places."""
    return [*frames[:at], frames[at + 1], frames[at], *frames[at + 2 :]]


def follows(frame: StreamFrame, before: StreamFrame) -> bool:
    """Whether a frame names the one before it as what it follows, is in, or ends."""
    return before.id in (frame.previous_id, frame.parent_id, frame.data.get("started_event_id"))


def fan(first: str = "a", second: str = "b", *, turned: bool = False) -> list[StreamFrame]:
    """A flow with two parallel methods that each call a model; the second comes first if it is turned."""
    script = Script()
    script.start("flow_started", flow_name="Fan")
    branches = [(script.fork(), first), (script.fork(), second)]
    for branch, name in reversed(branches) if turned else branches:
        branch.start("method_execution_started", method_name=name)
    for branch, name in branches:
        branch.start("llm_call_started", model="gpt", call_id=f"call of {name}")
        branch.emit("llm_stream_chunk", chunk=f"from {name}", call_id=f"call of {name}")
        branch.end("llm_call_completed", call_id=f"call of {name}", response=f"from {name}")
        branch.end("method_execution_finished", method_name=name)
    script.end("flow_finished")
    return script.frames


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_the_same_as_one_with_other_ids_times_and_addresses(name: str) -> None:
    """Two runs whose ids, times and addresses are all different are the same."""
    assert compared(frames_of(name), renamed(lines_of(name))).verdict == "same"


@pytest.mark.parametrize("name", SHORT)
def test_frames_of_one_branch_that_changed_places_are_a_difference(name: str) -> None:
    """A frame that comes before the one it follows is a difference, and one of the two is named."""
    frames = list(frames_of(name))
    places = [at for at in range(len(frames) - 1) if follows(frames[at + 1], frames[at])]
    found = {at: compared(frames, swapped(frames, at)).first for at in places}
    assert [at for at, first in found.items() if first is None or first.left not in (at, at + 1)] == []


def test_frames_of_parallel_branches_may_change_places() -> None:
    """Token frames of parallel calls that come in another order are the same run, reordered."""
    frames = renamed(lines_of("03_parallel_starts"))
    tokens = "llm_stream_chunk"
    places = [
        at
        for at in range(len(frames) - 1)
        if frames[at].type == frames[at + 1].type == tokens
        and frames[at].parent_id != frames[at + 1].parent_id
    ]
    left = frames_of("03_parallel_starts")
    assert {compared(left, swapped(frames, at)).verdict for at in places[:40]} == {"reordered"}


@pytest.mark.parametrize("name", SHORT)
def test_a_frame_that_is_gone_is_named(name: str) -> None:
    """Of a run that lacks one frame that frame is named, and nothing that comes after it."""
    frames = list(frames_of(name))
    gone = {at: compared(frames, frames[:at] + frames[at + 1 :]).first for at in range(len(frames))}
    assert [at for at, first in gone.items() if (first and (first.kind, first.left)) != ("missing", at)] == []


@pytest.mark.parametrize("name", SHORT[::2])
def test_a_frame_that_comes_twice_is_named(name: str) -> None:
    """Of a run in which a frame comes twice one of the two is named."""
    frames = list(frames_of(name))
    twice = {at: compared(frames, [*frames[: at + 1], *frames[at:]]).first for at in range(len(frames))}
    astray = [at for at, first in twice.items() if not first or first.right not in (at, at + 1)]
    assert (astray, {first.kind for first in twice.values() if first}) == ([], {"extra"})


@pytest.mark.parametrize("name", SHORT[1::2])
def test_a_frame_that_is_new_is_named(name: str) -> None:
    """Of a run with one frame more that frame is named, be it on the way to the next one or not."""
    frames = renamed(lines_of(name))
    for at in range(1, len(frames)):
        before, after = frames[at - 1], frames[at]
        new = make_frame("my_event", id="new", parent=before.parent_id, previous=before.id, data={"step": 1})
        if after.previous_id == before.id:
            after = after.model_copy(update={"previous_id": new.id})
        found = compared(frames_of(name), [*frames[:at], new, after, *frames[at + 1 :]])
        first = found.first
        assert first is not None
        assert (at, first.kind, first.left, first.right) == (at, "extra", None, at)


def test_parallel_methods_may_begin_in_another_order() -> None:
    """Whichever of two parallel methods begins first, the run is the same."""
    assert compared(fan(), fan(turned=True)).verdict == "reordered"


def test_parallel_branches_of_equal_content_are_interchangeable() -> None:
    """Two parallel branches that do the same may come in any order."""
    assert compared(fan("a", "a"), fan("a", "a", turned=True)).verdict == "reordered"


def test_equal_prompts_are_told_apart_by_what_came_of_them() -> None:
    """Two parallel calls that begin alike and end otherwise are paired by how they end."""

    def calls(*answers: str) -> list[StreamFrame]:
        script = Script()
        script.start("flow_started", flow_name="Fan")
        branches = [script.fork() for _ in answers]
        for branch in branches:
            branch.start("llm_call_started", model="gpt")
        for branch, answer in zip(branches, answers, strict=True):
            branch.end("llm_call_completed", response=answer)
        return script.frames

    assert compared(calls("a", "b"), calls("b", "a")).verdict == "reordered"


def test_one_call_more_is_all_that_is_new() -> None:
    """A retried call is new, and what comes after it is not compared with the wrong call."""

    def calls(*answers: str) -> list[StreamFrame]:
        script = Script()
        script.start("flow_started", flow_name="Retry")
        for answer in answers:
            script.start("llm_call_started", model="gpt")
            script.end("llm_call_completed", response=answer)
        script.end("flow_finished")
        return script.frames

    first = compared(calls("a", "c"), calls("a", "b", "c")).first
    assert first == Divergence("extra", None, 3, "llm_call_started", ("flow Retry",))


def test_work_after_the_end_of_its_scope_is_another_order() -> None:
    """A call that comes back after its method has ended is a difference, if it came back before."""

    def flow(*, waits: bool) -> list[StreamFrame]:
        script = Script()
        script.start("flow_started", flow_name="Forget")
        script.start("method_execution_started", method_name="fire")
        call = script.fork()
        call.start("llm_call_started", model="gpt")
        if waits:
            call.end("llm_call_completed", response="a")
        script.end("method_execution_finished")
        if not waits:
            call.end("llm_call_completed", response="a")
        return script.frames

    first = compared(flow(waits=True), flow(waits=False)).first
    assert first is not None
    assert (first.kind, first.left, first.right) == ("order", 3, 4)


def test_a_memory_may_be_saved_after_its_agent_is_done() -> None:
    """Memories are saved in a thread of their own, which may outlive the agent or not."""

    def saved(*, late: bool) -> list[StreamFrame]:
        script = Script()
        script.start("agent_execution_started", agent={"role": "Cook"})
        thread = script.fork()
        thread.start("memory_save_started")
        if late:
            script.end("agent_execution_completed")
        thread.end("memory_save_completed")
        if not late:
            script.end("agent_execution_completed")
        return script.frames

    assert compared(saved(late=False), saved(late=True)).verdict == "reordered"


def test_no_frames_are_the_same_as_no_frames() -> None:
    """Two empty runs are the same, and an empty one lacks the first frame of any other."""
    assert compared([], []).verdict == "same"
    first = compared(fan(), []).first
    assert first == Divergence("missing", 0, None, "flow_started", ())
