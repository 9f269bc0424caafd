"""Runs observed in this process and exported to a server, as a new process would that has those variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

import otelstream
from otelstream import bridge
from otelstream.bridge.counters import Losses
from tests.e2e.runs import golden, session

EVERYTHING: Final = otelstream.SpanOptions(content="SPAN_AND_EVENT", events="both", chunk_events="all")
"""Content in spans and records, and an event for each of a model's chunks: the most that a run can send."""

BIG_TRACE: Final = bytes(range(16))


def observe(exporting: Mapping[str, str], names: Sequence[str]) -> Mapping[str, int]:
    """Observe golden streams with everything exported; return what was lost, by reason."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OTEL")]:
            patch.delenv(name)
        for name, value in exporting.items():
            patch.setenv(name, value)
        patch.setattr(bridge, "_losses", Losses())
        for name in names:
            list(otelstream.observe(session(golden(name)), spans=EVERYTHING))
        return otelstream.losses() if otelstream.shutdown(30) else {"not flushed": 1}


def send_spans(port: int, count: int, size: int) -> None:
    """Send so many spans of some bytes each in one gRPC request, as an exporter that knows no limit does.

    Raises:
        grpc.RpcError: It was refused.
    """
    attribute = KeyValue(key="text", value=AnyValue(string_value="x" * size))
    spans = [
        Span(
            trace_id=BIG_TRACE,
            span_id=(number + 1).to_bytes(8, "big"),
            name="big",
            start_time_unix_nano=number,
            end_time_unix_nano=number + 1,
            attributes=[attribute],
        )
        for number in range(count)
    ]
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])],
    )
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = TraceServiceStub(channel)  # type: ignore[no-untyped-call]  # it has no types
        stub.Export(request, timeout=30)
