"""The assembler over made-up sessions: where spans begin and end, and what is linked to what."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from otelstream.frame import FrameLike, Outcome
from otelstream.span import assembler
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import AddEvent, Anomaly, EndSpan, Link, Operation, StartSpan
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import START_NS, Script, assembled, make_frame

Uncounted = Callable[[Sequence[FrameLike], Sequence[Operation]], dict[str, int]]
Outline = Callable[[Sequence[Operation]], list[str]]

MS = 1_000_000


def root_of(operations: Sequence[Operation]) -> SpanNode:
    """The root of operations that have one."""
    root = tree_of(operations)
    assert root is not None
    return root


def anomalies_of(operations: Sequence[Operation]) -> list[Anomaly]:
    """The anomalies among operations, but for the spans that a made-up session leaves open."""
    return [one for one in operations if isinstance(one, Anomaly) and one.name != "left_open"]


def events_of(operations: Sequence[Operation]) -> list[tuple[str, str]]:
    """Each event as the span's key and its own name."""
    return [(one.key, one.name) for one in operations if isinstance(one, AddEvent)]


def times_of(operations: Sequence[Operation]) -> dict[str, tuple[float, float | None]]:
    """Start and end of each span, in milliseconds after the script's start."""
    return {
        node.started.key: (
            (node.started.start_ns - START_NS) / MS,
            None if node.end_ns is None else (node.end_ns - START_NS) / MS,
        )
        for node in root_of(operations).walk()
    }


def test_a_session_is_these_operations() -> None:
    """A whole session: spans start and end at the times of their frames, the root last."""
    script = Script()
    script.start("flow_started", flow_name="Greeting")
    script.emit("my_event", step=1)
    script.start("method_execution_started", flow_name="Greeting", method_name="begin")
    script.end("method_execution_finished", flow_name="Greeting", method_name="begin")
    script.end("flow_finished", flow_name="Greeting", state={"id": "s1"})
    assert assembled(script.frames) == [
        StartSpan(
            key="f0",
            parent=None,
            name="invoke_workflow Greeting",
            client=False,
            start_ns=START_NS,
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": "Greeting",
                "crewai.flow.name": "Greeting",
                "crewai.frame.id": "f0",
                "crewai.frame.type": "flow_started",
                "crewai.frame.seq": 1,
            },
        ),
        AddEvent(
            key="f0",
            name="my_event",
            time_ns=START_NS + MS,
            attributes={
                "crewai.frame.id": "f1",
                "crewai.frame.type": "my_event",
                "crewai.frame.seq": 2,
                "crewai.frame.previous_id": "f0",
                "crewai.data.step": 1,
            },
        ),
        StartSpan(
            key="f2",
            parent="f0",
            name="method begin",
            client=False,
            start_ns=START_NS + 2 * MS,
            attributes={
                "crewai.flow.name": "Greeting",
                "crewai.method.name": "begin",
                "crewai.frame.id": "f2",
                "crewai.frame.type": "method_execution_started",
                "crewai.frame.seq": 3,
            },
        ),
        EndSpan(key="f2", end_ns=START_NS + 3 * MS),
        EndSpan(
            key="f0",
            end_ns=START_NS + 4 * MS,
            attributes={"crewai.flow.id": "s1", "otelstream.end": "completed", "otelstream.frames": 5},
        ),
    ]


def test_a_session_without_frames_makes_no_span() -> None:
    """Nothing in, nothing out."""
    assert assembled([]) == []


def test_more_attributes_go_to_the_root() -> None:
    """What the caller knows of the session is said at the root's end."""
    session = SpanAssembler()
    session.feed(make_frame("flow_started", id="a"))
    session.feed(make_frame("flow_finished", id="b", previous="a"))
    outcome = Outcome("completed", START_NS + 5)
    assert session.close(outcome, {"otelstream.frames_dropped": 3}) == [
        EndSpan(
            "a",
            START_NS,
            {"otelstream.frames_dropped": 3, "otelstream.end": "completed", "otelstream.frames": 2},
        )
    ]


