"""Frames of one session to spans, log records and metrics, and where these go.

Raises what goes wrong; the pipeline catches it, counts it and lets the program go on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final, Protocol

from opentelemetry._logs import LoggerProvider
from opentelemetry.trace import NoOpTracerProvider, SpanContext, TracerProvider

from otelstream import __version__
from otelstream.config import Settings
from otelstream.errors import EntryPointError
from otelstream.export.logs import LogSink
from otelstream.export.metrics import Instruments, MetricSink
from otelstream.export.otlp import takes_any_number_of_events
from otelstream.export.tracer import SCOPE_NAME, Earlier, TracerSink
from otelstream.frame import FrameLike, Outcome
from otelstream.source.entrypoint import load_rows
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import AttributeValue, EarlierName, Operation
from otelstream.span.options import SpanOptions

SDK_EVENTS: Final = 128
"""How many events of a span the SDK keeps by default; it drops the first of them."""

REMEMBERED_RUNS: Final = 10_000
"""Earlier runs that later ones may link to."""


class Sink(Protocol):
    """What takes operations: a tracer, a logger, a meter."""

    def apply(self, operations: list[Operation]) -> None:
        """Carry them out."""


class EarlierRuns:
    """The roots of earlier sessions of this process, by what ties later ones to them."""

    def __init__(self) -> None:
        self._roots: OrderedDict[tuple[EarlierName, str], SpanContext] = OrderedDict()

    def exchange(self, relation: EarlierName, tie: str, root: SpanContext) -> SpanContext | None:
        """Return the root of the latest session with that tie, None without one, and remember this one."""
        earlier = self._roots.pop((relation, tie), None)
        self._roots[relation, tie] = root
        if len(self._roots) > REMEMBERED_RUNS:
            self._roots.popitem(last=False)
        return earlier if earlier is not None and earlier.is_valid else None


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where one session's spans, log records and measurements go; None for nowhere."""

    tracer_provider: TracerProvider | None
    logger_provider: LoggerProvider | None
    instruments: Instruments | None

    @property
    def exist(self) -> bool:
        """Whether there is one."""
        return any(to is not None for to in (self.tracer_provider, self.logger_provider, self.instruments))


class SpanStage:
    """Frames of one session to spans.

    Args:
        to: Where they go.
        options: How frames become spans.
        parent: The span that was active in the caller, if any.
        earlier: Finds the session that this one continues.
    """

    def __init__(
        self, to: Destinations, options: SpanOptions, parent: SpanContext | None, earlier: Earlier | None
    ) -> None:
        self._assembler = SpanAssembler(fitted(options, to.tracer_provider))
        provider = to.tracer_provider or NoOpTracerProvider()
        self._tracer = TracerSink(
            provider.get_tracer(SCOPE_NAME, __version__),
            parent,
            earlier=earlier,
            span_events=options.events != "log",
        )
        self._announces = options.pending_spans
        self._pending_after_ns = options.pending_after_ms * 1_000_000
        self._sinks: list[Sink] = [self._tracer]
        if to.instruments is not None:
            self._sinks.append(MetricSink(to.instruments))
        if to.logger_provider is not None and options.uses_logs:
            logger = to.logger_provider.get_logger(SCOPE_NAME, __version__)
            self._sinks.append(
                LogSink(logger, self._tracer.span_context, all_events=options.events != "span")
            )

    def frame(self, frame: FrameLike) -> None:
        """Take the next frame, already redacted."""
        self.apply(self._assembler.feed(frame))

    def last(self, outcome: Outcome, attributes: Mapping[str, AttributeValue]) -> list[Operation]:
        """Return the operations that end every span."""
        return self._assembler.close(outcome, attributes)

    def apply(self, operations: list[Operation]) -> None:
        """Carry out operations in every sink, though one of them may fail."""
        with ExitStack() as stack:
            for sink in reversed(self._sinks):
                stack.callback(sink.apply, operations)

    def announce(self, now_ns: int) -> None:
        """Let spans that have been open for long be seen, where that is asked for."""
        if self._announces:
            self._tracer.announce(now_ns - self._pending_after_ns)

    @property
    def trace_id(self) -> int | None:
        """The 128-bit id of the session's trace, None without a span."""
        return self._tracer.trace_id or None


def fitted(options: SpanOptions, provider: TracerProvider | None) -> SpanOptions:
    """Return options that lose nothing uncounted on a provider that keeps the last 128 events of a span."""
    if options.events == "log" or takes_any_number_of_events(provider):
        return options
    return replace(
        options,
        chunk_events="coalesced" if options.chunk_events == "all" else options.chunk_events,
        span_events=min(options.span_events, SDK_EVENTS),
    )


def options_of(settings: Settings) -> tuple[SpanOptions, list[str]]:
    """Return the span options of a process, and a sentence if its rows cannot be used and are left out."""
    if settings.rows is None:
        return settings.span_options(), []
    try:
        return settings.span_options(load_rows(settings.rows)), []
    except (EntryPointError, ValueError) as error:
        return settings.span_options(), [f"OTELSTREAM_ROWS={settings.rows} is left out: {error}"]
