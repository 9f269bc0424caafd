"""Which scopes are open where a frame was emitted, rebuilt from the frames alone.

The runtime's own stack breaks when a non-streaming LLM call fails: it emits the failure twice, and the second
one pops the enclosing scope. So the stack is rebuilt along `previous_id`, and an end closes the nearest open
scope of its own type. On healthy streams this gives what `parent_id` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from otelstream.frame import FrameLike
from otelstream.span.chunks import Chunks
from otelstream.span.rules import Kind, Pair

REMEMBERED_FRAMES: Final = 100_000
"""Frames whose place is remembered; one that follows an older frame is placed by its `parent_id`."""


@dataclass(slots=True, eq=False)
class OpenSpan:
    """A span that was started: what is needed to annotate and to end it."""

    key: str
    kind: Kind
    parent: OpenSpan | None
    start_ns: int
    linked_to: frozenset[str] = frozenset()
    is_open: bool = True
    chunks: dict[str, Chunks] = field(default_factory=dict)

    def ancestry(self) -> Iterator[OpenSpan]:
        """Yield the span and its ancestors, innermost first."""
        span: OpenSpan | None = self
        while span is not None:
            yield span
            span = span.parent


@dataclass(slots=True, eq=False)
class Scope:
    """What a start frame opened.

    Attributes:
        pair: The row of the table that says what ends it.
        key: Value of the pair's key field, None where the pair has none.
        parent: The scope around it.
        span: Its own span, or that of the enclosing scope if it has none.
        is_open: False once an end frame has closed it.
    """

    pair: Pair
    key: str | None
    parent: Scope | None
    span: OpenSpan
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame stands: the innermost scope after it, and the span that holds it."""

    scope: Scope | None
    span: OpenSpan


class Scopes:
    """The places of the frames seen so far, and the scopes that they opened."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._opened: dict[str, Scope] = {}
        self._keyed: dict[str, Scope] = {}

    def remember(self, frame: FrameLike, place: Place) -> None:
        """Note where a frame stands, for those that will name it as their previous one."""
        self._places[frame.id] = place
        if len(self._places) > REMEMBERED_FRAMES:
            del self._places[next(iter(self._places))]

    def place_of(self, frame_id: object) -> Place | None:
        """Return where a frame of this session stands, None for one that is not known."""
        return self._places.get(frame_id) if isinstance(frame_id, str) else None

    def open(self, frame: FrameLike, scope: Scope) -> None:
        """Note the scope that a frame opened."""
        self._opened[frame.id] = scope
        if scope.key is not None:
            self._keyed[scope.key] = scope

    def opened_by(self, frame_id: object) -> Scope | None:
        """Return the scope that a frame opened, be it still open or not."""
        return self._opened.get(frame_id) if isinstance(frame_id, str) else None

    def keyed(self, key: str | None) -> Scope | None:
        """Return the scope of that key (an LLM call's `call_id`), be it still open or not."""
        return self._keyed.get(key) if key is not None else None

    def enclosing(self, frame: FrameLike) -> Scope | None:
        """Return the innermost open scope where a frame was emitted, as far as the stream tells."""
        previous = self.place_of(frame.previous_id)
        if previous is not None and previous.scope is not None:
            return _innermost_open(previous.scope)
        return _innermost_open(self.opened_by(frame.parent_id))

    def ended_by(self, frame: FrameLike, pair: Pair, enclosing: Scope | None) -> Scope | None:
        """Return the scope that an end frame speaks of; it is open, unless this is its second end.

        That is the nearest open one of its type in its own context. An end in another context than its start
        names what it ends: by the pair's key, or by `started_event_id`.
        """
        key = key_of(frame, pair)
        scope = enclosing
        while scope is not None:
            if scope.is_open and scope.pair is pair and scope.key == key:
                return scope
            scope = scope.parent
        named = self.keyed(key) or self.opened_by(frame.data.get("started_event_id"))
        return named if named is not None and named.pair is pair else None


def key_of(frame: FrameLike, pair: Pair) -> str | None:
    """Return the value of the pair's key field in a frame, None where the pair has none."""
    value = frame.data.get(pair.key) if pair.key is not None else None
    return value if isinstance(value, str) else None


def _innermost_open(scope: Scope | None) -> Scope | None:
    # A scope without a span of its own (an internal flow) may outlive the span that it shares.
    while scope is not None and not (scope.is_open and scope.span.is_open):
        scope = scope.parent
    return scope
