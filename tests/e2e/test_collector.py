"""A real collector, Rotel, takes what we export and passes it on; skipped where it is not installed."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import otelstream
from tests.e2e.received import logs_of, metrics_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver
from tests.e2e.runs import golden, session

LONG, CREW = "20_long_5000_chunks.jsonl.gz", "05_crew_two_agents_tools.jsonl.gz"


def agent() -> str | None:
    """Where Rotel's program is: on the path, or in the package of that name."""
    spec = importlib.util.find_spec("rotel")
    inside = (
        [Path(folder) / "rotel-agent" for folder in (spec.submodule_search_locations or [])] if spec else []
    )
    return shutil.which("rotel-agent") or next((str(path) for path in inside if path.exists()), None)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


@contextmanager
def collector(program: str, to: str) -> Iterator[dict[str, str]]:
    """Run Rotel in front of an endpoint; yield its own, by protocol."""
    ports = {protocol: free_port() for protocol in PROTOCOLS}
    http, grpc = (f"127.0.0.1:{ports[protocol]}" for protocol in ("http/protobuf", "grpc"))
    options = {
        "--otlp-http-endpoint": http,
        "--otlp-grpc-endpoint": grpc,
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": to,
        "--otlp-exporter-protocol": "http",
    }
    arguments = [part for option in options.items() for part in option]
    with subprocess.Popen([program, "start", *arguments], stdout=subprocess.DEVNULL) as process:
        for port in ports.values():
            wait_for(port)
        yield {protocol: f"http://127.0.0.1:{port}" for protocol, port in ports.items()}
        process.terminate()  # it passes on what it holds


def wait_for(port: int) -> None:
    """Return when somebody listens on a port, within ten seconds."""
    for _ in range(200):
        with closing(socket.socket()) as found:
            if found.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nobody listens on port {port}")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_takes_everything(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five thousand chunks as few events and one by one, content, metrics and records: none is refused."""
    program = agent()
    if program is None:
        pytest.skip("Rotel is not installed (pip install rotel)")
    with HttpReceiver() as receiver:
        with collector(program, receiver.endpoint) as endpoints:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoints[protocol])
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
            for options in (
                otelstream.SpanOptions(),
                otelstream.SpanOptions(chunk_events="all", content="SPAN_AND_EVENT", events="both"),
            ):
                list(otelstream.observe(session(golden(LONG)), spans=options))
                list(otelstream.observe(session(golden(CREW)), spans=options))
            assert (otelstream.shutdown(30), otelstream.losses()) == (True, {})
        chunks = [sum(e.name == "llm_stream_chunk" for e in span.events) for span in spans_of(receiver)]
        counts = (len(chunks), max(chunks), len(logs_of(receiver)) > 5_000, len(metrics_of(receiver)) > 9)

    assert counts == (38, 5_000, True, True)
