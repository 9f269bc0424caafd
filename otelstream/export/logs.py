"""Events of spans as OpenTelemetry log records: the same names and attributes, trace and span ids set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext

from otelstream.export.tracer import context_of
from otelstream.span import names
from otelstream.span.model import AddEvent, Operation


class LogSink:
    """Turns the events of one session into log records.

    Args:
        logger: Where they are emitted.
        span_context: Finds the span that an event belongs to by its key.
        all_events: Whether every event becomes a record, or only those that the conventions know as records.
    """

    def __init__(
        self, logger: Logger, span_context: Callable[[str], SpanContext | None], *, all_events: bool
    ) -> None:
        self._logger = logger
        self._span_context = span_context
        self._all_events = all_events

    def apply(self, operations: Iterable[Operation]) -> None:
        """Emit a record for each event among the operations.

        Raises:
            Exception: Whatever a log record processor of the provider raises.
        """
        for operation in operations:
            if isinstance(operation, AddEvent) and (operation.log_only or self._all_events):
                self._emit(operation)

    def _emit(self, event: AddEvent) -> None:
        span = self._span_context(event.key)
        # The conventions want WARN for exceptions, and say nothing of other events.
        is_exception = event.name == names.OPERATION_EXCEPTION
        self._logger.emit(
            timestamp=event.time_ns,
            observed_timestamp=event.time_ns,
            # An empty context would be taken for none, and the record would get this thread's span.
            context=context_of(INVALID_SPAN_CONTEXT if span is None else span),
            severity_number=SeverityNumber.WARN if is_exception else SeverityNumber.INFO,
            attributes=event.attributes,
            event_name=event.name,
        )
