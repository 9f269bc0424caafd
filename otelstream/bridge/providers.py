"""The OpenTelemetry providers of a process: the program's own, else what the `OTEL_*` variables ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry._logs import LoggerProvider, get_logger_provider
from opentelemetry.metrics import MeterProvider, get_meter_provider
from opentelemetry.sdk._logs import LoggerProvider as SdkLoggerProvider
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.trace import TracerProvider

from otelstream import __version__
from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Losses, Reason
from otelstream.bridge.spans import Destinations
from otelstream.export.deliveries import Deliveries, OnLoss
from otelstream.export.forks import MEASURING
from otelstream.export.instruments import Instruments, observe_bridge, observe_standing
from otelstream.export.otlp import FrameProvider, global_provider, provider_from_environment
from otelstream.export.signals import EventLoggerProvider, logger_provider, meter_provider
from otelstream.export.standing import Standing
from otelstream.export.tracer import NOWHERE, SCOPE_NAME
from otelstream.span.names import Convention
from otelstream.span.options import SpanOptions

SdkProvider = SdkTracerProvider | SdkLoggerProvider | SdkMeterProvider
T = TypeVar("T")
P = TypeVar("P", SdkTracerProvider, SdkLoggerProvider, SdkMeterProvider)

_instruments_lock = threading.Lock()
_instruments: WeakKeyDictionary[MeterProvider, dict[Convention, Instruments]] = WeakKeyDictionary()
"""The instruments of each meter provider of the process: a second set of them would not be asked."""


def forget_after_fork() -> None:
    """Make a new lock: a thread of the parent may have held this one. What is open there is not open here."""
    global _instruments_lock
    _instruments_lock = threading.Lock()
    for by_version in _instruments.values():
        for instruments in by_version.values():
            instruments.standing.reset()


class Providers:
    """Finds and makes providers, remembers which to flush, and shuts down those that were made here.

    Args:
        environ: The `OTEL_*` variables.
        attempt: Runs what may fail.
        losses: Where is counted what was not exported.
    """

    def __init__(self, environ: Mapping[str, str], attempt: Attempts, losses: Losses) -> None:
        self._environ = environ
        self._attempt = attempt
        self._losses = losses
        self._lock = threading.Lock()
        self._own: dict[str, SdkProvider | None] = {}
        self._used: WeakSet[SdkProvider] = WeakSet()

    def destinations(
        self,
        options: SpanOptions,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        logger_provider: LoggerProvider | None,
    ) -> Destinations:
        """Return where a session's signals go: to the given providers, else to those found here.

        A provider that cannot be had (a variable names one that does not exist) is none, and that is said.
        """
        return Destinations(
            tracer_provider or self._had(self.tracer),
            (logger_provider or self._had(self.logger)) if options.uses_logs else None,
            self._had(partial(self.instruments, meter_provider, options.semconv)),
        )

    def tracer(self) -> TracerProvider | None:
        """Return the program's tracer provider, else one made from the environment, else None."""
        return global_provider() or self._made("tracer", SdkTracerProvider)

    def logger(self) -> LoggerProvider | None:
        """Return the program's logger provider, else one made from the environment, else None."""
        provider = get_logger_provider()
        return (
            provider if isinstance(provider, SdkLoggerProvider) else self._made("logger", SdkLoggerProvider)
        )

    def instruments(self, given: MeterProvider | None, version: Convention) -> Instruments | None:
        """Return the instruments of a meter provider: the given one, the program's, or one made here."""
        provider = given or get_meter_provider()
        if given is None and not isinstance(provider, SdkMeterProvider):
            made = self._made("meter", SdkMeterProvider)
            if made is None:
                return None
            provider = made
        with _instruments_lock:
            by_version = _instruments.setdefault(provider, {})
            if version not in by_version:
                others = [instruments.standing for instruments in by_version.values()]
                make = partial(self._observed, provider, version, others[0] if others else Standing())
                with MEASURING:
                    self._attempt("metrics", 0, lambda: by_version.update({version: make()}))
            return by_version.get(version)

    def committed(self, seconds: float) -> None:
        """Tell every meter provider of the process how long a commit of a recording took."""
        with _instruments_lock:
            instruments = [next(iter(by_version.values()), None) for by_version in _instruments.values()]
        for each in instruments:
            if each is not None:
                with MEASURING:
                    self._attempt("metrics", 0, partial(each.commit.record, seconds, context=NOWHERE))

    def use(self, *providers: object) -> None:
        """Remember providers of a session, for `flush`."""
        with self._lock:
            self._used.update(provider for provider in providers if isinstance(provider, SdkProvider))

    def flush(self) -> bool:
        """Export what the providers hold; return whether all of them said that they did."""
        with self._lock:
            providers = {*self._used, *(own for own in self._own.values() if own is not None)}
        given = [(deliveries, reason, deliveries.given) for deliveries, reason in self._deliveries()]
        flushed: list[bool] = []
        self._each(providers, lambda provider: flushed.append(_flush(provider)))
        self._tell_dropped(given)
        return len(flushed) == len(providers) and all(flushed)

    def shutdown(self) -> None:
        """Shut down the providers that were made here."""
        given = [(deliveries, reason, deliveries.given) for deliveries, reason in self._deliveries()]
        self._each(
            [own for own in self._own.values() if own is not None], lambda provider: provider.shutdown()
        )
        self._tell_dropped(given)

    def _each(self, providers: Iterable[SdkProvider], step: Callable[[SdkProvider], object]) -> None:
        """Do something with all providers at once: a collector that hangs must not keep others waiting."""
        threads = [
            threading.Thread(
                target=self._attempt,
                args=("export", 0, partial(step, provider)),
                name="otelstream-export",
                daemon=True,
            )
            for provider in providers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _deliveries(self) -> Iterator[tuple[Deliveries, Reason]]:
        for provider in list(self._own.values()):
            if isinstance(provider, FrameProvider):
                yield provider.deliveries, "export"
            elif isinstance(provider, EventLoggerProvider):
                yield provider.deliveries, "logs"

    def _tell_dropped(self, given: list[tuple[Deliveries, Reason, int]]) -> None:
        for deliveries, reason, before in given:
            dropped = deliveries.newly_dropped(before)
            if dropped:
                what = "spans" if reason == "export" else "log records"
                self._losses.add(
                    reason, dropped, f"{what} were dropped: they came faster than they were exported."
                )

    def _had(self, find: Callable[[], T | None]) -> T | None:
        found: list[T | None] = []
        self._attempt("export", 0, lambda: found.append(find()))
        return found[0] if found else None

    def _made(self, name: str, kind: type[P]) -> P | None:
        """Return the provider that the environment asks for, made when it is first needed."""
        make: dict[str, Callable[[], SdkProvider | None]] = {
            "tracer": self._tracer_provider,
            "logger": lambda: logger_provider(self._environ, self._told("logs", "log records")),
            "meter": lambda: meter_provider(self._environ, self._told("metrics", "metrics")),
        }
        with self._lock:
            if name not in self._own:
                self._own[name] = None
                self._attempt("export", 0, lambda: self._own.update({name: make[name]()}))
            found = self._own[name]
        return found if isinstance(found, kind) else None

    def _tracer_provider(self) -> SdkTracerProvider | None:
        return provider_from_environment(self._environ, self._told("export", "spans"))

    def _told(self, reason: Reason, what: str) -> OnLoss:
        losses = self._losses  # not `self`: a provider that holds itself would never be forgotten
        return lambda count, why: losses.add(reason, count, f"{what} were not exported: {why.rstrip('.')}.")

    def _observed(self, provider: MeterProvider, version: Convention, standing: Standing) -> Instruments:
        """Return new instruments, and let the provider ask for the bridge's own numbers."""
        meter = provider.get_meter(SCOPE_NAME, __version__)
        losses = self._losses
        observe_standing(meter, standing)
        observe_bridge(meter, seen=lambda: losses.seen, queued=losses.waiting, dropped=losses.counts)
        return Instruments(meter, version, standing)


def _flush(provider: SdkProvider) -> bool:
    """Flush a provider, but no reader that Prometheus scrapes: it would keep what was collected.

    The next scrape would have each sample once for every flush, the oldest first.
    """
    readers = vars(provider).get("_metric_readers", ()) if isinstance(provider, SdkMeterProvider) else ()
    if not any(map(_is_scraped, readers)):
        return provider.force_flush() is not False
    flushed = [reader.force_flush() for reader in readers if not _is_scraped(reader)]
    return False not in flushed


def _is_scraped(reader: object) -> bool:
    # Told by its name, as the package need not be there.
    return any(kind.__module__ == "opentelemetry.exporter.prometheus" for kind in type(reader).__mro__)
