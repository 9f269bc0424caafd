"""The assembler over sessions in which something is wrong: unknown, repeated, too late, never ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from otelstream.span import assembler
from otelstream.span.model import AddEvent, Anomaly, Operation, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import START_NS, Script, assembled, make_frame

Violations = Callable[[Sequence[Operation]], list[str]]

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


def test_the_first_scope_may_have_a_parent_elsewhere() -> None:
    """A session that begins inside a scope of its caller is not odd."""
    assert anomalies_of(assembled([make_frame("flow_started", parent="elsewhere", previous="before")])) == []


def test_an_unknown_parent_is_an_anomaly() -> None:
    """A frame that hangs in nothing known hangs in the root, and is counted there."""
    frames = [make_frame("flow_started", id="a"), make_frame("tick", id="b", parent="x", previous="y")]
    operations = assembled(frames)
    assert anomalies_of(operations) == [Anomaly("dangling_previous", "b"), Anomaly("dangling_parent", "b")]
    assert events_of(operations) == [("a", "tick")]
    assert root_of(operations).attributes["otelstream.anomalies.dangling_parent"] == 1


def test_an_unknown_parent_is_found_by_the_previous_frame() -> None:
    """A frame stands where the frame before it stands, if its parent is not known."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    frames = [*script.frames, make_frame("tick", id="z", parent="x", previous="f1", at_ms=2)]
    operations = assembled(frames)
    assert anomalies_of(operations) == [Anomaly("dangling_parent", "z")]
    assert events_of(operations) == [("f1", "tick")]


def test_a_chunk_can_be_the_previous_frame() -> None:
    """What follows a chunk, with a parent that is not known, stands in the same call."""
    script = Script()
    script.start("flow_started")
    script.start("llm_call_started", call_id="c1")
    script.emit("llm_stream_chunk", call_id="c1")
    frames = [*script.frames, make_frame("tick", id="z", parent="x", previous="f2", at_ms=3)]
    operations = assembled(frames, options=SpanOptions(chunk_events="off"))
    assert anomalies_of(operations) == [Anomaly("dangling_parent", "z")]
    assert events_of(operations) == [("f1", "tick")]


def test_an_unknown_previous_frame_is_found_by_the_parent() -> None:
    """A frame of another context stands in the scope that it names."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    frames = [*script.frames, make_frame("tick", id="z", parent="f1", previous="x", at_ms=2)]
    operations = assembled(frames)
    assert anomalies_of(operations) == [Anomaly("dangling_previous", "z")]
    assert events_of(operations) == [("f1", "tick")]


def test_a_frame_in_a_scope_that_is_over_is_an_anomaly() -> None:
    """It goes to the span around that scope."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    script.end("method_execution_finished")
    frames = [*script.frames, make_frame("tick", id="z", parent="f1", previous="f2", at_ms=3)]
    operations = assembled(frames)
    assert anomalies_of(operations) == [Anomaly("frame_after_end", "z")]
    assert events_of(operations) == [("f0", "tick")]


def test_an_end_without_a_start_is_an_event() -> None:
    """It changes no scope: the span around it stays open."""
    script = Script()
    script.start("flow_started")
    script.emit("task_completed")
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert anomalies_of(operations) == [Anomaly("end_without_start", "f1")]
    assert (events_of(operations), times_of(operations)) == ([("f0", "task_completed")], {"f0": (0, 2)})


def test_a_second_end_is_an_event() -> None:
    """What is over does not end again, nor does what is around it."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    script.end("method_execution_finished")
    script.emit("method_execution_finished", started_event_id="f1")
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert anomalies_of(operations) == [Anomaly("duplicate_end", "f3")]
    assert events_of(operations) == [("f0", "method_execution_finished")]
    assert times_of(operations) == {"f0": (0, 4), "f1": (1, 2)}


def test_a_span_does_not_end_before_it_starts() -> None:
    """A clock that goes back gives a span of no length and an anomaly."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    script.wait(-5)
    script.end("method_execution_finished")
    operations = assembled(script.frames)
    assert anomalies_of(operations) == [Anomaly("clock_backwards", "f2"), Anomaly("end_before_start", "f1")]
    assert times_of(operations) == {"f0": (0, 1), "f1": (1, 1)}
    assert root_of(operations).attributes["otelstream.anomalies.end_before_start"] == 1


