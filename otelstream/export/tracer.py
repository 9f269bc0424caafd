"""Span operations applied to an OpenTelemetry tracer, at the frames' own times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, Tracer

from otelstream.export.ids import derived_from
from otelstream.span import names
from otelstream.span.model import AddEvent, Anomaly, EndSpan, Operation, StartSpan

SCOPE_NAME: Final = "otelstream"


class TracerSink:
    """Turns the operations of one session into spans of one tracer.

    Args:
        tracer: Where the spans are started.
        parent: The span that was active in the caller when the session began, if any; the session's root
            becomes its child.
    """

    def __init__(self, tracer: Tracer, parent: SpanContext | None = None) -> None:
        self._tracer = tracer
        self._outside = Context() if parent is None else _context_of(parent)
        self._open: dict[str, Span] = {}
        self._contexts: dict[str, SpanContext] = {}
        self._root_key: str | None = None

    @property
    def trace_id(self) -> int | None:
        """The 128-bit id of the trace, None before the root span began."""
        return self._contexts[self._root_key].trace_id if self._root_key in self._contexts else None

    def apply(self, operations: Iterable[Operation]) -> None:
        """Carry out the operations in their order.

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
            else:
                assert isinstance(operation, Anomaly), "anomalies are counted by the assembler"

    def _start(self, operation: StartSpan) -> None:
        if self._root_key is None:
            self._root_key = operation.key
        context = self._outside
        if operation.parent is not None:
            context = _context_of(self._contexts[operation.parent])
        links = [trace.Link(self._contexts[link.to], {names.LINK: link.relation}) for link in operation.links]
        with derived_from(self._root_key, operation.key):
            span = self._tracer.start_span(
                operation.name,
                context=context,
                kind=SpanKind.CLIENT if operation.client else SpanKind.INTERNAL,
                attributes=operation.attributes,
                links=links,
                start_time=operation.start_ns,
                record_exception=False,
                set_status_on_exception=False,
            )
        self._open[operation.key] = span
        self._contexts[operation.key] = span.get_span_context()

    def _add_event(self, operation: AddEvent) -> None:
        self._open[operation.key].add_event(operation.name, operation.attributes, operation.time_ns)

    def _end(self, operation: EndSpan) -> None:
        span = self._open.pop(operation.key)
        span.set_attributes(operation.attributes)
        if operation.error is not None:
            span.set_attribute(names.ERROR_TYPE, operation.error.type)
            span.set_status(Status(StatusCode.ERROR, operation.error.message))
        span.end(operation.end_ns)


def _context_of(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())
