"""Each anomaly by its name, from the smallest stream that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

import pytest

from otelstream.frame import Outcome, StreamFrame
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import Anomaly, AnomalyName, Operation
from otelstream.testing import START_NS, Script, assembled, make_frame


def flow(*frames: StreamFrame) -> list[StreamFrame]:
    """A flow that is open from `a` on, with these frames in it, and its end `z`."""
    end = make_frame("flow_finished", id="z", previous=frames[-1].id, at_ms=9, seq=9)
    return [make_frame("flow_started", id="a", seq=1), *frames, end]


def method(frame_id: str = "b") -> list[StreamFrame]:
    """A method that starts and ends."""
    return [
        make_frame("method_execution_started", id=frame_id, parent="a", previous="a", at_ms=1, seq=2),
        make_frame(
            "method_execution_finished",
            id=f"{frame_id}.end",
            parent="a",
            previous=frame_id,
            at_ms=2,
            seq=3,
            data={"started_event_id": frame_id},
        ),
    ]


def tick(
    frame_id: str = "t",
    parent: str | None = "a",
    previous: str | None = "a",
    at_ms: float = 5,
    seq: int | None = None,
) -> StreamFrame:
    """An event in the flow."""
    return make_frame("tick", id=frame_id, parent=parent, previous=previous, at_ms=at_ms, seq=seq)


CASES: dict[AnomalyName, tuple[list[StreamFrame], str]] = {
    "clock_backwards": (flow(tick("t", at_ms=5), tick("u", at_ms=4)), "u"),
    "dangling_parent": (flow(tick(parent="elsewhere")), "t"),
    "dangling_previous": (flow(tick(previous="elsewhere")), "t"),
    "duplicate_end": (
        flow(
            *method(),
            make_frame(
                "method_execution_finished",
                id="e",
                parent="a",
                previous="b.end",
                at_ms=3,
                data={"started_event_id": "b"},
            ),
        ),
        "e",
    ),
    "duplicate_start": (
        flow(
            make_frame("tool_usage_started", id="b", parent="a", previous="a"),
            make_frame("tool_usage_started", id="b", parent="b", previous="b"),
            make_frame("tool_usage_finished", id="c", parent="a", previous="b"),
        ),
        "b",
    ),
    "end_before_start": (
        flow(
            make_frame("method_execution_started", id="b", parent="a", previous="a", at_ms=2),
            make_frame("method_execution_finished", id="c", parent="a", previous="b", at_ms=1),
        ),
        "b",
    ),
    "end_without_start": (flow(make_frame("task_completed", id="b", parent="a", previous="a")), "b"),
    "frame_after_end": (flow(*method(), tick(parent="b", previous="b.end")), "t"),
    "left_open": ([make_frame("flow_started", id="a")], "a"),
    "no_parent": (
        [
            make_frame("flow_started", id="a"),
            tick(parent=None, previous=None),
            make_frame("flow_finished", id="z", previous="a", at_ms=9),
        ],
        "t",
    ),
    "seq_backwards": (flow(tick(seq=1)), "t"),
    "wrong_parent": (
        flow(
            make_frame("method_execution_started", id="b", parent="a", previous="a"),
            tick(parent="a", previous="b"),
            make_frame("method_execution_finished", id="c", parent="a", previous="t", at_ms=6),
        ),
        "t",
    ),
}
"""For each name a stream, and the frame that is odd in it."""
BESIDES: dict[AnomalyName, set[AnomalyName]] = {"end_before_start": {"clock_backwards"}}
"""What is necessarily odd as well."""


def anomalies(operations: Sequence[Operation]) -> list[Anomaly]:
    """The anomalies among operations."""
    return [one for one in operations if isinstance(one, Anomaly)]


@pytest.mark.parametrize("name", CASES)
def test_an_anomaly_has_a_name(name: AnomalyName) -> None:
    """A minimal stream with one odd frame gives that anomaly about that frame, and no other."""
    frames, odd = CASES[name]
    found = [one for one in anomalies(assembled(frames)) if one.name not in BESIDES.get(name, set())]
    assert found == [Anomaly(name, odd)]


@pytest.mark.parametrize("name", CASES)
def test_an_anomaly_changes_nothing(
    name: AnomalyName, violations: Callable[[Sequence[Operation]], list[str]]
) -> None:
    """Every span is ended once, whatever was odd."""
    assert violations(assembled(CASES[name][0])) == []


def test_a_frame_after_the_end_of_its_session() -> None:
    """What comes after `close` is an anomaly, and no operation."""
    assembler = SpanAssembler()
    assembler.feed(make_frame("flow_started", id="a"))
    assembler.close(Outcome("completed", START_NS))
    assert assembler.feed(make_frame("tick", id="b")) == [Anomaly("frame_after_close", "b")]


def test_every_name_has_a_case() -> None:
    """No anomaly is without a stream that shows it."""
    assert {*CASES, "frame_after_close"} == set(get_args(AnomalyName))


def test_a_healthy_session_has_none() -> None:
    """Scopes, events, parallel branches and leaf pairs are nothing odd."""
    script = Script()
    script.start("flow_started")
    branch = script.fork()
    script.start("method_execution_started")
    branch.start("method_execution_started")
    script.emit("checkpoint_started")
    script.emit("tick")
    script.emit("checkpoint_completed")
    branch.end("method_execution_finished")
    script.end("method_execution_finished")
    script.end("flow_finished")
    assert anomalies(assembled(script.frames)) == []


def test_a_session_may_begin_anywhere() -> None:
    """The first frame may name a parent and a predecessor that its caller's frames are."""
    frames = [make_frame("flow_started", id="a", parent="elsewhere", previous="before")]
    assert [one.name for one in anomalies(assembled(frames))] == ["left_open"]


def test_frames_without_a_number_are_in_order() -> None:
    """A `seq` that is missing says nothing of the order."""
    frames = flow(tick("t", seq=5), tick("u"), tick("v", seq=6))
    assert anomalies(assembled(frames)) == []


def test_a_second_thing_at_the_top_comes_after_the_first() -> None:
    """A scope without a parent that follows the root's end is under the root, and said to be late."""
    script = Script()
    for call in ("c0", "c1"):
        script.start("llm_call_started", call_id=call, model="m")
        script.end("llm_call_completed", call_id=call, response="fine")
    assert [one.name for one in anomalies(assembled(script.frames))] == ["frame_after_end"]
