"""Frames of one session to rows of `stored_spans`, at a cost that nobody notices for the frames of tokens.

Most frames are tokens, and all that rows tell of those is when the first came and how many there were. So the
assembler sees a call's first token; those that follow it in one chain are only counted. Whatever follows a
token that the assembler has not seen is told to follow one that it has: they stand in the same place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from otelstream.bridge.spancolumns import Inherited, Uncounted, span_row
from otelstream.frame import FrameLike, Outcome
from otelstream.span import names
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import EndSpan, Operation, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.rules import CHUNKS, LLM, RULES, Pair, Role
from recorder.session_row import SpanRow

REMEMBERED: Final = 5_000
"""Frames that a later one may follow, and spans that a later one may be in, as far as rows need them."""

REMEMBERED_TOKENS: Final = 200
"""Unseen tokens of an open call that a frame may follow; after an older one it is placed by `parent_id`."""

_TOKENS: Final = frozenset(CHUNKS)
_CALLS: Final = {name: rule.role for name, rule in RULES.items() if rule.kind is LLM}
_NO_FRAME: Final = object()
_NOTHING: Final = Inherited()

V = TypeVar("V")


class SpanRows:
    """Frames of one session in, rows of the spans that ended out.

    The rows do not depend on the process's settings but for `rows`: internal flows collapsed, no content.

    Args:
        rows: Start and end types of the user's own.

    Raises:
        ValueError: A row does not fit into the table; see `otelstream.span.rules.with_rows`.
    """

    def __init__(self, rows: Sequence[Pair] = ()) -> None:
        self._assembler = SpanAssembler(
            SpanOptions(chunk_events="off", content="NO_CONTENT", rows=tuple(rows))
        )
        self._root_key = ""
        self._open: dict[str, _Open] = {}
        self._calls: dict[object, _Call] = {}
        self._anchors: _Recent[str] = _Recent()
        self._inherited: _Recent[Inherited] = _Recent()
        self._unseen = 0

    def feed(self, frame: FrameLike) -> list[SpanRow]:
        """Take the next frame in its order of arrival; return the rows of the spans that ended with it.

        Never raises for a frame with CrewAI's envelope.
        """
        if frame.type not in _TOKENS:
            if frame.type in _CALLS:
                self._call_changes(frame)
            return self._frame(frame)
        try:
            call = self._calls[frame.data["call_id"]]
        except (KeyError, TypeError):  # unknown, or a list or an object, which is no id
            call = None
        if call is None:
            self._see_lasts()  # it may be held by the span of one of these
            return self._frame(frame)
        if call.last_id != frame.previous_id:
            return self._anchor(frame, call)
        call.last = frame
        call.last_id = frame_id = frame.id
        call.unseen_ids.append(frame_id)
        call.unseen += 1
        return []

    def close(self, outcome: Outcome) -> list[SpanRow]:
        """Return the rows of the spans that are still open, the root last; none when called again.

        Args:
            outcome: How the session ended, and when.
        """
        self._see_lasts()
        return self._rows(self._assembler.close(outcome))

    def _frame(self, frame: FrameLike) -> list[SpanRow]:
        """Let the assembler see a frame."""
        previous = frame.previous_id
        anchor = None if previous is None else self._anchor_of(previous)
        self._anchors.put(frame.id, frame.id)
        seen = frame if anchor is None or anchor == previous else _following(frame, anchor)
        return self._rows(self._assembler.feed(seen))

    def _anchor(self, frame: FrameLike, call: _Call) -> list[SpanRow]:
        """Let the assembler see a token, and remember it as the one that the next ones follow."""
        rows = self._frame(frame)
        self._note_unseen(call)
        call.anchor = frame.id
        call.last = None
        # Where nothing is known of the frame before, each one stands where its own `parent_id` says.
        call.last_id = frame.id if frame.parent_id == call.started_by else _NO_FRAME
        return rows

    def _call_changes(self, frame: FrameLike) -> None:
        """Let the assembler see the last token of a call that is replaced, or whose span outlives its end."""
        call_id = frame.data.get("call_id")
        call = self._calls.get(call_id) if isinstance(call_id, str) else None
        root = self._open.get(self._root_key)
        is_root = root is not None and root.call is call
        if call is not None and (is_root or _CALLS[frame.type] is Role.OPEN):
            self._see_last(call)
            self._retire(call)

    def _see_lasts(self) -> None:
        for call in self._calls.values():
            self._see_last(call)

    def _see_last(self, call: _Call) -> None:
        """Let the assembler see when the last token of an open call came."""
        if call.last is not None:
            call.unseen -= 1
            self._assembler.feed(_following(call.last, call.anchor))
            call.last = None

    def _anchor_of(self, frame_id: str) -> str | None:
        """Return a frame that stands where that one does and that the assembler has seen, None for none."""
        anchor = self._anchors.get(frame_id)
        if anchor is not None:
            return anchor
        found = (call for call in self._calls.values() if frame_id in call.unseen_ids)
        return next((call.anchor for call in found), None)

    def _rows(self, operations: Iterable[Operation]) -> list[SpanRow]:
        rows = []
        for operation in operations:
            if isinstance(operation, StartSpan):
                self._started(operation)
            elif isinstance(operation, EndSpan):
                rows.append(self._ended(operation))
        return rows

    def _started(self, started: StartSpan) -> None:
        if started.parent is None:
            self._root_key = started.key
        around = self._inherited.get(started.parent or "") or _NOTHING
        inherited = around.within(started)
        self._inherited.put(started.key, inherited)
        span = self._open[started.key] = _Open(started, inherited)
        call_id = started.attributes.get(names.CALL_ID)
        if call_id is not None and started.attributes.get(names.FRAME_TYPE) in _CALLS:
            span.call = self._calls[call_id] = _Call(call_id, started.key)

    def _ended(self, end: EndSpan) -> SpanRow:
        span = self._open.pop(end.key)
        unseen = 0 if span.call is None else span.call.unseen
        self._retire(span.call)
        self._unseen += unseen
        return span_row(self._root_key, span.started, end, span.inherited, Uncounted(unseen, self._unseen))

    def _retire(self, call: _Call | None) -> None:
        """Count no more tokens of a call."""
        if call is not None and self._calls.get(call.id) is call:
            del self._calls[call.id]
            self._note_unseen(call)

    def _note_unseen(self, call: _Call) -> None:
        self._anchors.put_all(dict.fromkeys(call.unseen_ids, call.anchor))
        call.unseen_ids.clear()


@dataclass(slots=True)
class _Call:
    """An LLM call that is open.

    Attributes:
        id: Its `call_id`.
        started_by: Id of the frame that opened it.
        anchor: Its latest token that the assembler has seen.
        last_id: Id of its latest token: the next one may go unseen if it follows that one.
        last: That token, None if it was seen.
        unseen: How many tokens the assembler has not seen.
        unseen_ids: Ids of the latest of these that follow the anchor.
    """

    id: object
    started_by: str
    anchor: str = ""
    last_id: object = _NO_FRAME
    last: FrameLike | None = None
    unseen: int = 0
    unseen_ids: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TOKENS))


@dataclass(slots=True)
class _Open:
    """A span that has started."""

    started: StartSpan
    inherited: Inherited
    call: _Call | None = None


class _Recent(Generic[V]):
    """Values by key, of which at least the `REMEMBERED` latest are there, and at most about twice as many."""

    def __init__(self) -> None:
        self._new: dict[str, V] = {}
        self._old: dict[str, V] = {}

    def get(self, key: str) -> V | None:
        """Return a value, None if it is not known (any more)."""
        value = self._new.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: str, value: V) -> None:
        """Remember a value."""
        self._new[key] = value
        if len(self._new) >= REMEMBERED:
            self._old, self._new = self._new, {}

    def put_all(self, values: dict[str, V]) -> None:
        """Remember some values."""
        self._new.update(values)
        if len(self._new) >= REMEMBERED:
            self._old, self._new = self._new, {}


@dataclass(frozen=True, slots=True)
class _Rechained:
    """A frame that follows another one than it says."""

    id: str
    seq: int | None
    type: str
    channel: str
    namespace: list[str]
    timestamp: datetime
    parent_id: str | None
    previous_id: str | None
    data: dict[str, Any]


def _following(frame: FrameLike, previous_id: str) -> FrameLike:
    return _Rechained(
        id=frame.id,
        seq=frame.seq,
        type=frame.type,
        channel=frame.channel,
        namespace=frame.namespace,
        timestamp=frame.timestamp,
        parent_id=frame.parent_id,
        previous_id=previous_id,
        data=frame.data,
    )
