"""The state machine: `feed` takes every frame and returns what it does to the spans.

Pure: it owns no clock and knows no OpenTelemetry. A live run, NDJSON and a recording take this one path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from otelstream.frame import FrameLike, Outcome, timestamp_ns
from otelstream.span import names, rules
from otelstream.span.attributes import at_end, at_start, error_of, text
from otelstream.span.chunks import ChunkEvents, Chunks
from otelstream.span.events import envelope, event_of
from otelstream.span.model import (
    Anomaly,
    AnomalyName,
    Attributes,
    AttributeValue,
    EndSpan,
    Link,
    Operation,
    SpanError,
    StartSpan,
)
from otelstream.span.rules import Pair, Role, Rule
from otelstream.span.scopes import OpenSpan, Place, Scope, Scopes, key_of

MAX_EARLY: Final = 1_000
"""Frames that wait for the first scope of a session; with more of them it has none, and gets its own root."""

_NOTHING: Final[Attributes] = {}


class SpanAssembler:
    """Frames of one session in, span operations out.

    Args:
        chunk_events: What becomes of token frames: at most 100 events a call (`coalesced`), one event a
            frame (`all`), or only their count on the span (`off`).
        collapse_internal_flows: Whether CrewAI's own flows (`AgentExecutor`, `EncodingFlow`,
            `RecallFlow`) are events on the span around them instead of spans.
    """

    def __init__(
        self, *, chunk_events: ChunkEvents = "coalesced", collapse_internal_flows: bool = True
    ) -> None:
        self._chunk_events = chunk_events
        self._collapse = collapse_internal_flows
        self._scopes = Scopes()
        self._root: OpenSpan | None = None
        self._root_end: EndSpan | None = None
        self._open: dict[str, OpenSpan] = {}
        self._early: list[FrameLike] = []
        self._anomalies: Counter[str] = Counter()
        self._frames = 0
        self._last_ns = 0
        self._closed = False

    def feed(self, frame: FrameLike) -> list[Operation]:
        """Take the next frame in its order of arrival; return what it does to the spans.

        Never raises for a frame with CrewAI's envelope: one that does not fit gives an `Anomaly`.
        """
        if self._closed:
            return [Anomaly("frame_after_close", frame.id)]
        self._frames += 1
        self._last_ns = max(self._last_ns, timestamp_ns(frame))
        rule = rules.rule_for(frame.type)
        enclosing = self._scopes.enclosing(frame)
        return [*self._oddities(frame, rule, enclosing), *self._applied(frame, rule, enclosing)]

    def close(self, outcome: Outcome, attributes: Attributes = _NOTHING) -> list[Operation]:
        """End every open span, the root last; return the operations. A second call returns none.

        Args:
            outcome: How the session ended, and when.
            attributes: More attributes for the root span.
        """
        if self._closed:
            return []
        operations: list[Operation] = []
        if self._root is None and self._early:
            operations.extend(self._begin_without_scope(self._early[0]))
        self._closed = True
        at = max(outcome.ended_ns, self._last_ns)
        error = _error_of_outcome(outcome)
        for span in reversed([span for span in self._open.values() if span is not self._root]):
            ended = {names.END: outcome.state}
            operations.extend(self._end(span, EndSpan(span.key, at, ended, error)))
        if self._root is not None:
            *chunks, end = self._end(self._root, self._root_end or EndSpan(self._root.key, at))
            operations.extend(chunks)
            assert isinstance(end, EndSpan), "the last word about a span is its end"
            operations.append(self._last_words(end, outcome, attributes))
        return operations

    def _applied(self, frame: FrameLike, rule: Rule, enclosing: Scope | None) -> Iterator[Operation]:
        if rule.pair is None:
            annotate = self._adds_chunk if rule.role is Role.CHUNK else self._annotates
            return annotate(frame, enclosing)
        if rule.role is Role.OPEN:
            if self._scopes.opened_by(frame.id) is not None:
                return self._repeats(frame, enclosing)
            return self._opens(frame, rule.pair, enclosing)
        return self._closes(frame, rule, rule.pair, enclosing)

    def _repeats(self, frame: FrameLike, enclosing: Scope | None) -> Iterator[Operation]:
        yield self._anomaly("duplicate_start", frame)
        yield from self._annotates(frame, enclosing)

    def _oddities(self, frame: FrameLike, rule: Rule, enclosing: Scope | None) -> Iterator[Operation]:
        if frame.parent_id is None:
            return
        claimed = self._scopes.opened_by(frame.parent_id)
        if claimed is not None and not claimed.is_open:
            yield self._anomaly("frame_after_end", frame)
            return
        # The first scope of a session may hang in its caller's; anything later is odd.
        first = self._root is None and rule.role is Role.OPEN
        lost = claimed is None and enclosing is None and self._scopes.place_of(frame.previous_id) is None
        if lost and not first:
            yield self._anomaly("dangling_parent", frame)

    def _opens(self, frame: FrameLike, pair: Pair, enclosing: Scope | None) -> Iterator[Operation]:
        parent = enclosing.span if enclosing is not None else self._root
        if enclosing is not None and self._collapse and _is_internal(frame, pair, enclosing):
            span = enclosing.span
            yield event_of(frame, span.key)
        else:
            span, started = self._start(frame, pair.kind, parent)
            yield started
            if parent is None:
                yield from self._begin(span)
        scope = Scope(pair, key_of(frame, pair), enclosing, span)
        self._scopes.open(frame, scope)
        self._scopes.remember(frame, Place(scope, span))

    def _closes(
        self, frame: FrameLike, rule: Rule, pair: Pair, enclosing: Scope | None
    ) -> Iterator[Operation]:
        scope = self._scopes.ended_by(frame, pair, enclosing)
        if scope is None or not scope.is_open:
            yield self._anomaly("end_without_start" if scope is None else "duplicate_end", frame)
            yield from self._annotates(frame, enclosing)
            return
        scope.is_open = False
        span = scope.span
        self._scopes.remember(frame, Place(scope.parent, span))
        if scope.parent is not None and scope.parent.span is span:
            yield from self._annotates(frame, enclosing)
            return
        end = EndSpan(
            span.key,
            timestamp_ns(frame),
            at_end(pair.kind, frame.data),
            error_of(frame.data) if rule.failed else None,
        )
        if span is self._root:
            # Kept open until the session ends: late frames and the counts still belong to it.
            self._root_end = end
        else:
            yield from self._end(span, end)

    def _adds_chunk(self, frame: FrameLike, enclosing: Scope | None) -> Iterator[Operation]:
        call_id = str(frame.data.get("call_id"))
        call = self._scopes.keyed(call_id)
        scope = call if call is not None and call.is_open else enclosing
        span = scope.span if scope is not None else self._root
        if span is None:
            yield from self._holds(frame)
            return
        chunks = span.chunks.setdefault(call_id, Chunks())
        chunks.add(frame)
        self._scopes.remember(frame, Place(enclosing, span))
        if self._chunk_events == "all":
            yield event_of(frame, span.key)

    def _annotates(self, frame: FrameLike, enclosing: Scope | None) -> Iterator[Operation]:
        span = enclosing.span if enclosing is not None else self._root
        if span is None:
            yield from self._holds(frame)
            return
        self._scopes.remember(frame, Place(enclosing, span))
        yield event_of(frame, span.key)

    def _holds(self, frame: FrameLike) -> Iterator[Operation]:
        """Keep a frame that comes before the first scope, until there is a span that can hold it."""
        self._early.append(frame)
        if len(self._early) > MAX_EARLY:
            yield from self._begin_without_scope(self._early[0])

    def _start(
        self, frame: FrameLike, kind: rules.Kind, parent: OpenSpan | None
    ) -> tuple[OpenSpan, StartSpan]:
        attributes: dict[str, AttributeValue] = {**at_start(kind, frame.data), **envelope(frame)}
        links = tuple(self._links(frame, parent))
        span = OpenSpan(
            key=frame.id if kind is not rules.SESSION else f"session {frame.id}",
            kind=kind,
            parent=parent,
            start_ns=timestamp_ns(frame),
            linked_to=frozenset(link.to for link in links),
        )
        self._open[span.key] = span
        started = StartSpan(
            key=span.key,
            parent=parent.key if parent is not None else None,
            name=_span_name(kind, attributes),
            client=kind.client,
            start_ns=span.start_ns,
            attributes=attributes,
            links=links,
        )
        return span, started

    def _begin(self, root: OpenSpan) -> Iterator[Operation]:
        self._root = root
        early, self._early = self._early, []
        for frame in early:
            is_chunk = rules.rule_for(frame.type).role is Role.CHUNK
            yield from self._adds_chunk(frame, None) if is_chunk else self._annotates(frame, None)

    def _begin_without_scope(self, first: FrameLike) -> Iterator[Operation]:
        span, started = self._start(first, rules.SESSION, None)
        yield started
        yield from self._begin(span)

    def _links(self, frame: FrameLike, parent: OpenSpan | None) -> Iterator[Link]:
        above = set() if parent is None else set(parent.ancestry())
        linked = {key for span in above for key in span.linked_to} | {span.key for span in above}
        trigger = self._scopes.place_of(frame.data.get("triggered_by_event_id"))
        if trigger is not None and trigger.span.key not in linked:
            linked.add(trigger.span.key)
            yield Link(trigger.span.key, "triggered_by")
        previous = self._scopes.place_of(frame.previous_id)
        if previous is not None and previous.span.key not in linked:
            yield Link(previous.span.key, "previous")

    def _end(self, span: OpenSpan, end: EndSpan) -> Iterator[Operation]:
        del self._open[span.key]
        span.is_open = False
        attributes = dict(end.attributes)
        if span.chunks:
            attributes[names.CHUNK_COUNT] = sum(chunks.count for chunks in span.chunks.values())
            attributes.update(_first_chunk(span))
            if self._chunk_events == "coalesced":
                for chunks in span.chunks.values():
                    yield from chunks.events(span.key)
            span.chunks = {}
        end_ns = end.end_ns
        if end_ns < span.start_ns:
            end_ns = span.start_ns
            yield self._anomaly("clock_backwards", span)
        yield EndSpan(span.key, end_ns, attributes, end.error)

    def _last_words(self, end: EndSpan, outcome: Outcome, more: Attributes) -> EndSpan:
        attributes = {**end.attributes, **more, names.END: outcome.state, names.FRAMES: self._frames}
        for name, count in sorted(self._anomalies.items()):
            attributes[names.ANOMALY_PREFIX + name] = count
        return EndSpan(end.key, end.end_ns, attributes, _error_of_outcome(outcome) or end.error)

    def _anomaly(self, name: AnomalyName, about: FrameLike | OpenSpan) -> Anomaly:
        self._anomalies[name] += 1
        return Anomaly(name, about.key if isinstance(about, OpenSpan) else about.id)


def _is_internal(frame: FrameLike, pair: Pair, enclosing: Scope) -> bool:
    if pair.kind is not rules.FLOW:
        return False
    return enclosing.pair.kind in rules.INTERNAL_FLOWS.get(str(frame.data.get("flow_name")), ())


def _span_name(kind: rules.Kind, attributes: Attributes) -> str:
    named = attributes.get(kind.named_by) if kind.named_by is not None else None
    return kind.span_name if named is None else f"{kind.span_name} {named}"


def _first_chunk(span: OpenSpan) -> dict[str, AttributeValue]:
    if span.kind is not rules.LLM:
        return {}
    first = min(chunks.first_ns for chunks in span.chunks.values() if chunks.first_ns is not None)
    return {names.TIME_TO_FIRST_CHUNK: max(0, first - span.start_ns) / 1e9}


def _error_of_outcome(outcome: Outcome) -> SpanError | None:
    if outcome.state == "failed":
        return SpanError(
            text(outcome.error_type) or names.ERROR_TYPE_OTHER,
            text(outcome.error_message) or "the run failed",
        )
    if outcome.state == "cut":
        return SpanError("cut", "the recording ends here: the process died")
    return None
