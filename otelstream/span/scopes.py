"""Which scopes are open where a frame was emitted, rebuilt from the frames alone.

The runtime's own stack breaks when a non-streaming LLM call fails: it emits the failure twice, and the second
one pops the enclosing scope. So the stack is rebuilt along `previous_id`, and an end closes the nearest open
scope of its own type. On healthy streams this gives what `parent_id` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from otelstream.frame import FrameLike
from otelstream.span.chunks import Chunks
from otelstream.span.model import Attributes, SpanError
from otelstream.span.rules import RUNTIME_STARTS, Kind, Pair
from otelstream.span.scalars import number

REMEMBERED_FRAMES: Final = 5_000
"""Frames (and as many chunks) whose place is remembered, besides those that opened what is still open.

One that follows an older frame is placed by its `parent_id`.
"""

REMEMBERED_SCOPES: Final = 5_000
"""Ended scopes that are remembered: a second end or a late frame is told from one of another session."""

MAX_DEPTH: Final = 100
"""Deepest nesting, as the runtime's own; starts of a user's types that never end would nest for ever."""

_NONE: Final[Attributes] = {}


@dataclass(slots=True, eq=False)
class OpenSpan:
    """A span that was started: what is needed to annotate and to end it.

    Attributes:
        key: Id of the frame that opened it.
        kind: What it is.
        parent: The span around it.
        start_ns: When it began.
        linked_to: Keys of the spans that it links to.
        facts: What it and those around it tell the spans beneath it: the agent's model, the conversation.
        told: What the log record about it will tell, where one is asked for.
        is_open: False once it was ended.
        over: Whether a frame has ended it; a root is open until its session ends.
        last_ns: When the last thing happened in it or beneath it.
        chunks: Its chunk frames, None without any.
        failed: The last failure of a span beneath it, as `error.type` is not told again higher up.
    """

    key: str
    kind: Kind
    parent: OpenSpan | None
    start_ns: int
    linked_to: frozenset[str] = frozenset()
    facts: Attributes = field(default_factory=lambda: _NONE)
    told: Attributes = field(default_factory=lambda: _NONE)
    is_open: bool = True
    over: bool = False
    last_ns: int = 0
    chunks: Chunks | None = None
    failed: SpanError | None = None

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
        id: Id of that frame.
        pair: The row of the table that says what ends it.
        key: Value of the pair's key field, None where the pair has none.
        parent: The scope around it.
        span: Its own span, or that of the enclosing scope if it has none.
        is_open: False once an end frame has closed it.
        depth: How many scopes are around it.
    """

    id: str
    pair: Pair
    key: str | None
    parent: Scope | None
    span: OpenSpan
    is_open: bool = True
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the scopes around this one."""
        self.depth = 0 if self.parent is None else self.parent.depth + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame stands: the innermost scope after it, and the span that holds it."""

    scope: Scope | None
    span: OpenSpan


