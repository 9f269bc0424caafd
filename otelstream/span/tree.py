"""Span operations as finished spans, and the tree that they form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from otelstream.span.model import (
    AddEvent,
    Anomaly,
    Attributes,
    EndSpan,
    Follow,
    Operation,
    SpanError,
    StartSpan,
)


@dataclass(slots=True)
class SpanNode:
    """A span with all that was said of it.

    Attributes:
        started: How it began.
        attributes: Those of its start and of its end.
        end_ns: Nanoseconds since the epoch, None while it is open.
        error: Set when it failed.
        events: Its events, in order.
        children: Spans beneath it, in the order of their start.
    """

    started: StartSpan
    attributes: Attributes
    end_ns: int | None = None
    error: SpanError | None = None
    events: list[AddEvent] = field(default_factory=list)
    children: list[SpanNode] = field(default_factory=list)

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from start to end, 0 while it is open."""
        return 0 if self.end_ns is None else self.end_ns - self.started.start_ns

    def walk(self) -> Iterator[SpanNode]:
        """Yield the span and all beneath it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree_of(operations: Iterable[Operation]) -> SpanNode | None:
    """Return the root of the spans that the operations of one session made, None if they made none."""
    nodes: dict[str, SpanNode] = {}
    root: SpanNode | None = None
    for operation in operations:
        if isinstance(operation, StartSpan):
            node = SpanNode(operation, operation.attributes)
            nodes[operation.key] = node
            if operation.parent is None:
                root = node
            else:
                nodes[operation.parent].children.append(node)
        elif isinstance(operation, AddEvent):
            if not operation.log_only:
                nodes[operation.key].events.append(operation)
        elif isinstance(operation, EndSpan):
            node = nodes[operation.key]
            node.attributes = {**node.attributes, **operation.attributes}
            node.end_ns, node.error = operation.end_ns, operation.error
        else:
            assert isinstance(operation, Anomaly | Follow), "anomalies are counted on the root"
    return root