def test_a_second_close_does_nothing() -> None:
    """A session ends once."""
    session = SpanAssembler()
    session.feed(make_frame("flow_started"))
    outcome = Outcome("completed", START_NS)
    assert (len(session.close(outcome)), session.close(outcome)) == (2, [])


def test_a_frame_after_close_is_an_anomaly() -> None:
    """A session that is closed takes nothing more."""
    session = SpanAssembler()
    session.close(Outcome("completed", START_NS))
    assert session.feed(make_frame("flow_started", id="z")) == [Anomaly("frame_after_close", "z")]


def test_a_session_does_not_end_before_its_last_frame() -> None:
    """An end that is told too early is the time of the latest frame."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    assert times_of(assembled(script.frames, Outcome("cut", START_NS))) == {"f0": (0, 1), "f1": (1, 1)}


def test_a_session_ends_with_its_latest_frame() -> None:
    """The latest frame is not always the last to arrive."""
    script = Script(step_ms=5)
    script.start("flow_started")
    script.emit("tick")
    script.wait(-7)
    script.emit("tick")
    assert times_of(assembled(script.frames, Outcome("cut", START_NS))) == {"f0": (0, 5)}


def test_early_frames_are_events_on_the_root() -> None:
    """What comes before the first scope waits for it, at its own time."""
    script = Script()
    script.emit("flow_created")
    script.emit("llm_stream_chunk", call_id="c1", chunk="x")
    script.start("flow_started")
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert [type(one).__name__ for one in operations] == ["StartSpan", "AddEvent", "AddEvent", "EndSpan"]
    assert events_of(operations) == [("f2", "flow_created"), ("f2", "llm_stream_chunk")]
    assert root_of(operations).events[0].time_ns == START_NS


def test_a_session_of_chunks_has_a_root() -> None:
    """Where no frame opens a scope, the session is the span, from its first frame to its end."""
    script = Script()
    for _ in range(3):
        script.emit("llm_stream_chunk", call_id="c1", chunk="x")
    root = root_of(assembled(script.frames))
    assert (root.started.name, root.started.key, len(root.events)) == ("stream_session", "session f0", 3)
    assert root.attributes == {
        "crewai.frame.id": "f0",
        "crewai.frame.type": "llm_stream_chunk",
        "crewai.frame.seq": 1,
        "otelstream.chunks": 3,
        "otelstream.chunks.text": 3,
        "otelstream.chunk.gap.mean": 0.001,
        "otelstream.chunk.gap.p95": 0.001,
        "otelstream.chunk.gap.max": 0.001,
        "otelstream.end": "completed",
        "otelstream.frames": 3,
    }
    assert root.duration_ns == 2 * MS


def test_only_so_many_frames_wait_for_a_scope(
    outline: Outline, uncounted: Uncounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: when too many have come, the session is the root, and a flow is inside it."""
    monkeypatch.setattr(assembler, "MAX_EARLY", 3)
    script = Script()
    for _ in range(3):
        script.emit("tick")
    feeding = SpanAssembler()
    assert [feeding.feed(frame) for frame in script.frames] == [[], [], []]
    script.emit("llm_stream_chunk")
    script.start("flow_started", flow_name="F")
    operations = assembled(script.frames)
    assert outline(operations) == ["stream_session", "  invoke_workflow F"]
    assert set(uncounted(script.frames, operations).values()) == {0}