class Scopes:
    """The places of the frames seen lately, and the scopes that they opened."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._chunk_places: dict[str, Place] = {}
        self._opened: dict[str, Scope] = {}
        self._keyed: dict[tuple[str, str], list[Scope]] = {}
        self._beside: dict[str, list[Scope]] = {}
        self._last_beside: dict[tuple[str, str | None], Scope] = {}
        self._ended: deque[Scope] = deque()

    def remember(self, frame: FrameLike, scope: Scope | None, span: OpenSpan, *, chunk: bool = False) -> None:
        """Note where a frame stands, for those that will name it as their previous one.

        Chunks are remembered apart: a branch that waits while another streams must not be forgotten.
        """
        place = self.place_of(frame.previous_id)
        if place is None or place.scope is not scope or place.span is not span:
            place = Place(scope, span)
        places = self._chunk_places if chunk else self._places
        places[frame.id] = place
        if len(places) > REMEMBERED_FRAMES:
            del places[next(iter(places))]

    def place_of(self, frame_id: object) -> Place | None:
        """Return where a frame of this session stands, None for one that is not known."""
        if not isinstance(frame_id, str):
            return None
        place = self._chunk_places.get(frame_id) or self._places.get(frame_id)
        if place is not None:
            return place
        opened = self._opened.get(frame_id)
        return Place(opened, opened.span) if opened is not None and opened.pair.encloses else None

    def open(self, scope: Scope) -> None:
        """Note the scope that a frame opened."""
        self._opened[scope.id] = scope
        if scope.key is not None:
            self._keyed.setdefault((scope.pair.start, scope.key), []).append(scope)
        if not scope.pair.encloses:
            self._beside.setdefault(scope.pair.start, []).append(scope)

    def close(self, scope: Scope) -> None:
        """Note that a scope has ended; the oldest of those that have are forgotten."""
        scope.is_open = False
        if not scope.pair.encloses:
            self._beside[scope.pair.start].remove(scope)
            self._last_beside[scope.pair.start, scope.key] = scope
        self._ended.append(scope)
        if len(self._ended) > REMEMBERED_SCOPES:
            self._forget(self._ended.popleft())

    def opened_by(self, frame_id: object) -> Scope | None:
        """Return the scope that a frame opened, be it still open or not."""
        return self._opened.get(frame_id) if isinstance(frame_id, str) else None

    def keyed(self, start: str, key: str | None) -> Scope | None:
        """Return the latest scope of that key (an LLM call's `call_id`), be it still open or not."""
        found = self._keyed.get((start, key)) if key is not None else None
        return found[-1] if found else None

    def enclosing(self, frame: FrameLike) -> Scope | None:
        """Return the innermost scope where a frame was emitted, as far as the stream tells.

        Work that outlives its scope (a thread that saves a memory) is still in it, although another context
        has ended it: so says the runtime's own stack. Of other scopes the runtime knows nothing; once they
        are over, they are over everywhere.
        """
        previous = self.place_of(frame.previous_id)
        if previous is not None and previous.scope is not None:
            scope: Scope | None = previous.scope
            while scope is not None and not scope.is_open and scope.pair.start not in RUNTIME_STARTS:
                scope = scope.parent
            return scope
        claimed = self.opened_by(frame.parent_id)
        return claimed if claimed is not None and claimed.pair.encloses else None

    def ended_by(self, frame: FrameLike, pair: Pair, enclosing: Scope | None) -> Scope | None:
        """Return the scope that an end frame speaks of; it is open, unless this is its second end.

        That is the nearest open one of its type in its own context. An end in another context than its start
        names what it ends: by the pair's key, or by `started_event_id`.
        """
        key = key_of(frame, pair)
        if not pair.encloses:
            return self._ended_beside(frame, pair, key, enclosing)
        scope = enclosing
        while scope is not None:
            if scope.is_open and scope.pair is pair and scope.key == key:
                return scope
            scope = scope.parent
        named = self.keyed(pair.start, key) or self.opened_by(frame.data.get("started_event_id"))
        return named if named is not None and named.pair is pair else None

    def _ended_beside(
        self, frame: FrameLike, pair: Pair, key: str | None, enclosing: Scope | None
    ) -> Scope | None:
        """Return the one that stands in the same scope; without one, the only one of that key anywhere."""
        found = [scope for scope in self._beside.get(pair.start, ()) if scope.key == key]
        before = self.opened_by(frame.previous_id)
        if before in found:
            return before
        near = [scope for scope in found if scope.parent is enclosing] or found
        if near:
            return near[0] if len(near) == 1 else None
        over = self._last_beside.get((pair.start, key))
        return over if over is not None and over.parent is enclosing else None

    def _forget(self, scope: Scope) -> None:
        if self._last_beside.get((scope.pair.start, scope.key)) is scope:
            del self._last_beside[scope.pair.start, scope.key]
        if self._opened.get(scope.id) is scope:
            del self._opened[scope.id]
        if scope.key is not None:
            keyed = self._keyed[scope.pair.start, scope.key]
            keyed.remove(scope)
            if not keyed:
                del self._keyed[scope.pair.start, scope.key]


def key_of(frame: FrameLike, pair: Pair) -> str | None:
    """Return the value of the pair's key field in a frame, None where the pair has none."""
    value = frame.data.get(pair.key) if pair.key is not None else None
    if isinstance(value, int) and number(value) is not None:
        return str(value)
    return value if isinstance(value, str) else None


def innermost_open(scope: Scope | None) -> Scope | None:
    """Return the nearest scope whose span can still have events: this one, or one around it."""
    # A scope without a span of its own (an internal flow) may outlive the span that it shares.
    while scope is not None and not (scope.is_open and scope.span.is_open):
        scope = scope.parent
    return scope
