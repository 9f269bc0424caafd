"""The assembler over pairs that are no scopes of the runtime: they stand beside what follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from otelstream.span.model import Anomaly, EndSpan, Operation, SpanError
from otelstream.span.rules import PAIRS, Pair
from otelstream.testing import START_NS, Script, assembled

Outline = Callable[[Sequence[Operation]], list[str]]
Violations = Callable[[Sequence[Operation]], list[str]]
BESIDE = [pair for pair in PAIRS if not pair.encloses]
MS = 1_000_000


def ends_of(operations: Sequence[Operation]) -> dict[str, float]:
    """When each span ended, in milliseconds after the script's start."""
    return {one.key: (one.end_ns - START_NS) / MS for one in operations if isinstance(one, EndSpan)}


def anomalies_of(operations: Sequence[Operation]) -> list[Anomaly]:
    """The anomalies among operations."""
    return [one for one in operations if isinstance(one, Anomaly)]


@pytest.mark.parametrize("pair", BESIDE, ids=lambda pair: pair.start)
def test_what_follows_is_beside_it(outline: Outline, pair: Pair) -> None:
    """A span that opens between start and end is a child of what is around both."""
    key = {pair.key: 1} if pair.key else {}
    script = Script()
    script.start("flow_started", flow_name="F")
    script.emit(pair.start, **key)
    script.start("method_execution_started", method_name="m")
    script.end("method_execution_finished")
    script.emit(pair.ends[0], **key)
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert outline(operations) == ["invoke_workflow F", f"  {pair.kind.span_name}", "  method m"]
    assert (anomalies_of(operations), ends_of(operations)) == ([], {"f2": 3, "f1": 4, "f0": 5})


@pytest.mark.parametrize("pair", BESIDE, ids=lambda pair: pair.start)
def test_every_way_to_end_it_ends_it(violations: Violations, pair: Pair) -> None:
    """Each of its end types closes the span, with an error where the type says so."""
    for end in pair.ends + pair.fails:
        script = Script()
        script.start("flow_started")
        script.emit(pair.start)
        script.emit(end, error="no")
        script.end("flow_finished")
        operations = assembled(script.frames)
        (leaf,) = [one for one in operations if isinstance(one, EndSpan) and one.key == "f1"]
        assert (leaf.end_ns, leaf.error) == (
            START_NS + 2 * MS,
            SpanError("_OTHER", "no") if end in pair.fails else None,
        )
        assert violations(operations) == []


def test_parallel_steps_are_told_apart_by_their_number() -> None:
    """Steps may end in any order."""
    script = Script()
    script.start("flow_started")
    script.emit("plan_step_started", step_number=1)
    script.emit("plan_step_started", step_number=2)
    script.emit("plan_step_completed", step_number=1, success=True)
    script.emit("plan_step_completed", step_number=2, success=True)
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert (anomalies_of(operations), ends_of(operations)) == ([], {"f1": 3, "f2": 4, "f0": 5})


def test_nothing_is_guessed_of_two_that_are_alike() -> None:
    """An end that may belong to two starts of other contexts ends neither; the session's end does."""
    script = Script()
    script.start("flow_started")
    script.emit("checkpoint_started")
    script.emit("checkpoint_started")
    script.emit("tick")
    script.emit("checkpoint_completed")
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert [one.name for one in anomalies_of(operations)] == ["end_without_start", "left_open", "left_open"]


def test_the_one_right_before_is_meant() -> None:
    """Of two that are alike, an end that follows a start right away is of that one."""
    script = Script()
    script.start("flow_started")
    branch = script.fork()
    script.emit("checkpoint_started")
    branch.emit("checkpoint_started")
    script.emit("checkpoint_completed")
    branch.emit("checkpoint_completed")
    script.end("flow_finished")
    operations = assembled(script.frames)
    assert (anomalies_of(operations), ends_of(operations)) == ([], {"f1": 3, "f2": 4, "f0": 5})


def test_a_second_end_is_one_too_many() -> None:
    """A second end of the same leaf is an anomaly of its own name, and an event."""
    script = Script()
    script.start("flow_started")
    script.emit("checkpoint_started")
    script.emit("checkpoint_completed")
    script.emit("checkpoint_completed")
    script.end("flow_finished")
    assert anomalies_of(assembled(script.frames)) == [Anomaly("duplicate_end", "f3")]


def test_a_leaf_is_no_root(outline: Outline) -> None:
    """What comes before the first scope waits for it, a checkpoint's restore as well."""
    script = Script()
    script.emit("checkpoint_restore_started")
    script.emit("checkpoint_restore_completed")
    script.start("flow_started", flow_name="F")
    script.end("flow_finished")
    assert outline(assembled(script.frames)) == ["invoke_workflow F", "  checkpoint"]


def test_a_session_of_leaves_has_a_root(outline: Outline) -> None:
    """Where no scope comes, the session is around them."""
    script = Script()
    script.emit("checkpoint_fork_started")
    script.emit("checkpoint_fork_completed")
    assert outline(assembled(script.frames)) == ["stream_session", "  checkpoint"]
