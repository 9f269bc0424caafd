"""The keys that OTLP headers carry reach the collector, and nothing else that we write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

import otelstream
from tests.e2e.receiver import HttpReceiver
from tests.e2e.runs import golden, observed_to, session

KEY: Final = "canary0123456789abcdef"


@contextmanager
def echoing_http() -> Iterator[str]:
    """Refuse everything over HTTP, and say with which headers it came: as the reason and as the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer one request."""
            self.rfile.read(int(self.headers["Content-Length"]))
            sent = " ".join(f"{name}: {value}" for name, value in self.headers.items())
            self.send_response(401, f"not with {sent}")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def echoing_grpc() -> Iterator[str]:
    """Refuse everything over gRPC, and say with which metadata it came."""

    class Servicer:
        def Export(self, request: Any, context: Any) -> None:  # noqa: N802, ANN401  the generated signature
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"not with {context.invocation_metadata()}")

    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop(None).wait()


ECHOING: Final = {"http/protobuf": echoing_http, "grpc": echoing_grpc}


@pytest.mark.parametrize(
    ("protocol", "masked"), [("http/protobuf", "authorization: ***"), ("grpc", "value='***'")]
)
def test_a_collector_that_echoes_the_key_does_not_bring_it_into_logs(
    protocol: str, masked: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal that quotes the headers is logged without their key, and the spans are counted as lost."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{KEY}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    with ECHOING[protocol]() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        list(otelstream.observe(session()))
        otelstream.shutdown(10)
    assert list(otelstream.losses()) == ["export"]
    assert masked in caplog.text.lower()
    assert KEY not in caplog.text


def test_a_malformed_header_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`Authorization: Bearer …`, as one writes it elsewhere, is told without what follows."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization: Bearer {KEY}==")
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch)
    assert "Header format invalid!" in caplog.text
    assert KEY not in caplog.text


def test_a_key_in_frames_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that shows its environment does not bring the key into a recording or a span."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-honeycomb-team={KEY}")
    frames = [frame.model_copy(update={"data": {**frame.data, "note": f"with {KEY}"}}) for frame in golden()]
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, frames, record=tmp_path / "a.jsonl")
    recording = (tmp_path / "a.jsonl").read_bytes()
    assert recording.count(b'"with ') == len(frames)
    assert KEY.encode() not in recording + b"".join(receiver.payloads)