def test_a_root_that_ends_before_it_starts_is_counted() -> None:
    """Every anomaly is counted on the root, also the one about the root."""
    frames = [make_frame("flow_started", id="a", at_ms=5), make_frame("flow_finished", id="b", previous="a")]
    operations = assembled(frames)
    assert anomalies_of(operations) == [Anomaly("clock_backwards", "b"), Anomaly("end_before_start", "a")]
    assert root_of(operations).attributes["otelstream.anomalies.end_before_start"] == 1


def test_a_repeated_event_is_two_events() -> None:
    """A frame that comes twice and opens nothing is taken twice."""
    frames = [make_frame("flow_started", id="a"), *[make_frame("tick", id="b", parent="a", previous="a")] * 2]
    operations = assembled(frames)
    assert (anomalies_of(operations), events_of(operations)) == ([], [("a", "tick"), ("a", "tick")])


def test_a_repeated_start_is_an_event() -> None:
    """A frame that comes twice opens one span, and the second time says something odd in it."""
    operations = assembled([make_frame("flow_started"), make_frame("flow_started")])
    assert anomalies_of(operations) == [Anomaly("duplicate_start", "f0")]
    assert (events_of(operations), times_of(operations)) == ([("f0", "flow_started")], {"f0": (0, 0)})


def test_a_start_with_the_id_of_the_session_is_repeated(
    violations: Violations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session's own span has its first frame's id; a start with that id opens no second one."""
    monkeypatch.setattr(assembler, "MAX_EARLY", 1)
    frames = [make_frame("tick", id="a"), make_frame("tick", id="b"), make_frame("flow_started", id="a")]
    assert violations(assembled(frames)) == []


def test_a_repeated_start_needs_one_end(violations: Violations) -> None:
    """The first end closes the one span of that id; the second end is one too many."""
    frames = [
        make_frame("flow_started", id="a"),
        make_frame("method_execution_started", id="b", parent="a", previous="a"),
        make_frame("method_execution_started", id="b", parent="a", previous="b"),
        make_frame("method_execution_finished", id="c", parent="a", previous="b", at_ms=1),
        make_frame("method_execution_finished", id="d", parent="a", previous="c", at_ms=2),
    ]
    operations = assembled(frames)
    assert violations(operations) == []
    assert [one.name for one in anomalies_of(operations)] == [
        "wrong_parent",
        "duplicate_start",
        "end_without_start",
    ]
    assert times_of(operations) == {"a": (0, 2), "b": (0, 1)}


@pytest.mark.parametrize("odd", [None, 5, "elsewhere", [], {}, ["f0"], "f2"])
def test_odd_references_are_no_links(odd: object) -> None:
    """A reference to nothing known, to the span around it or of another type changes nothing."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started", triggered_by_event_id=odd, started_event_id=odd, call_id=odd)
    script.emit("llm_call_completed", triggered_by_event_id=odd, started_event_id=odd, call_id=odd)
    starts = [one for one in assembled(script.frames) if isinstance(one, StartSpan)]
    assert [(one.key, one.parent, one.links) for one in starts] == [("f0", None, ()), ("f1", "f0", ())]


def test_a_frame_may_follow_itself() -> None:
    """A frame that names itself as its parent and predecessor is taken as one that names nothing known."""
    frames = [make_frame("flow_started", id="a"), make_frame("tick", id="b", parent="b", previous="b")]
    operations = assembled(frames)
    assert anomalies_of(operations) == [Anomaly("dangling_previous", "b"), Anomaly("dangling_parent", "b")]
    assert events_of(operations) == [("a", "tick")]


def test_deep_nesting_is_no_problem(violations: Violations) -> None:
    """Scopes that are never closed may be nested deeper than Python recurses."""
    script = Script()
    for _ in range(1_100):
        script.start("method_execution_started")
    assert violations(assembled(script.frames)) == []
