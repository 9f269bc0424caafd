"""A real collector that comes late, goes, returns or refuses: what is lost is counted, the rest arrives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from otelstream.testing import Script
from tests.e2e.collector import Collector
from tests.e2e.received import logs_of, metrics_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, variables
from tests.e2e.runs import golden, session

BEFORE, MEANWHILE, AFTER = "01_plain_flow.jsonl", "04_crew_streaming.jsonl", "02_router_or_and.jsonl"
SPANS: Final = {BEFORE: 3, MEANWHILE: 6, AFTER: 7}
RECORDS: Final = {BEFORE: 1, MEANWHILE: 17, AFTER: 1}

MESSAGE_LIMIT: Final = 4 * 1024 * 1024
"""What receivers over gRPC take, Rotel too."""

WITHOUT: Final = 1 << 40
"""A limit that limits nothing, in bytes."""

GIVE_UP_S: Final = "0.5"
"""Less than the SDK's first pause before it tries again, so it does not."""

PATIENCE_S: Final = 30.0


class Retries(logging.Handler):
    """Notices that an exporter of the SDK failed and will try again."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a log record."""
        if "Transient error" in record.getMessage():
            self.seen.set()


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    """Where the collector passes on to."""
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def retries() -> Iterator[Retries]:
    """Whether an export was tried in vain."""
    handler, logger = Retries(), logging.getLogger("opentelemetry.exporter")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def export_to(collector: Collector, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is observed from now on go to a collector."""
    for name, value in collector.variables(protocol).items():
        monkeypatch.setenv(name, value)


def observe(frames: tuple[StreamFrame, ...]) -> None:
    """Observe a session whose events are log records too."""
    list(otelstream.observe(session(frames), spans=SpanOptions(events="both")))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_may_come_late(
    protocol: str,
    receiver: HttpReceiver,
    retries: Retries,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody listens when a run is first exported; the exporter tries again, and everything arrives."""
    collector = Collector(receiver, tmp_path)
    export_to(collector, protocol, monkeypatch)
    observe(golden(MEANWHILE))
    ending = threading.Thread(target=otelstream.shutdown, args=(PATIENCE_S,))
    ending.start()
    tried = retries.seen.wait(PATIENCE_S)
    with collector:
        ending.join()

    arrived = len(spans_of(receiver)), len(logs_of(receiver)), len(metrics_of(receiver)) > 0
    assert (tried, arrived, otelstream.losses()) == (True, (SPANS[MEANWHILE], RECORDS[MEANWHILE], True), {})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_that_is_away_for_a_while_costs_what_is_counted(
    protocol: str, receiver: HttpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs before and after arrive whole; of the one in between all spans and records are counted as lost."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", GIVE_UP_S)
    flushed = []
    with Collector(receiver, tmp_path) as collector:
        export_to(collector, protocol, monkeypatch)
        for name, step in ((BEFORE, collector.stop), (MEANWHILE, collector.start), (AFTER, collector.stop)):
            observe(golden(name))
            flushed.append(otelstream.flush(PATIENCE_S))
            step()
    arrived = {"export": len(spans_of(receiver)), "logs": len(logs_of(receiver))}

    assert (flushed, arrived, otelstream.losses()) == (
        [True, False, True],
        {"export": SPANS[BEFORE] + SPANS[AFTER], "logs": RECORDS[BEFORE] + RECORDS[AFTER]},
        {"export": SPANS[MEANWHILE], "logs": RECORDS[MEANWHILE], "metrics": 1},
    )


def test_metrics_catch_up(receiver: HttpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums go on from where they were: an export tells what the failed one before it would have told."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", GIVE_UP_S)
    collector = Collector(receiver, tmp_path)
    export_to(collector, "http/protobuf", monkeypatch)
    observe(golden(MEANWHILE))
    flushed = otelstream.flush(PATIENCE_S)
    with collector:
        observe(golden(AFTER))
        otelstream.shutdown(PATIENCE_S)
    told = metrics_of(receiver)
    frames, runs = told["otelstream.frames"].only.value, told["otelstream.run.duration"].points

    assert (flushed, frames, sum(point.count for point in runs)) == (
        False,
        len(golden(MEANWHILE)) + len(golden(AFTER)),
        2,
    )


def prompts(*lengths: int) -> tuple[StreamFrame, ...]:
    """Return a flow whose model calls have prompts of those lengths."""
    script = Script()
    script.start("flow_started", flow_name="Heavy")
    for number, length in enumerate(lengths):
        call = {"call_id": f"call {number}", "model": f"model-{number}"}
        script.start("llm_call_started", messages=[{"role": "user", "content": "x" * length}], **call)
        script.end("llm_call_completed", response="fine", **call)
    script.end("flow_finished", flow_name="Heavy")
    return tuple(script.frames)


def export_prompts(exporting: dict[str, str], monkeypatch: pytest.MonkeyPatch, *lengths: int) -> None:
    """Export a flow with such prompts, each span that is heavy in a request of its own."""
    for name, value in exporting.items():
        monkeypatch.setenv(name, value)
    unlimited = SpanOptions(
        content="SPAN_ONLY", content_bytes=WITHOUT, span_bytes=WITHOUT, trace_bytes=WITHOUT
    )
    list(otelstream.observe(session(prompts(*lengths)), spans=unlimited, redact=False))
    otelstream.shutdown(PATIENCE_S)


def test_one_byte_too_much_costs_one_span(
    receiver: HttpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without our limits a span may fill 4 MiB to the byte; one that is bigger is lost, alone and counted."""
    length = MESSAGE_LIMIT - 100_000
    with HttpReceiver() as plain:
        export_prompts(variables(plain), monkeypatch, length)
        spare = MESSAGE_LIMIT - max(len(export.body) for export in plain.exports)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")  # refusals are tried again until then
    with Collector(receiver, tmp_path) as collector:
        fitting = length + spare
        export_prompts(collector.variables("grpc"), monkeypatch, fitting, fitting + 1)

    assert ([span.name for span in spans_of(receiver)], otelstream.losses()) == (
        ["invoke_workflow Heavy", "chat model-0"],
        {"export": 1},
    )
