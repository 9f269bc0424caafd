"""Requests as an exporter sends them that knows no limit."""

from __future__ import annotations

from typing import Any, Final

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

BIG_TRACE: Final = bytes(range(16))


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
