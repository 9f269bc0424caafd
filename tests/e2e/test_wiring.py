"""The lines of VIEWING.md for other stacks send what those stacks' documentation asks for, and where to.

Each line is run as it stands there, with the receiver in the place of the vendor's host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

import otelstream
from tests.dashboards.viewing import Wiring, wirings
from tests.e2e.receiver import GrpcReceiver, HttpReceiver, receiver_of
from tests.e2e.runs import session

TRACES: Final = ("/v1/traces",)
BOTH: Final = ("/v1/metrics", "/v1/traces")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a backend's documentation asks for.

    Attributes:
        host: Where to, as it is written.
        paths: Those of the signals that it takes, in the order of the alphabet.
        headers: By path, what must be among the headers of each request.
        protocol: Of OTLP.
    """

    host: str
    paths: tuple[str, ...]
    headers: dict[str, dict[str, str]]
    protocol: str = "http/protobuf"


ASKED: Final = {
    "Jaeger 2": Asked("localhost:4318", TRACES, {}),
    "Tempo": Asked("tempo:4318", TRACES, {}),
    "Collector, over gRPC": Asked("collector:4317", ("metrics", "traces"), {}, "grpc"),
    "Grafana Cloud": Asked(
        "otlp-gateway-prod-eu-west-2.grafana.net",
        ("/otlp/v1/metrics", "/otlp/v1/traces"),
        {
            "/otlp/v1/metrics": {"authorization": "Basic BASE64"},
            "/otlp/v1/traces": {"authorization": "Basic BASE64"},
        },
    ),
    "Phoenix": Asked("localhost:6006", TRACES, {}),
    "Langfuse": Asked(
        "cloud.langfuse.com",
        ("/api/public/otel/v1/traces",),
        {
            "/api/public/otel/v1/traces": {
                "authorization": "Basic BASE64",
                "x-langfuse-ingestion-version": "4",
            }
        },
    ),
    "Honeycomb": Asked(
        "api.honeycomb.io",
        BOTH,
        {
            "/v1/metrics": {"x-honeycomb-team": "KEY", "x-honeycomb-dataset": "metrics"},
            "/v1/traces": {"x-honeycomb-team": "KEY"},
        },
    ),
    "Datadog Agent": Asked("localhost:4318", BOTH, {}),
    "Datadog, direct": Asked(
        "otlp.datadoghq.com", TRACES, {"/v1/traces": {"dd-api-key": "KEY", "compute_stats": "true"}}
    ),
    "MLflow": Asked("localhost:5000", TRACES, {"/v1/traces": {"x-mlflow-experiment-id": "0"}}),
    "SigNoz Cloud": Asked(
        "ingest.eu.signoz.cloud:443",
        BOTH,
        {
            "/v1/metrics": {"signoz-ingestion-key": "KEY"},
            "/v1/traces": {"signoz-ingestion-key": "KEY"},
        },
    ),
}
"""From their documentation as it was stored in November 2026."""


def run_with(
    wiring: Wiring, receiver: GrpcReceiver | HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """Observe a run with a line's variables, sent to the receiver; return the hosts that stood there."""
    hosts: set[str] = set()
    for name, value in wiring.variables.items():
        if name.endswith("_ENDPOINT"):
            address = urlsplit(value)
            hosts.add(address.netloc)
            value = receiver.endpoint + address.path  # noqa: PLW2901  the vendor's host is not to be asked
        monkeypatch.setenv(name, value)
    list(otelstream.observe(session()))
    otelstream.shutdown(10)
    return hosts


def test_every_stack_has_a_line() -> None:
    """The table of VIEWING.md has the stacks whose documentation is known here, and no other."""
    assert [wiring.to for wiring in wirings()] == list(ASKED)


@pytest.mark.parametrize("wiring", wirings(), ids=lambda wiring: wiring.to)
def test_a_line_sends_what_is_asked_for(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, protocol, paths, headers and signals are those that the backend's documentation asks for."""
    asked = ASKED[wiring.to]
    with receiver_of(asked.protocol) as receiver:
        assert isinstance(receiver, GrpcReceiver | HttpReceiver)
        hosts = run_with(wiring, receiver, monkeypatch)
        if isinstance(receiver, HttpReceiver):
            sent = dict(zip(receiver.paths, receiver.headers, strict=True))
        else:
            sent = {export.signal: {} for export in receiver.exports}
    headers = {
        path: {name: sent[path].get(name) for name in expected} for path, expected in asked.headers.items()
    }
    assert (hosts, tuple(sorted(sent)), headers) == ({asked.host}, asked.paths, asked.headers)
    assert otelstream.losses() == {}


@pytest.mark.parametrize("wiring", wirings(), ids=lambda wiring: wiring.to)
def test_a_line_says_which_signals_it_sends(wiring: Wiring) -> None:
    """A line asks for metrics exactly where the table says that the backend takes them."""
    assert ("metrics" in wiring.takes) == (wiring.variables.get("OTEL_METRICS_EXPORTER") == "otlp")


def of(name: str) -> Wiring:
    """Return the line of that name."""
    return next(wiring for wiring in wirings() if wiring.to == name)


def test_datadog_gets_deltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datadog's line has what Datadog asks for: an export of a histogram is what came since the last."""
    with HttpReceiver() as receiver:
        run_with(of("Datadog Agent"), receiver, monkeypatch)
    found = {
        metric.histogram.aggregation_temporality
        for export in receiver.exports
        if export.signal == "metrics"
        for resource in ExportMetricsServiceRequest.FromString(export.body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.HasField("histogram")
    }
    assert found == {AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA}


def test_phoenix_is_told_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phoenix's line names the project in the resource, where Phoenix looks for it."""
    with HttpReceiver() as receiver:
        run_with(of("Phoenix"), receiver, monkeypatch)
    (export,) = receiver.exports
    (spans,) = ExportTraceServiceRequest.FromString(export.body).resource_spans
    told = {attribute.key: attribute.value.string_value for attribute in spans.resource.attributes}
    assert told["openinference.project.name"] == "shop"


def test_base64_needs_no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signs of Base64 arrive as they are; a space and a comma arrive if they are percent-encoded."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20a+b/c==,x-list=1%2C2")
    with HttpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
        list(otelstream.observe(session()))
        otelstream.shutdown(10)
    (sent,) = receiver.headers
    assert (sent["authorization"], sent["x-list"]) == ("Basic a+b/c==", "1,2")


def test_metrics_can_be_kept_from_a_backend_of_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_METRICS_EXPORTER=none` sends none, whatever else is set."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    with HttpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{receiver.endpoint}/v1/metrics")
        list(otelstream.observe(session()))
        otelstream.shutdown(10)
    assert receiver.paths == ["/v1/traces"]
