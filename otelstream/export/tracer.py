"""Span operations applied to an OpenTelemetry tracer, at the frames' own times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, Tracer

from otelstream.export.ids import derived_from
from otelstream.span import names
from otelstream.span.budget import as_json
from otelstream.span.model import (
    AddEvent,
    Attributes,
    AttributeValue,
    EarlierName,
    EndSpan,
    Follow,
    Operation,
    StartSpan,
)
from otelstream.span.options import ContentForm

SCOPE_NAME: Final = "otelstream"

NOWHERE: Final = trace.set_span_in_context(trace.INVALID_SPAN, Context())
"""A context in which no span is active; an empty one would be taken for that of the thread."""

REMEMBERED_SPANS: Final = 20_000
"""Ended spans that links may still go to: more than the frames by which the assembler finds them."""

Earlier: TypeAlias = Callable[[EarlierName, str, SpanContext], SpanContext | None]
"""Given what ties sessions together and the root of this one, returns the root of the one before."""


class TracerSink:
    """Turns the operations of one session into spans of one tracer.

    Args:
        tracer: Where the spans are started.
        parent: The span that was active in the caller when the session began, if any; the session's root
            becomes its child.
        earlier: Finds the session that this one continues; without it there are no links to earlier ones.
        span_events: Whether frames that are no spans become events of spans.
        content_form: How content that is no text stands on spans.
    """

    def __init__(
        self,
        tracer: Tracer,
        parent: SpanContext | None = None,
        *,
        earlier: Earlier | None = None,
        span_events: bool = True,
        content_form: ContentForm = "structured",
    ) -> None:
        self._tracer = tracer
        self._outside = Context() if parent is None else context_of(parent)
        self._earlier = earlier
        self._span_events = span_events
        self._spell = _with_json if content_form == "json" else _as_it_is
        self._open: dict[str, Span] = {}
        self._unannounced: dict[str, StartSpan] = {}
        self._contexts: dict[str, SpanContext] = {}
        self._root: SpanContext | None = None
        self._root_key = ""

    @property
    def trace_id(self) -> int | None:
        """The 128-bit id of the trace, None before the root span began."""
        return None if self._root is None else self._root.trace_id

    def span_context(self, key: str) -> SpanContext | None:
        """Return the context of a span that was started, None for one that is not known any more."""
        return self._contexts.get(key)

    def apply(self, operations: Iterable[Operation]) -> None:
        """Carry out the operations in their order; anomalies are on the root already.

        Raises:
            Exception: Whatever a span processor of the provider raises.
        """
        for operation in operations:
            if isinstance(operation, StartSpan):
                self._start(operation)
            elif isinstance(operation, AddEvent):
                self._add_event(operation)
            elif isinstance(operation, EndSpan):
                self._end(operation)
            elif isinstance(operation, Follow):
                self._follow(operation)

    def announce(self, before_ns: int) -> None:
        """Let open spans that began before a time be seen: each gets a child that stands for it.

        No backend replaces a span by a later one of the same id (Tempo keeps the first, Jaeger both), so the
        announcement is a span of its own, of no length, marked `otelstream.pending`.

        Args:
            before_ns: Nanoseconds since the epoch.
        """
        due = [started for started in self._unannounced.values() if started.start_ns < before_ns]
        for started in due:
            del self._unannounced[started.key]
            with derived_from(self._root_key, f"{names.PENDING_PREFIX} {started.key}"):
                span = self._tracer.start_span(
                    started.name,
                    context=context_of(self._contexts[started.key]),
                    attributes={**_marked(started), names.PENDING: True},
                    start_time=started.start_ns,
                )
            span.end(started.start_ns)

    def _start(self, operation: StartSpan) -> None:
        if self._root is None:
            self._root_key = operation.key
        context = self._outside
        if operation.parent is not None:
            # A span that ended long ago may still get children; the oldest of those hang from the root.
            parent = self._contexts.get(operation.parent, self._root)
            context = self._outside if parent is None else context_of(parent)
        links = [
            trace.Link(self._contexts[link.to], {names.LINK: link.relation})
            for link in operation.links
            if link.to in self._contexts
        ]
        with derived_from(self._root_key, operation.key):
            span = self._tracer.start_span(
                operation.name,
                context=context,
                kind=SpanKind.CLIENT if operation.client else SpanKind.INTERNAL,
                attributes=self._spell(operation.attributes),
                links=links,
                start_time=operation.start_ns,
                record_exception=False,
                set_status_on_exception=False,
            )
        self._open[operation.key] = span
        self._unannounced[operation.key] = operation
        self._contexts[operation.key] = span.get_span_context()
        if self._root is None:
            self._root = span.get_span_context()

    def _add_event(self, operation: AddEvent) -> None:
        if self._span_events and not operation.log_only:
            self._open[operation.key].add_event(operation.name, operation.attributes, operation.time_ns)

    def _follow(self, operation: Follow) -> None:
        if self._earlier is None or self._root is None:
            return
        earlier = self._earlier(operation.relation, operation.id, self._root)
        if earlier is not None:
            self._open[operation.key].add_link(earlier, {names.LINK: operation.relation})

    def _end(self, operation: EndSpan) -> None:
        span = self._open.pop(operation.key)
        self._unannounced.pop(operation.key, None)
        # The latest to end are the last to be forgotten.
        self._contexts[operation.key] = self._contexts.pop(operation.key)
        if len(self._contexts) > REMEMBERED_SPANS + len(self._open):
            del self._contexts[next(key for key in self._contexts if key not in self._open)]
        span.set_attributes(self._spell(operation.attributes))
        if operation.error is not None:
            span.set_attribute(names.ERROR_TYPE, operation.error.type)
            span.set_status(Status(StatusCode.ERROR, operation.error.message))
        span.end(operation.end_ns)


def context_of(parent: SpanContext) -> Context:
    """Return a context in which only that span is active."""
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _as_it_is(attributes: Attributes) -> Attributes:
    return attributes


def _with_json(attributes: Attributes) -> Attributes:
    return {key: as_json(value) if key in names.CONTENT else value for key, value in attributes.items()}


def _marked(started: StartSpan) -> dict[str, AttributeValue]:
    # Without its operation a marker is not counted as a second call, agent or tool.
    left_out = {*names.CONTENT, names.OPERATION_NAME}
    return {key: value for key, value in started.attributes.items() if key not in left_out}
