"""OTLP trace receivers in the test's own process: they take what an exporter sends over a real socket.

Both keep the bytes as they came out of the transport (unzipped), for searches, and the spans as plain values.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, cast

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from typing_extensions import Self

PROTOCOLS = ("http/protobuf", "grpc")


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event of a received span."""

    name: str
    time_ns: int
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class ReceivedLink:
    """A link of a received span."""

    trace_id: str
    span_id: str
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as the collector sees it; ids in hex, times in nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: dict[str, object]
    events: tuple[ReceivedEvent, ...]
    links: tuple[ReceivedLink, ...]
    status: str
    status_message: str


class Receiver(Protocol):
    """What both receivers can do."""

    payloads: list[bytes]

    @property
    def endpoint(self) -> str:
        """The URL to export to."""

    @property
    def protocol(self) -> str:
        """The OTLP protocol by the name that `OTEL_EXPORTER_OTLP_PROTOCOL` has for it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class HttpReceiver:
    """OTLP over HTTP, on a free port of the loopback interface."""

    protocol = "http/protobuf"

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.paths: list[str] = []
        self.encodings: list[str | None] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def endpoint(self) -> str:
        """The base URL; exporters add `/v1/traces`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class GrpcReceiver:
    """OTLP over gRPC, on a free port of the loopback interface."""

    protocol = "grpc"

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self._server = grpc.server(ThreadPoolExecutor(max_workers=2))
        add_TraceServiceServicer_to_server(_Servicer(self.payloads), self._server)  # type: ignore[no-untyped-call]  # generated
        self._port: int = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        """The URL; `http` says that there is no TLS."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()


def receiver_of(protocol: str) -> Receiver:
    """Return a receiver of that protocol, not started yet."""
    return HttpReceiver() if protocol == HttpReceiver.protocol else GrpcReceiver()


def variables(receiver: Receiver) -> dict[str, str]:
    """Return the environment variables that make a process export to the receiver."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": receiver.protocol,
    }


def spans_of(receiver: Receiver) -> list[ReceivedSpan]:
    """Return all spans received so far, by start and then by id."""
    found = [
        _received(span)
        for payload in receiver.payloads
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return sorted(found, key=lambda span: (span.start_ns, span.span_id))


def _handler(receiver: HttpReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take one export request."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            encoding = self.headers["Content-Encoding"]
            payload = gzip.decompress(body) if encoding == "gzip" else body
            answer = ExportTraceServiceResponse().SerializeToString()
            receiver.paths.append(self.path)
            receiver.encodings.append(encoding)
            receiver.payloads.append(payload)
            self.send_response(receiver.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Say nothing on stderr."""

    return Handler


class _Servicer(TraceServiceServicer):
    def __init__(self, payloads: list[bytes]) -> None:
        self._payloads = payloads

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  the generated signature
        self._payloads.append(request.SerializeToString())
        return ExportTraceServiceResponse()


def _received(span: Span) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple(
            ReceivedEvent(event.name, event.time_unix_nano, _attributes(event.attributes))
            for event in span.events
        ),
        links=tuple(
            ReceivedLink(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
            for link in span.links
        ),
        status=Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        status_message=span.status.message,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    which = value.WhichOneof("value")
    if which == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if which == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if which is None else cast("object", getattr(value, which))


def root_of(spans: Sequence[ReceivedSpan]) -> ReceivedSpan:
    """Return the one span whose parent is not among them."""
    ids = {span.span_id for span in spans}
    (root,) = (span for span in spans if span.parent_span_id not in ids)
    return root
