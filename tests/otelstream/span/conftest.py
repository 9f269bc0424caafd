"""What must hold for the operations of any session, and how to print them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from otelstream.frame import FrameLike
from otelstream.span import names
from otelstream.span.model import AddEvent, Anomaly, Attributes, EndSpan, Operation, StartSpan
from otelstream.span.rules import EVENT, RULES, Role, Rule
from otelstream.span.tree import SpanNode, tree_of


@dataclass
class Ledger:
    """Takes operations one by one and notes each rule that one of them breaks."""

    started: dict[str, StartSpan] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def take(self, operation: Operation) -> None:
        """Check one operation against those before it."""
        if isinstance(operation, Anomaly):
            return
        if any(self.started[key].parent is None for key in self.ended):
            self.broken.append(f"{operation.key}: something happens after the root has ended")
        if isinstance(operation, StartSpan):
            self.starts(operation)
        elif operation.key not in self.started or operation.key in self.ended:
            self.broken.append(f"{operation.key}: {type(operation).__name__} while the span is not open")
        elif isinstance(operation, EndSpan):
            self.ends(operation)

    def starts(self, start: StartSpan) -> None:
        """Check a start: a new key, one root, a known parent, known links."""
        if start.key in self.started:
            self.broken.append(f"{start.key}: started twice")
        if start.parent is None and self.started:
            self.broken.append(f"{start.key}: a second root")
        if start.parent is not None and start.parent not in self.started:
            self.broken.append(f"{start.key}: starts before its parent")
        if any(link.to not in self.started for link in start.links):
            self.broken.append(f"{start.key}: linked to no span")
        self.started[start.key] = start

    def ends(self, end: EndSpan) -> None:
        """Check an end: not before its start."""
        if end.end_ns < self.started[end.key].start_ns:
            self.broken.append(f"{end.key}: ends before it starts")
        self.ended.add(end.key)


def _violations(operations: Sequence[Operation]) -> list[str]:
    ledger = Ledger()
    for operation in operations:
        ledger.take(operation)
    return ledger.broken + [f"{key}: never ended" for key in ledger.started if key not in ledger.ended]


def _uncounted(
    frames: Sequence[FrameLike], operations: Sequence[Operation], table: Mapping[str, Rule] = RULES
) -> dict[str, int]:
    starts = {one.key for one in operations if isinstance(one, StartSpan)}
    events = [one.attributes for one in operations if isinstance(one, AddEvent)]
    single: Counter[object] = Counter(
        one.get(names.FRAME_ID) for one in events if names.CHUNK_RUN_COUNT not in one
    )
    ends = [one.attributes for one in operations if isinstance(one, EndSpan)]
    ended = sum(names.END not in one for one in ends)
    chunks = sum(_count(one, names.CHUNK_COUNT) for one in ends)
    in_runs = sum(_count(one, names.CHUNK_RUN_COUNT) for one in events)
    roles = Counter(_role(frame, table.get(frame.type, EVENT).role, starts, single) for frame in frames)
    return {
        "neither start, end, event nor chunk": roles["lost"],
        "chunks not in a run": chunks - in_runs,
        "chunks not counted": roles["chunk"] - chunks,
        "ends that ended nothing": roles["end"] - ended,
    }


def _count(attributes: Attributes, key: str) -> int:
    value = attributes.get(key, 0)
    assert isinstance(value, int)
    return value


def _role(frame: FrameLike, role: Role, starts: set[str], single: Counter[object]) -> str:
    if single[frame.id]:
        return "event"
    if role is Role.OPEN:
        return "start" if frame.id in starts else "lost"
    return {Role.CLOSE: "end", Role.CHUNK: "chunk"}.get(role, "lost")


def _outline(operations: Sequence[Operation]) -> list[str]:
    root = tree_of(operations)
    return [] if root is None else list(_names(root, ""))


def _names(node: SpanNode, indent: str) -> Iterator[str]:
    yield indent + node.started.name
    for child in node.children:
        yield from _names(child, indent + "  ")


@pytest.fixture(scope="session")
def violations() -> Callable[[Sequence[Operation]], list[str]]:
    """The rules that the operations of one session break, none if all is well."""
    return _violations


@pytest.fixture(scope="session")
def uncounted() -> Callable[..., dict[str, int]]:
    """How many frames left no trace, by what is missing; the root's own end, held back, counts as one.

    A table with rows of a user's own may be given.
    """
    return _uncounted


@pytest.fixture(scope="session")
def outline() -> Callable[[Sequence[Operation]], list[str]]:
    """The names of the spans, indented by their depth."""
    return _outline
