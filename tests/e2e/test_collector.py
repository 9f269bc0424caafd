"""What a real collector passes on is what we exported, with nothing changed, over each protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # it has no types
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import otelstream
from tests.e2e.collector import Collector
from tests.e2e.fresh import observe
from tests.e2e.received import logs_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, Signal, variables

RUNS: Final = (
    "02_router_or_and.jsonl",  # links
    "05_crew_two_agents_tools.jsonl.gz",  # every kind of span
    "07_llm_http500.jsonl",  # errors
    "12_conversation_turn1.jsonl",
    "12_conversation_turn2.jsonl",  # a link to another trace
)
LONG: Final = "20_long_5000_chunks.jsonl.gz"
CHUNKS: Final = 5_000

REQUESTS: Final[dict[Signal, Any]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
INNER: Final[dict[Signal, tuple[str, str, str]]] = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
"""The three levels of a request, by their names in JSON."""

MEASURED: Final = {"startTimeUnixNano", "timeUnixNano"}
"""When points and their exemplars were measured: two runs measure at two times."""

OBSERVED: Final = {"observedTimeUnixNano"}
"""When a log record was made, likewise; its own time is its frame's."""


@dataclass(frozen=True)
class Delivery:
    """What arrived of the runs, and what was lost on the way."""

    receiver: HttpReceiver
    losses: Mapping[str, int]


@pytest.fixture(scope="module")
def direct() -> Iterator[Delivery]:
    """The runs, exported to the receiver itself."""
    otelstream.shutdown(5)
    with HttpReceiver() as receiver:
        yield Delivery(receiver, observe(variables(receiver, metrics=True), RUNS))


@pytest.fixture(
    scope="module",
    params=[(protocol, zipped) for protocol in PROTOCOLS for zipped in ("none", "gzip")],
    ids=" ".join,
)
def collected(
    request: pytest.FixtureRequest, direct: Delivery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Delivery]:
    """The same runs, exported to a collector that passes them on to a receiver."""
    del direct  # what it observes comes before: two pipelines at a time would share their counters
    protocol, zipped = request.param
    with HttpReceiver() as receiver:
        with Collector(receiver, tmp_path_factory.mktemp("collector")) as collector:
            exporting = {**collector.variables(protocol), "OTEL_EXPORTER_OTLP_COMPRESSION": zipped}
            losses = observe(exporting, RUNS)
        yield Delivery(receiver, losses)


def without(told: object, keys: set[str]) -> object:
    """Return JSON without some keys, on every level."""
    if isinstance(told, dict):
        return {key: without(value, keys) for key, value in told.items() if key not in keys}
    return [without(item, keys) for item in told] if isinstance(told, list) else told


def told(delivery: Delivery, signal: Signal, leave_out: set[str] | None = None) -> list[object]:
    """Return all that arrived of a signal, each item with its resource and scope, in an order of its own."""
    by_resource, by_scope, items = INNER[signal]
    found = [
        {
            "resource": resource["resource"],
            "schema": (resource.get("schemaUrl"), scope.get("schemaUrl")),
            "scope": scope["scope"],
            "item": without(item, leave_out or set()),
        }
        for export in delivery.receiver.exports
        if export.signal == signal
        for resource in MessageToDict(REQUESTS[signal].FromString(export.body))[by_resource]
        for scope in resource[by_scope]
        for item in scope[items]
    ]
    return sorted(found, key=repr)


def test_nothing_is_lost_on_the_way(collected: Delivery) -> None:
    """Everything was exported in time, and the pipeline has counted no loss."""
    assert collected.losses == {}


def test_spans_are_the_same(collected: Delivery, direct: Delivery) -> None:
    """Ids, parents, links, kinds, times, attributes, events, statuses, scope and resource are as exported."""
    assert told(collected, "traces") == told(direct, "traces")


def test_metrics_are_the_same(collected: Delivery, direct: Delivery) -> None:
    """Every point has its attributes, sums, buckets and exemplars; only when it was measured differs."""
    assert told(collected, "metrics", MEASURED) == told(direct, "metrics", MEASURED)


def test_records_are_the_same(collected: Delivery, direct: Delivery) -> None:
    """Log records have their names, times, bodies, attributes and spans."""
    assert told(collected, "logs", OBSERVED) == told(direct, "logs", OBSERVED)


def test_there_was_something_to_compare(direct: Delivery) -> None:
    """The runs have spans with links, events, content and errors, metrics with exemplars, and records."""
    spans = spans_of(direct.receiver)
    texts = {signal: repr(told(direct, signal)) for signal in INNER}
    seen = {
        "links": any(span.links for span in spans),
        "events": any(span.events for span in spans),
        "content": any("gen_ai.input.messages" in span.attributes for span in spans),
        "errors": any(span.status == "ERROR" and span.status_message for span in spans),
        "traces": len({span.trace_id for span in spans}),
        "exemplars": "'exemplars'" in texts["metrics"],
        "records": "'eventName'" in texts["logs"],
    }

    assert seen == {
        "links": True,
        "events": True,
        "content": True,
        "errors": True,
        "traces": len(RUNS),
        "exemplars": True,
        "records": True,
    }


def test_a_long_answer_passes_token_by_token(tmp_path: Path) -> None:
    """Five thousand chunks, each an event and a record of its own, pass through gRPC in messages it takes."""
    with HttpReceiver() as receiver:
        with Collector(receiver, tmp_path) as collector:
            losses = observe(collector.variables("grpc"), [LONG])
        events = [event.name for span in spans_of(receiver) for event in span.events]
        records = [record.name for record in logs_of(receiver)]

    counts = [names.count("llm_stream_chunk") for names in (events, records)]
    assert (counts, losses) == ([CHUNKS, CHUNKS], {})
