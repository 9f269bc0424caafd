"""Frames of one session to spans, log records and metrics, and where these go.

What goes wrong in one signal is counted, and costs the others nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from opentelemetry._logs import LoggerProvider
from opentelemetry.trace import NoOpTracerProvider, SpanContext, TracerProvider

from otelstream import __version__
from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Reason
from otelstream.config import Settings
from otelstream.errors import EntryPointError, ExportError
from otelstream.export.instruments import Instruments
from otelstream.export.logs import LogSink
from otelstream.export.metrics import MetricSink
from otelstream.export.otlp import FrameProvider, events_kept
from otelstream.export.tracer import SCOPE_NAME, Earlier, TracerSink
from otelstream.frame import FrameLike, Outcome
from otelstream.source.entrypoint import load_rows
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import AttributeValue, EarlierName, Operation
from otelstream.span.options import SpanOptions

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
    """Frames of one session to spans, log records and measurements, each of which may fail alone.

    Args:
        to: Where they go.
        options: How frames become spans.
        session: The span that was active in the caller, and what finds the session that this one continues.
        attempt: Runs what may fail.
    """

    def __init__(
        self,
        to: Destinations,
        options: SpanOptions,
        session: tuple[SpanContext | None, Earlier | None],
        attempt: Attempts,
    ) -> None:
        parent, earlier = session
        self._attempt = attempt
        self._assembler = SpanAssembler(fitted(options, to.tracer_provider))
        self._announces = options.pending_spans
        self._pending_after_ns = options.pending_after_ms * 1_000_000

        def tracer_sink(provider: TracerProvider) -> TracerSink:
            tracer = provider.get_tracer(SCOPE_NAME, __version__)
            return TracerSink(
                tracer,
                parent,
                earlier=earlier,
                span_events=options.events != "log",
                content_form=options.content_form,
            )

        def log_sink(provider: LoggerProvider) -> LogSink:
            logger = provider.get_logger(SCOPE_NAME, __version__)
            return LogSink(logger, self._tracer.span_context, all_events=options.events != "span")

        self._tracer = tracer_sink(NoOpTracerProvider())
        self._metrics: MetricSink | None = None
        self._sinks: dict[Reason, Sink] = {}
        if to.tracer_provider is not None:
            made = self._made("spans", partial(tracer_sink, to.tracer_provider))
            self._tracer = made if isinstance(made, TracerSink) else self._tracer
        else:
            self._sinks["spans"] = self._tracer
        if to.instruments is not None:
            self._sinks["metrics"] = self._metrics = MetricSink(to.instruments, self._tracer.span_context)
        if to.logger_provider is not None and options.uses_logs:
            self._made("logs", partial(log_sink, to.logger_provider))

    def frame(self, frame: FrameLike) -> None:
        """Take the next frame, already redacted."""
        self.apply(self._assembler.feed(frame), 1)

    def last(self, outcome: Outcome, attributes: Mapping[str, AttributeValue]) -> None:
        """End every span, one after the other: one that cannot be ended does not keep the others open."""
        for operation in self._assembler.close(outcome, attributes):
            self.apply([operation], 0)

    def leave(self) -> None:
        """Let nothing count as open any more, whatever went wrong with the end."""
        if self._metrics is not None:
            self._metrics.close()

    def apply(self, operations: list[Operation], frames: int) -> None:
        """Carry out operations in every sink; what fails is counted as that many frames of its own signal."""
        for reason, sink in self._sinks.items():
            self._attempt(reason, frames, partial(sink.apply, operations))

    def announce(self, now_ns: int) -> None:
        """Let spans that have been open for long be seen, where that is asked for."""
        if self._announces:
            self._tracer.announce(now_ns - self._pending_after_ns)

    @property
    def trace_id(self) -> int | None:
        """The 128-bit id of the session's trace, None without a span."""
        return self._tracer.trace_id or None

    def _made(self, reason: Reason, make: Callable[[], Sink]) -> Sink | None:
        """Add the sink of a signal; one that cannot be made fails again with each frame, and is counted."""
        made: list[Sink] = []
        if not self._attempt(reason, 0, lambda: made.append(make())):
            made.append(_Broken(reason))
        self._sinks[reason] = made[0]
        return made[0]


class _Broken:
    """Stands for a sink that could not be made."""

    def __init__(self, reason: Reason) -> None:
        self._reason = reason

    def apply(self, _: list[Operation]) -> None:
        """Raise."""
        raise ExportError(f"{self._reason} go nowhere: their provider failed.")


def fitted(options: SpanOptions, provider: TracerProvider | None) -> SpanOptions:
    """Return options that lose nothing uncounted on a provider that keeps only the last events of a span."""
    kept = events_kept(provider)
    spans_take_all = kept is None and isinstance(provider, FrameProvider)
    if options.events == "log" or provider is None or spans_take_all:
        return options
    return replace(
        options,
        chunk_events="coalesced" if options.chunk_events == "all" else options.chunk_events,
        span_events=options.span_events if kept is None else min(options.span_events, kept),
    )


def options_of(settings: Settings) -> tuple[SpanOptions, list[str]]:
    """Return the span options of a process, and a sentence if its rows cannot be used and are left out."""
    if settings.rows is None:
        return settings.span_options(), []
    try:
        return settings.span_options(load_rows(settings.rows)), []
    except (EntryPointError, ValueError) as error:
        return settings.span_options(), [f"OTELSTREAM_ROWS={settings.rows} is left out: {error}"]
