"""Which providers a session gets, which of them are flushed, and which are shut down."""

from __future__ import annotations

import gc
import os
import weakref

import pytest
from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, generate_latest

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Losses
from otelstream.bridge.providers import Providers
from otelstream.bridge.spans import Destinations
from otelstream.span.options import SpanOptions

ASKING = {
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "console",
    "OTEL_LOGS_EXPORTER": "console",
}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every `OTEL_*` variable: the SDK reads them too."""
    for name in [name for name in os.environ if name.startswith("OTEL")]:
        monkeypatch.delenv(name)


class Bench:
    """Providers, and the losses that they count."""

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        self.losses = Losses()
        self.providers = Providers(environ or {}, Attempts(self.losses), self.losses)


class Watched(TracerProvider):
    """A provider of the program's, that notes what happens to it."""

    def __init__(self, flushes: object = True) -> None:
        super().__init__(shutdown_on_exit=False)
        self.calls: list[str] = []
        self._flushes = flushes

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.calls.append("flush")
        if isinstance(self._flushes, Exception):
            raise self._flushes
        return bool(self._flushes)

    def shutdown(self) -> None:
        self.calls.append("shutdown")


def test_where_nothing_is_asked_for_there_is_nothing() -> None:
    """No global provider and no variable: nothing is made."""
    providers = Bench().providers

    assert (providers.tracer(), providers.logger(), providers.instruments(None, "1.41")) == (None, None, None)


def test_what_the_environment_asks_for_is_made_once() -> None:
    """All sessions share the providers and the instruments."""
    providers = Bench(ASKING).providers
    made = [(providers.tracer(), providers.logger(), providers.instruments(None, "1.41")) for _ in range(2)]
    providers.shutdown()

    assert (None in made[0], [a is b for a, b in zip(*made, strict=True)]) == (False, [True] * 3)


def test_the_programs_providers_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A global provider is used whatever the variables say, and none is made beside it."""
    tracer, logger = TracerProvider(shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
    meter = MeterProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracer)
    monkeypatch.setattr("otelstream.bridge.providers.get_logger_provider", lambda: logger)
    monkeypatch.setattr("otelstream.bridge.providers.get_meter_provider", lambda: meter)
    providers = Bench(ASKING).providers

    assert (providers.tracer(), providers.logger()) == (tracer, logger)
    assert providers.instruments(None, "1.41") is providers.instruments(meter, "1.41")


def test_each_version_has_its_instruments() -> None:
    """Sessions of one version share them, another version has its own."""
    providers, meter = Bench().providers, MeterProvider(shutdown_on_exit=False)
    one, again, other = (providers.instruments(meter, version) for version in ("1.41", "1.41", "main"))

    assert (one is again, one is other) == (True, False)


def test_each_meter_provider_has_its_instruments() -> None:
    """Two providers of a program are told apart."""
    providers = Bench().providers
    one, other = (providers.instruments(MeterProvider(shutdown_on_exit=False), "1.41") for _ in range(2))

    assert one is not other


def test_a_flush_reaches_the_providers_of_sessions() -> None:
    """Providers that were given are flushed, once each, and never shut down here."""
    bench, given = Bench(), Watched()
    bench.providers.use(given, None)
    bench.providers.use(given)
    flushed = bench.providers.flush()
    bench.providers.shutdown()

    assert (flushed, given.calls) == (True, ["flush"])


@pytest.mark.parametrize("flushes", [False, ValueError("broken")])
def test_one_provider_that_does_not_flush_is_told(flushes: object) -> None:
    """The others are flushed all the same."""
    bench, good, bad = Bench(), Watched(), Watched(flushes)
    bench.providers.use(good, bad)

    assert (bench.providers.flush(), good.calls, bad.calls) == (False, ["flush"], ["flush"])


class Pushing(InMemoryMetricReader):
    """A reader that notes each flush."""

    flushes = 0

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        self.flushes += 1
        return super().force_flush(timeout_millis)


def test_a_scrape_after_flushes_has_each_sample_once() -> None:
    """What Prometheus asks itself is not flushed, as it would be told old numbers; readers beside it are."""
    bench, registry, pushing = Bench(), CollectorRegistry(), Pushing()
    meter = MeterProvider([PrometheusMetricReader(registry=registry), pushing], shutdown_on_exit=False)
    counter = meter.get_meter("a").create_counter("counted")
    bench.providers.use(meter)
    for _ in range(2):
        counter.add(1)
        bench.providers.flush()
    scraped = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("counted")]

    assert ([line.split()[-1] for line in scraped], pushing.flushes) == (["2.0"], 2)


def test_what_is_no_sdk_provider_is_not_flushed() -> None:
    """OpenTelemetry's API has no flush."""
    bench = Bench()
    bench.providers.use(trace.NoOpTracerProvider())

    assert bench.providers.flush() is True


def test_a_provider_that_is_gone_is_forgotten() -> None:
    """A program that makes a provider for each session leaves none of them behind."""
    bench = Bench()
    bench.providers.use(Watched())

    assert len(bench.providers._used) == 0


def test_providers_that_were_made_here_are_forgotten_after_their_shutdown() -> None:
    """A program that observes and shuts down for each request leaves none of them behind."""
    providers = Bench(ASKING).providers
    made = [providers.tracer(), providers.logger()]
    providers.instruments(None, "1.41")
    left = [weakref.ref(own) for own in (*made, providers._own["meter"])]
    providers.shutdown()
    del providers, made
    gc.collect()

    assert [own() for own in left] == [None, None, None]


def test_a_variable_that_cannot_be_used_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """It is not tried again for each session."""
    providers = Bench({"OTEL_METRICS_EXPORTER": "prometheus"}).providers
    found = [providers.instruments(None, "1.41") for _ in range(2)]

    assert (found, ["OTEL_METRICS_EXPORTER=prometheus" in line for line in caplog.messages]) == (
        [None, None],
        [True],
    )


def test_a_provider_that_cannot_be_had_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of OpenTelemetry that names no provider makes its API raise; the program must not see it."""

    def raising() -> object:
        raise StopIteration

    for name in ("global_provider", "get_meter_provider", "get_logger_provider"):
        monkeypatch.setattr(f"otelstream.bridge.providers.{name}", raising)
    losses = Losses()
    providers = Providers({}, Attempts(losses), losses)

    found = providers.destinations(SpanOptions(events="both"), None, None, None)
    assert found == Destinations(None, None, None)