def test_late_frames_belong_to_the_root() -> None:
    """The root takes what comes after its own end, ends at that end all the same, and ends last."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.end("flow_finished", flow_name="F")
    script.emit("late_event")
    script.start("method_execution_started", method_name="late")
    script.end("method_execution_finished")
    operations = assembled(script.frames)
    assert events_of(operations) == [("f0", "late_event")]
    assert times_of(operations) == {"f0": (0, 1), "f3": (3, 4)}
    assert [one.key for one in operations if isinstance(one, EndSpan)] == ["f3", "f0"]


def test_a_second_flow_is_inside_the_first(outline: Outline) -> None:
    """A session has one root; what starts beside it hangs beneath it."""
    script = Script()
    script.start("flow_started", flow_name="First")
    script.end("flow_finished")
    script.start("flow_started", flow_name="Second")
    script.end("flow_finished")
    assert outline(assembled(script.frames)) == ["invoke_workflow First", "  invoke_workflow Second"]


def test_an_end_closes_the_nearest_scope_of_its_type() -> None:
    """What was left open inside stays open until the session ends, and says so."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    script.start("task_started")
    script.emit("method_execution_finished")
    script.emit("tick")
    operations = assembled(script.frames, Outcome("cancelled", START_NS + 9 * MS))
    assert times_of(operations) == {"f0": (0, 9), "f1": (1, 3), "f2": (2, 9)}
    assert events_of(operations) == [("f0", "tick")]
    task = EndSpan("f2", START_NS + 9 * MS, {"otelstream.end": "cancelled"}, left_open=True)
    assert task in operations


def test_an_end_passes_over_scopes_that_are_over() -> None:
    """What goes on inside a scope that has ended ends the next one around it."""
    script = Script()
    script.start("method_execution_started")
    script.start("method_execution_started")
    inside = script.fork()
    inside.start("task_started")
    script.end("method_execution_finished")
    inside.emit("method_execution_finished")
    operations = assembled(script.frames)
    assert (anomalies_of(operations), times_of(operations)) == (
        [],
        {"f0": (0, 4), "f1": (1, 3), "f2": (2, 2)},
    )


def test_a_call_is_ended_by_its_id() -> None:
    """The end of one of two calls in one context ends that one."""
    script = Script()
    script.start("llm_call_started", call_id="c1")
    script.start("llm_call_started", call_id="c2")
    script.emit("llm_call_completed", call_id="c1", started_event_id="f1")
    script.emit("llm_call_completed", call_id="c2", started_event_id="f0")
    assert times_of(assembled(script.frames)) == {"f0": (0, 2), "f1": (1, 3)}


@pytest.mark.parametrize("key", [{"call_id": "c1"}, {"started_event_id": "f1"}])
def test_a_call_may_end_in_another_context(key: dict[str, str]) -> None:
    """An end far from its start names what it ends, by the call's id or by the start's."""
    script = Script()
    script.start("flow_started")
    script.fork().start("llm_call_started", **({"call_id": "c1"} if "call_id" in key else {}))
    script.emit("llm_call_completed", **key)
    operations = assembled(script.frames)
    assert (anomalies_of(operations), times_of(operations)) == ([], {"f0": (0, 2), "f1": (1, 2)})


def test_a_span_is_linked_to_the_span_before_it() -> None:
    """What follows a sibling is linked to it; what is inside it is not linked to its surroundings again."""
    script = Script()
    script.start("crew_kickoff_started")
    script.start("task_started")
    script.end("task_completed")
    script.start("task_started")
    script.start("agent_execution_started", triggered_by_event_id="f2")
    links = {one.key: one.links for one in assembled(script.frames) if isinstance(one, StartSpan)}
    assert links == {"f0": (), "f1": (), "f3": (Link("f1", "previous"),), "f4": ()}


def test_a_trigger_comes_before_the_span_before() -> None:
    """A span that follows two others is linked to both, to one of them by its trigger."""
    script = Script()
    script.start("flow_started")
    for _ in range(2):
        script.start("method_execution_started")
        script.end("method_execution_finished")
    script.start("method_execution_started", triggered_by_event_id="f2")
    start = next(one for one in assembled(script.frames) if isinstance(one, StartSpan) and one.key == "f5")
    assert start.links == (Link("f1", "triggered_by"), Link("f3", "previous"))
