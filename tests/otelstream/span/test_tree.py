"""Operations as a tree of finished spans."""

from __future__ import annotations

from otelstream.span.model import AddEvent, Anomaly, EndSpan, Operation, SpanError, StartSpan
from otelstream.span.tree import SpanNode, tree_of

ROOT = StartSpan("a", None, "flow", client=False, start_ns=10, attributes={"x": 1})
FIRST = StartSpan("b", "a", "first", client=False, start_ns=20, attributes={"x": 1, "y": 1})
SECOND = StartSpan("c", "a", "second", client=True, start_ns=30, attributes={})
EVENT = AddEvent("b", "tick", 25, {})
ERROR = SpanError("ValueError", "no")
OPERATIONS: list[Operation] = [
    ROOT,
    FIRST,
    EVENT,
    Anomaly("duplicate_end", "z"),
    SECOND,
    EndSpan("b", 40, {"y": 2, "z": 3}, ERROR),
    EndSpan("a", 60),
]


def test_operations_become_a_tree() -> None:
    """Children are in the order of their start; the end adds to and replaces attributes of the start."""
    assert tree_of(OPERATIONS) == SpanNode(
        started=ROOT,
        attributes={"x": 1},
        end_ns=60,
        children=[
            SpanNode(FIRST, {"x": 1, "y": 2, "z": 3}, end_ns=40, error=ERROR, events=[EVENT]),
            SpanNode(SECOND, {}),
        ],
    )


def test_no_operations_are_no_tree() -> None:
    """A session that made no span has no root."""
    assert tree_of([]) is None


def test_walk_yields_parents_first() -> None:
    """A walk starts at the root and takes each branch to its end."""
    root = tree_of([*OPERATIONS, StartSpan("d", "b", "deep", client=False, start_ns=35, attributes={})])
    assert root is not None
    assert [node.started.key for node in root.walk()] == ["a", "b", "d", "c"]


def test_the_duration_of_an_open_span_is_zero() -> None:
    """A span lasts from its start to its end, and nothing while it has none."""
    root = tree_of(OPERATIONS)
    assert root is not None
    assert [node.duration_ns for node in root.walk()] == [50, 20, 0]
