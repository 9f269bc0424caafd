"""The state machine: `feed` takes every frame and returns what it does to the spans.

Pure: it owns no clock and knows no OpenTelemetry. A live run, NDJSON and a recording take this one path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from otelstream.frame import FrameLike, Outcome, timestamp_ns
from otelstream.span import names, oddities, rules
from otelstream.span.attributes import at_end
from otelstream.span.budget import Budget
from otelstream.span.chunks import Chunks
from otelstream.span.content import content_at_end
from otelstream.span.events import event_of
from otelstream.span.failures import error_of_outcome, failure_of
from otelstream.span.lifetimes import end_of, span_of
from otelstream.span.links import follows
from otelstream.span.model import (
    AddEvent,
    Anomaly,
    AnomalyName,
    Attributes,
    EndSpan,
    Operation,
    StartSpan,
)
from otelstream.span.options import SpanOptions
from otelstream.span.rules import EVENT, Pair, Role, Rule
from otelstream.span.scopes import MAX_DEPTH, OpenSpan, Scope, Scopes, innermost_open, key_of

MAX_EARLY: Final = 1_000
"""Frames that wait for the first scope of a session; with more of them it has none, and gets its own root."""

_NOTHING: Final[Attributes] = {}
_DEFAULT: Final = SpanOptions()


class SpanAssembler:
    """Frames of one session in, span operations out.

    Args:
        options: How frames become spans.

    Raises:
        ValueError: `options.rows` has a row for a type or a kind that the table has already.
    """

    def __init__(self, options: SpanOptions = _DEFAULT) -> None:
        self._options = options
        self._rules = rules.with_rows(options.rows) if options.rows else rules.RULES
        self._scopes = Scopes()
        self._order = oddities.Order()
        self._budget = Budget(options)
        self._root: OpenSpan | None = None
        self._root_end: EndSpan | None = None
        self._first_id: str | None = None
        self._continues = False
        self._open: dict[str, OpenSpan] = {}
        self._early: list[FrameLike] = []
        self._anomalies: Counter[str] = Counter()
        self._frames = 0
        self._closed = False

    def feed(self, frame: FrameLike) -> list[Operation]:
        """Take the next frame in its order of arrival; return what it does to the spans.

        Never raises for a frame with CrewAI's envelope: one that does not fit gives an `Anomaly`.
        """
        if self._closed:
            return [Anomaly("frame_after_close", frame.id)]
        if self._frames == 0:
            self._first_id = frame.id
        self._frames += 1
        return self._fitted(self._fed(frame))

    def close(self, outcome: Outcome, attributes: Attributes = _NOTHING) -> list[Operation]:
        """End every open span, the root last; return the operations. A second call returns none.

        Args:
            outcome: How the session ended, and when.
            attributes: More attributes for the root span.
        """
        if self._closed:
            return []
        operations = self._fitted(self._begin_without_scope()) if self._root is None and self._early else []
        self._closed = True
        return [*operations, *self._fitted(self._ended(outcome, attributes))]

    def _fitted(self, operations: Iterable[Operation]) -> list[Operation]:
        version = self._options.semconv
        if version != "1.41":
            operations = (_in_version(operation, version) for operation in operations)
        return [fitted for operation in operations for fitted in self._budget.fit(operation)]

    def _fed(self, frame: FrameLike) -> Iterator[Operation]:
        for name in self._order.oddities(frame):
            yield self._anomaly(name, frame.id)
        rule = self._rules.get(frame.type, EVENT)
        if self._root is None and not (
            rule.pair is not None and rule.role is Role.OPEN and rule.pair.encloses
        ):
            self._early.append(frame)
            if len(self._early) > MAX_EARLY:
                yield from self._begin_without_scope()
            return
        yield from self._taken(frame, rule)

    def _taken(self, frame: FrameLike, rule: Rule) -> Iterator[Operation]:
        enclosing = self._scopes.enclosing(frame)
        # A session's first frame may follow, and be in, whatever its caller did before.
        if self._root is not None and frame.id != self._first_id:
            for name in oddities.of_place(frame, rule, enclosing, self._scopes, self._root):
                yield self._anomaly(name, frame.id)
        if rule.role is Role.CHUNK:
            yield from self._adds_chunk(frame, enclosing)
        elif rule.pair is None:
            yield from self._annotates(frame, enclosing)
        elif rule.role is Role.CLOSE:
            yield from self._closes(frame, rule, rule.pair, enclosing)
        elif self._scopes.opened_by(frame.id) is None:
            yield from self._opens(frame, rule.pair, enclosing)
        else:
            yield self._anomaly("duplicate_start", frame.id)
            yield from self._annotates(frame, enclosing)

    def _opens(self, frame: FrameLike, pair: Pair, enclosing: Scope | None) -> Iterator[Operation]:
        parent = enclosing.span if enclosing is not None else self._root
        collapse = self._options.collapse_internal_flows and pair.kind is rules.FLOW
        if enclosing is not None and collapse and _is_internal(frame, enclosing):
            span = enclosing.span
            yield from self._annotates(frame, enclosing)
        else:
            span, started = span_of(frame, pair.kind, parent, self._scopes, self._options)
            self._open[span.key] = span
            yield started
        scope = Scope(frame.id, pair, key_of(frame, pair), enclosing, span)
        self._scopes.open(scope)
        self._stands(frame, scope, enclosing, scope)
        if parent is None:
            yield from self._begin(span)
        if self._root is not None and not self._continues:
            followed = follows(frame, pair.kind, parent, self._root)
            self._continues = followed is not None
            yield from [followed] if followed is not None else []

    def _closes(
        self, frame: FrameLike, rule: Rule, pair: Pair, enclosing: Scope | None
    ) -> Iterator[Operation]:
        scope = self._scopes.ended_by(frame, pair, enclosing)
        if scope is None or not scope.is_open:
            yield self._anomaly("end_without_start" if scope is None else "duplicate_end", frame.id)
            yield from self._annotates(frame, enclosing)
            return
        self._scopes.close(scope)
        span = scope.span
        self._stands(frame, scope, enclosing, scope.parent)
        if scope.parent is not None and scope.parent.span is span:
            yield from self._annotates(frame, enclosing)
            return
        error = failure_of(rule, frame.data, span.failed)
        if span.parent is not None:
            span.parent.failed = error or span.parent.failed
        attributes = at_end(pair.kind, frame.data)
        content = content_at_end(pair.kind, frame.data) if self._options.content != "NO_CONTENT" else {}
        if self._options.content_on_spans:
            attributes.update(content)
        if self._options.content_in_logs:
            span.told = {**span.told, **content}
        end = EndSpan(span.key, timestamp_ns(frame), attributes, error)
        if span is self._root:
            # Kept open until the session ends: late frames and the counts still belong to it.
            self._root_end = end
            span.over = True
        else:
            yield from self._end(span, end)

    def _stands(self, frame: FrameLike, scope: Scope, enclosing: Scope | None, after: Scope | None) -> None:
        """Note where the start or end frame of a scope stands; what stands beside holds nothing."""
        if scope.pair.encloses and scope.depth < MAX_DEPTH:
            self._scopes.remember(frame, after, scope.span)
        else:
            around = scope.span.parent or scope.span
            self._scopes.remember(frame, enclosing, around)

    def _adds_chunk(self, frame: FrameLike, enclosing: Scope | None) -> Iterator[Operation]:
        call_id = frame.data.get("call_id")
        call = self._scopes.keyed("llm_call_started", call_id if isinstance(call_id, str) else None)
        span = self._holder(call if call is not None and call.is_open else enclosing)
        if span.chunks is None:
            span.chunks = Chunks(
                self._options.chunk_events, self._options.stall_ns, self._options.span_events
            )
        self._scopes.remember(frame, enclosing, span, chunk=True)
        alone = self._options.chunk_events == "all" and self._budget.has_room(span.key)
        yield from span.chunks.add(span.key, frame, event=event_of(frame, span.key) if alone else None)

    def _annotates(self, frame: FrameLike, enclosing: Scope | None) -> Iterator[Operation]:
        span = self._holder(enclosing)
        self._scopes.remember(frame, enclosing, span)
        event = event_of(frame, span.key)
        span.last_ns = max(span.last_ns, event.time_ns)
        yield event

    def _holder(self, scope: Scope | None) -> OpenSpan:
        """Return the open span that events from inside a scope are added to."""
        scope = innermost_open(scope)
        span = scope.span if scope is not None else self._root
        assert span is not None, "frames before the root are held back"
        return span

    def _begin(self, root: OpenSpan) -> Iterator[Operation]:
        self._root = root
        early, self._early = self._early, []
        for frame in early:
            yield from self._taken(frame, self._rules.get(frame.type, EVENT))

    def _begin_without_scope(self) -> Iterator[Operation]:
        span, started = span_of(self._early[0], rules.SESSION, None, self._scopes, self._options)
        self._open[span.key] = span
        yield started
        yield from self._begin(span)

    def _ended(self, outcome: Outcome, attributes: Attributes) -> Iterator[Operation]:
        root = self._root
        if root is None:
            return
        at, error = max(outcome.ended_ns, self._order.latest_ns), error_of_outcome(outcome)
        for span in reversed([span for span in self._open.values() if span is not root]):
            yield self._anomaly("left_open", span.key)
            end = EndSpan(span.key, at, {names.END: outcome.state}, error, left_open=True)
            if outcome.state == "completed":
                # The run went on without it, as after a cancelled task: when it ended, nobody says.
                last_ns = max(span.start_ns, span.last_ns, span.chunks.last_ns if span.chunks else 0)
                end = replace(end, end_ns=last_ns, attributes={names.END: names.LEFT_OPEN})
            yield from self._end(span, end)
        if self._root_end is None and root.kind is not rules.SESSION:
            yield self._anomaly("left_open", root.key)
        end = self._root_end or EndSpan(root.key, at, left_open=root.kind is not rules.SESSION)
        attributes = {**end.attributes, **attributes, names.END: outcome.state, names.FRAMES: self._frames}
        *before, last = self._end(root, replace(end, attributes=attributes, error=error or end.error))
        yield from before
        assert isinstance(last, EndSpan), "the last word about a span is its end"
        counts = {names.ANOMALY_PREFIX + name: count for name, count in sorted(self._anomalies.items())}
        yield replace(last, attributes={**last.attributes, **counts})

    def _end(self, span: OpenSpan, end: EndSpan) -> Iterator[Operation]:
        del self._open[span.key]
        if end.end_ns < span.start_ns:
            yield self._anomaly("end_before_start", span.key)
            end = replace(end, end_ns=span.start_ns)
        yield from end_of(span, end, self._options)

    def _anomaly(self, name: AnomalyName, about: str) -> Anomaly:
        self._anomalies[name] += 1
        return Anomaly(name, about)


def _is_internal(frame: FrameLike, enclosing: Scope) -> bool:
    return enclosing.pair.kind in rules.INTERNAL_FLOWS.get(str(frame.data.get("flow_name")), ())


def _in_version(operation: Operation, version: names.Convention) -> Operation:
    if isinstance(operation, StartSpan | EndSpan | AddEvent):
        return replace(operation, attributes=names.in_version(operation.attributes, version))
    return operation
