"""Runs with all that they can send, and requests beyond every default, through the stack we configure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import pytest

from tests.backends.jaeger import PAGE, by_event_name, trace_of, until
from tests.backends.sending import BIG_TRACE, send_spans
from tests.backends.servers import Server, running
from tests.backends.stack import NOBODY, Stack, counters, running_stack, troubles
from tests.e2e.fresh import observe
from tests.e2e.received import spans_of
from tests.e2e.receiver import PROTOCOLS

pytestmark = pytest.mark.backend

LONG: Final = "20_long_5000_chunks.jsonl.gz"
CHUNKS: Final = 5_000
CREW: Final = "05_crew_two_agents_tools.jsonl.gz"
GRPC_BYTES: Final = 4 * 2**20
BIG_SPANS: Final = 100
BIG_BYTES: Final = 100_000
"""Together 10 MB in one request: two and a half times what gRPC takes by default."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The stack, and what the exporting process lost by its own count."""

    stack: Stack
    losses: Mapping[str, int]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Start everything, and send it a long answer token by token, and a request of 10 MB."""
    with running_stack(tmp_path_factory.mktemp("limits")) as stack:
        exporting = {
            **stack.collector.variables("grpc"),
            "OTEL_SERVICE_NAME": "long",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        }
        losses = observe(exporting, [LONG])
        send_spans(stack.collector.ports["0.0.0.0:4317"], BIG_SPANS, BIG_BYTES)
        until(lambda: counters(stack.collector), _all_sent)
        yield Loaded(stack, losses)


def _all_sent(counted: Mapping[str, float]) -> bool:
    accepted = counted["otelcol_receiver_accepted_spans_total"]
    return counted.get("otelcol_exporter_sent_spans_total", 0) == 2 * accepted > 2 * BIG_SPANS


def test_the_program_has_lost_nothing(loaded: Loaded) -> None:
    """Traces, metrics as deltas, and log records were all taken."""
    assert loaded.losses == {}


def test_jaeger_has_every_token_of_a_long_answer(loaded: Loaded) -> None:
    """Five thousand chunks are five thousand events of one span, read back as they were sent."""
    sent = [span for span in spans_of(loaded.stack.tempo) if span.trace_id != BIG_TRACE.hex()]
    found = trace_of(loaded.stack.jaeger, sent[0].trace_id, len(sent))

    assert by_event_name(found) == by_event_name(sent)
    assert max(sum(event.name == "llm_stream_chunk" for event in span.events) for span in found) == CHUNKS


def test_a_request_beyond_grpcs_limit_is_taken(loaded: Loaded) -> None:
    """All spans of 10 MB in one request are in Jaeger."""
    assert len(trace_of(loaded.stack.jaeger, BIG_TRACE.hex(), BIG_SPANS)) == BIG_SPANS


def test_no_request_to_a_store_is_beyond_it(loaded: Loaded) -> None:
    """The collector has cut it up: a store that nobody configured has taken all of it."""
    sizes = [len(body) for body in loaded.stack.tempo.payloads]
    big = [span for span in spans_of(loaded.stack.tempo) if span.trace_id == BIG_TRACE.hex()]

    assert (len(big), max(sizes) < GRPC_BYTES, max(sizes) > GRPC_BYTES / 2) == (BIG_SPANS, True, True)


def test_deltas_become_totals(loaded: Loaded) -> None:
    """Prometheus adds up what a program exports as changes."""
    counted = until(lambda: loaded.stack.vector('otelstream_frames_total{job="long"}', "job"), bool)

    assert counted["long"] > CHUNKS


def test_records_are_counted_and_not_told(loaded: Loaded) -> None:
    """The collector's log has the number of log records, and nothing of what they say."""
    log = loaded.stack.collector.log.read_text(encoding="utf-8")

    assert ('"log records":' in log, "gen_ai.input.messages" in log) == (True, False)


@pytest.mark.parametrize("service", ["collector", "jaeger"])
def test_nothing_is_refused(loaded: Loaded, service: str) -> None:
    """The service's own counters tell of nothing that it refused or dropped."""
    assert troubles(getattr(loaded.stack, service)) == {}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The profile jaeger: Jaeger and nothing else."""
    with running("jaeger", tmp_path_factory.mktemp("alone")) as jaeger:
        yield jaeger


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_jaeger_alone_refuses_no_signal(alone: Server, protocol: str) -> None:
    """Traces, metrics and log records are taken over each protocol, though it shows traces only."""
    assert observe({**alone.variables(protocol), "OTEL_SERVICE_NAME": "alone"}, [CREW]) == {}
    assert "alone" in alone.get(PAGE, "/api/services")["data"]


def test_jaeger_alone_takes_what_the_collector_takes(alone: Server) -> None:
    """A request of 10 MB, too."""
    send_spans(alone.ports["0.0.0.0:4317"], BIG_SPANS, BIG_BYTES)

    assert len(trace_of(alone, BIG_TRACE.hex(), BIG_SPANS)) == BIG_SPANS


def test_a_request_beyond_the_limit_is_refused_in_a_sentence(alone: Server) -> None:
    """Beyond 16 MiB the answer names the limit, so that the tests above have found ours, not none."""
    with pytest.raises(grpc.RpcError, match="16777216"):
        send_spans(alone.ports["0.0.0.0:4317"], 2 * BIG_SPANS, BIG_BYTES)


def test_a_store_that_is_away_does_not_hold_up_the_other(tmp_path: Path) -> None:
    """Where nothing listens for Tempo and Prometheus, the program loses nothing and Jaeger has the trace."""
    with running("jaeger", tmp_path) as jaeger:
        places = {
            "jaeger:4317": jaeger.ports["0.0.0.0:4317"],
            "tempo:4317": NOBODY,
            "prometheus:9090": NOBODY,
        }
        with running("collector", tmp_path, places) as collector:
            losses = observe({**collector.variables("grpc"), "OTEL_SERVICE_NAME": "here"}, [CREW])
            found = until(lambda: jaeger.get(PAGE, "/api/services")["data"], bool)

    assert (losses, found) == ({}, ["here"])
