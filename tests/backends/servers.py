"""The services of the compose file, run on this machine with our configurations and flags, on free ports."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.backends.found import need_built
from tests.backends.moving import LOOPBACK, free_ports, moved
from tests.dashboards.stack.files import configuration, services
from tests.e2e.runs import end_process

START_S: Final = 30.0
"""What a busy machine may take until a server answers; an idle one takes about one second."""

STOP_S: Final = 10.0

HEALTH: Final = {
    "collector": ("0.0.0.0:13133", "/"),
    "jaeger": ("127.0.0.1:13133", "/status"),
    "prometheus": ("localhost:9090", "/-/ready"),
}
"""Where each says that it is ready."""

PLACES: Final = {
    "collector": ("0.0.0.0:4317", "0.0.0.0:4318", "0.0.0.0:13133", "0.0.0.0:8888"),
    "jaeger": (
        "0.0.0.0:4317",
        "0.0.0.0:4318",
        "127.0.0.1:13133",
        "0.0.0.0:8888",
        "0.0.0.0:16685",
        "0.0.0.0:16686",
    ),
    "prometheus": ("localhost:9090",),
}
"""Where each listens, by its configuration."""


class Server:
    """A running service of the stack.

    Attributes:
        ports: Its port of this machine for each place that its configuration listens on.
        log: What it has said.
    """

    def __init__(self, service: str, folder: Path, others: Mapping[str, int]) -> None:
        self._service = service
        self._folder = folder / service
        self._folder.mkdir()
        self.ports = free_ports(PLACES[service])
        self.log = self._folder / "log"
        config = moved(configuration(service), {**others, **self.ports})
        (self._folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it says that it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self._folder, env={}, stdout=log, stderr=log
            )
        place, path = HEALTH[self._service]
        until = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < until:
            if _answers(f"http://{LOOPBACK}:{self.ports[place]}{path}"):
                return
            time.sleep(0.05)
        self.stop()
        pytest.fail(f"{self._service} did not start: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it, and return when it is gone."""
        process, self._process = self._process, None
        if process is not None:
            end_process(process, STOP_S)

    def get(self, place: str, path: str, **query: str | float) -> Any:  # noqa: ANN401  JSON
        """Return the JSON that it answers at one of its places."""
        text = urllib.parse.urlencode(query)
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{self.ports[place]}{path}?{text}", timeout=30
        ) as answer:
            return json.load(answer)

    def text(self, place: str, path: str) -> str:
        """Return the text that it answers at one of its places."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.ports[place]}{path}", timeout=30) as answer:
            return str(answer.read(), "utf-8")

    def variables(self, protocol: str) -> dict[str, str]:
        """Return the variables that make a process export traces and metrics to it."""
        port = self.ports["0.0.0.0:4317" if protocol == "grpc" else "0.0.0.0:4318"]
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_METRICS_EXPORTER": "otlp",
        }

    def _command(self) -> Sequence[str]:
        program = need_built("otelcol" if self._service == "collector" else self._service)
        if self._service != "prometheus":
            return [str(program), "--config=config.yaml"]
        here = {"--config.file": "config.yaml", "--storage.tsdb.path": "data"}
        flags = [flag.split("=", 1) for flag in services("full")["prometheus"]["command"]]
        ours = ["=".join([name, *([here[name]] if name in here else value)]) for name, *value in flags]
        return [str(program), *ours, f"--web.listen-address={LOOPBACK}:{self.ports['localhost:9090']}"]


@contextmanager
def running(service: str, folder: Path, others: Mapping[str, int] | None = None) -> Iterator[Server]:
    """Run a service of the stack.

    Args:
        service: Which.
        folder: Where its configuration, its log and its data go.
        others: The port of this machine for each place elsewhere that its configuration names.
    """
    server = Server(service, folder, others or {})
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
