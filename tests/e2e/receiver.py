"""OTLP receivers in the test's own process: they take what an exporter sends over a real socket.

Both keep the bytes as they came out of the transport (unzipped), for searches; `received.py` reads them.
"""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, Protocol

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from typing_extensions import Self

PROTOCOLS = ("http/protobuf", "grpc")

Signal = Literal["traces", "metrics", "logs"]

_SIGNALS: Final[dict[str, Signal]] = {
    "/v1/traces": "traces",
    "/v1/metrics": "metrics",
    "/v1/logs": "logs",
}
_RESPONSES: Final[dict[Signal, type[Any]]] = {
    "traces": ExportTraceServiceResponse,
    "metrics": ExportMetricsServiceResponse,
    "logs": ExportLogsServiceResponse,
}


@dataclass(frozen=True, slots=True)
class Export:
    """One export request: which signal it is about, and its bytes."""

    signal: Signal
    body: bytes


class Receiver(Protocol):
    """What both receivers can do."""

    exports: list[Export]
    arrived: threading.Event

    @property
    def payloads(self) -> list[bytes]:
        """The bytes of all requests, whatever their signal."""

    @property
    def endpoint(self) -> str:
        """The URL to export to."""

    @property
    def protocol(self) -> str:
        """The OTLP protocol by the name that `OTEL_EXPORTER_OTLP_PROTOCOL` has for it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class HttpReceiver:
    """OTLP over HTTP, on a free port of the loopback interface.

    Attributes:
        exports: The requests in their order.
        arrived: Set when there is one.
        paths: Where they went.
        headers: What each had, names in lower case.
        encodings: How they were zipped.
        status: What is answered.
        refused: Signals that are answered with 400 instead.
    """

    protocol = "http/protobuf"

    def __init__(self) -> None:
        self.exports: list[Export] = []
        self.arrived = threading.Event()
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.encodings: list[str | None] = []
        self.status = 200
        self.refused: set[Signal] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def payloads(self) -> list[bytes]:
        """The bytes of all requests, whatever their signal."""
        return [export.body for export in self.exports]

    @property
    def endpoint(self) -> str:
        """The base URL; exporters add the path of their signal."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class GrpcReceiver:
    """OTLP over gRPC, on a free port of the loopback interface; it takes messages of 4 MiB, as by default."""

    protocol = "grpc"

    def __init__(self) -> None:
        self.exports: list[Export] = []
        self.arrived = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=2))
        adders: dict[Signal, Any] = {
            "traces": trace_service_pb2_grpc.add_TraceServiceServicer_to_server,
            "metrics": metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server,
            "logs": logs_service_pb2_grpc.add_LogsServiceServicer_to_server,
        }
        for signal, add in adders.items():
            add(_Servicer(self, signal), self._server)
        self._port: int = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def payloads(self) -> list[bytes]:
        """The bytes of all requests, whatever their signal."""
        return [export.body for export in self.exports]

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


def variables(receiver: Receiver, *, metrics: bool = False) -> dict[str, str]:
    """Return the environment variables that make a process export to the receiver.

    Args:
        receiver: Where to.
        metrics: Whether metrics are asked for too: an endpoint alone does not.
    """
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": receiver.protocol,
        **({"OTEL_METRICS_EXPORTER": "otlp"} if metrics else {}),
    }


def _handler(receiver: HttpReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take one export request."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            encoding = self.headers["Content-Encoding"]
            # A backend's endpoint may have a path before the signal's own.
            signal = _SIGNALS["/" + "/".join(self.path.split("/")[-2:])]
            answer = _RESPONSES[signal]().SerializeToString()
            receiver.paths.append(self.path)
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.encodings.append(encoding)
            refused = signal in receiver.refused
            if not refused:
                payload = gzip.decompress(body) if encoding == "gzip" else body
                receiver.exports.append(Export(signal, payload))
                receiver.arrived.set()
            self.send_response(400 if refused else receiver.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Say nothing on stderr."""

    return Handler


class _Servicer:
    """Any of the three services: they have the one method, and differ in their messages."""

    def __init__(self, receiver: GrpcReceiver, signal: Signal) -> None:
        self._receiver = receiver
        self._signal = signal

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  the generated signature
        self._receiver.exports.append(Export(self._signal, request.SerializeToString()))
        self._receiver.arrived.set()
        return _RESPONSES[self._signal]()
