"""A sink that is slow or hangs: the program goes on in time, and its event loop keeps turning."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

import otelstream
from tests.e2e.receiver import HttpReceiver
from tests.e2e.runs import RESULT, Ran, Run, asession, golden, run_async, run_python, run_sync

HANG_S = 60.0

PROMPT_S = 4.0
"""What a slow machine may take for a step that waits for nothing; our own limit for waiting is 5 s."""


class HangingExporter(SpanExporter):
    """Hangs for a minute, or until the test ends."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.released.wait(HANG_S)
        return SpanExportResult.SUCCESS


@pytest.fixture
def exporter() -> Iterator[HangingExporter]:
    """An exporter that hangs as long as the test lasts."""
    exporter = HangingExporter()
    yield exporter
    exporter.released.set()


@pytest.fixture
def silent_collector() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def provider_with(processor: SpanProcessor) -> TracerProvider:
    """Return a provider of the program's own."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def seconds(step: Callable[[], object]) -> float:
    """Return how long a step took."""
    started = time.monotonic()
    step()
    return time.monotonic() - started


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_hanging_batch_exporter_costs_the_run_nothing(exporter: HangingExporter, run: Run) -> None:
    """A batch processor has its own thread: the run does not wait for it at all."""
    provider = provider_with(BatchSpanProcessor(exporter))

    assert seconds(lambda: run({"tracer_provider": provider}, None)) < PROMPT_S


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_processor_that_hangs_delays_the_end_by_the_limit(
    exporter: HangingExporter, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor that exports at once hangs our thread; the run waits as long as is allowed, and goes on."""
    monkeypatch.setenv("OTELSTREAM_FLUSH_TIMEOUT_MS", "200")
    provider = provider_with(SimpleSpanProcessor(exporter))

    assert 0.2 <= seconds(lambda: run({"tracer_provider": provider}, None)) < PROMPT_S


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_processor_that_hangs_changes_nothing(
    exporter: HangingExporter, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames and result are the run's own, although the wait for their spans was given up."""
    monkeypatch.setenv("OTELSTREAM_FLUSH_TIMEOUT_MS", "50")
    provider = provider_with(SimpleSpanProcessor(exporter))

    assert run({"tracer_provider": provider}, None) == Ran(golden(), RESULT)


def test_flush_gives_up_on_a_processor_that_hangs(
    exporter: HangingExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flush` returns False after its seconds."""
    monkeypatch.setenv("OTELSTREAM_FLUSH_TIMEOUT_MS", "50")
    run_sync({"tracer_provider": provider_with(SimpleSpanProcessor(exporter))})

    assert otelstream.flush(0.3) is False


def test_flush_gives_up_on_a_hanging_exporter_of_a_given_provider(exporter: HangingExporter) -> None:
    """`flush` returns False where the exporter of the provider that `observe` was given hangs."""
    provider = provider_with(BatchSpanProcessor(exporter))
    run_sync({"tracer_provider": provider})

    assert otelstream.flush(0.3) is False


def test_a_processor_that_cannot_flush_makes_flush_false() -> None:
    """What a processor raises when it is told to flush is a failure, not an exception in a thread of ours."""

    class Broken(SpanProcessor):
        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            raise ValueError("force_flush is broken")

    provider = provider_with(Broken())
    run_sync({"tracer_provider": provider})

    assert otelstream.flush(5) is False


def test_flush_flushes_a_given_provider() -> None:
    """After a `flush` the spans are out, also those of the provider that `observe` was given."""
    exported: list[ReadableSpan] = []

    class Exporter(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            exported.extend(spans)
            return SpanExportResult.SUCCESS

    provider = provider_with(BatchSpanProcessor(Exporter(), schedule_delay_millis=60_000))
    run_sync({"tracer_provider": provider})
    otelstream.flush(5)
    flushed = len(exported)
    provider.shutdown()

    assert flushed == 6


def test_a_collector_that_hangs_costs_the_run_nothing(
    silent_collector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is over before the export to a collector that never answers has failed."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", silent_collector)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    run_sync({})

    assert otelstream.losses() == {}


def test_flush_gives_up_on_a_collector_that_hangs(
    silent_collector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flush` returns False after its second, before the export has failed."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", silent_collector)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    run_sync({})

    assert (otelstream.flush(timeout_s=1), otelstream.losses()) == (False, {})


def test_a_program_ends_in_time_where_the_collector_hangs(silent_collector: str, tmp_path: Path) -> None:
    """The interpreter waits five seconds at most for spans that nobody takes."""
    script = "from tests.e2e.runs import run_sync; run_sync({})"
    exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": silent_collector, "OTEL_EXPORTER_OTLP_TIMEOUT": "50"}

    assert seconds(lambda: run_python(["-c", script], tmp_path, exporting)) < 5 + 2 * PROMPT_S


def test_the_event_loop_turns_while_the_end_waits() -> None:
    """With `flush_on_end` other tasks run on while a slow sink takes the last spans."""
    beaten = threading.Event()
    in_time: list[bool] = []

    class Slow(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            in_time.append(beaten.wait(PROMPT_S))

    async def heartbeat() -> None:
        for _ in range(20):
            await asyncio.sleep(0.01)
        beaten.set()

    async def run() -> None:
        async with asession() as live:
            observed = otelstream.observe(live, tracer_provider=provider_with(Slow()))
            beating = asyncio.create_task(heartbeat())
            async for _ in observed:
                pass
            await beating

    asyncio.run(run())

    assert in_time == [True] * 6


def test_flush_on_end_waits_for_the_sink() -> None:
    """When the loop over an observed session is over, its spans are ended."""
    ended: list[str] = []

    class Slow(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            time.sleep(0.02)
            ended.append(span.name)

    run_sync({"tracer_provider": provider_with(Slow())})

    assert len(ended) == 6


def test_without_flush_on_end_nothing_waits(exporter: HangingExporter) -> None:
    """With `flush_on_end=False` the last step of the iteration does not wait for a sink."""
    provider = provider_with(SimpleSpanProcessor(exporter))

    assert seconds(lambda: run_sync({"tracer_provider": provider, "flush_on_end": False})) < PROMPT_S


def test_a_collector_of_traces_that_hangs_costs_the_metrics_nothing(
    silent_collector: str, tmp_path: Path
) -> None:
    """A program whose spans nobody takes still sends its metrics and records before it ends."""
    script = (
        "from otelstream.span.options import SpanOptions; from tests.e2e.runs import run_sync;"
        " run_sync({'spans': SpanOptions(events='log')})"
    )
    with HttpReceiver() as receiver:
        exporting = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{silent_collector}/v1/traces",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{receiver.endpoint}/v1/metrics",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{receiver.endpoint}/v1/logs",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "50",
        }
        took = seconds(lambda: run_python(["-c", script], tmp_path, exporting))

    assert (took < 5 + 2 * PROMPT_S, set(receiver.paths)) == (True, {"/v1/metrics", "/v1/logs"})
