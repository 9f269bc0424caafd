"""A real collector, Rotel, between an exporter and a receiver: started on free ports, and always ended."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import Self

from tests.e2e.receiver import PROTOCOLS, HttpReceiver
from tests.e2e.runs import end_process

WHEELS: Final = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64")}
"""The machines that Rotel has wheels for; there the extra `dev` installs it."""

START_S: Final = 20.0
"""What a busy machine may take until the collector listens; an idle one takes a tenth of a second."""

STOP_S: Final = 10.0

VARIABLES: Final = {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
"""It needs its Python's library, which the linker may not know. It reads many ROTEL_*, so it gets no more."""

TRIES: Final = 3
"""A free port may be somebody else's by the time the collector listens; then others are taken."""


@cache
def find_agent() -> str | None:
    """Return Rotel's program: on the path, or in the package of that name; None if there is none."""
    spec = find_spec("rotel")
    folders = (spec.submodule_search_locations or []) if spec else []
    inside = [path for folder in folders if (path := Path(folder) / "rotel-agent").is_file()]
    return shutil.which("rotel-agent") or next((str(path) for path in inside), None)


@cache
def complaint_of(agent: str) -> str:
    """Return what keeps the program from being loaded, "" if it is: some Pythons share no library."""
    tried = subprocess.run(
        [agent, "--version"], check=False, env=VARIABLES, capture_output=True, text=True, timeout=START_S
    )
    return tried.stderr.strip() if "libpython" in tried.stderr else ""


def need_agent() -> str:
    """Return Rotel's program, or skip the test where there is none for this machine or its Python."""
    found = find_agent()
    if found is not None:
        if why := complaint_of(found):
            pytest.skip(f"Rotel, the collector of these tests, needs a Python with a shared library: {why}")
        return found
    machine = (sys.platform, platform.machine())
    if machine in WHEELS:
        pytest.fail("Rotel is missing, though it has a wheel for this machine: pip install -e '.[dev]'")
    pytest.skip(f"Rotel, the collector of these tests, has no wheel for {' '.join(machine)}")


def free_ports() -> dict[str, int]:
    """Return a port of the loopback interface for each protocol that nobody listens on."""
    with ExitStack() as held:
        found = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PROTOCOLS]
        return {protocol: one.getsockname()[1] for protocol, one in zip(PROTOCOLS, found, strict=True)}


class Collector:
    """Rotel, which takes OTLP over HTTP and gRPC and passes it on to a receiver over HTTP.

    As a context manager it listens within; `stop` and `start` make it go away and come back in between.

    Args:
        to: Where it passes on to.
        folder: An empty folder, where it runs and its output goes.
    """

    def __init__(self, to: HttpReceiver, folder: Path) -> None:
        self._to = to.endpoint
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.ports: Mapping[str, int] = free_ports()

    def __enter__(self) -> Self:
        for left in reversed(range(TRIES)):
            if self._listens():
                return self
            self.stop()
            if left:
                self.ports = free_ports()
        pytest.fail(f"The collector did not start: {(self._folder / 'rotel.log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def variables(self, protocol: str) -> dict[str, str]:
        """Return the variables that make a process export to it, metrics too."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.ports[protocol]}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_METRICS_EXPORTER": "otlp",
        }

    def start(self) -> None:
        """Start it on the ports that it has, and return when it listens."""
        assert self._listens(), "the collector did not come back"

    def stop(self) -> None:
        """End it and return when it is gone; what it holds is passed on before."""
        process, self._process = self._process, None
        if process is not None:
            end_process(process, STOP_S)

    def _listens(self) -> bool:
        """Start it, and tell whether it listens on all its ports in time."""
        http, grpc = (f"127.0.0.1:{self.ports[protocol]}" for protocol in PROTOCOLS)
        options = {
            "--otlp-http-endpoint": http,
            "--otlp-grpc-endpoint": grpc,
            "--batch-timeout": "20ms",  # what came is passed on soon; by default ten times later
            "--exporter": "otlp",
            "--otlp-exporter-endpoint": self._to,
            "--otlp-exporter-protocol": "http",
        }
        command = [need_agent(), "start", *(part for option in options.items() for part in option)]
        with (self._folder / "rotel.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, env=VARIABLES, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < until:
            if all(_answers(port) for port in self.ports.values()):
                return True
            time.sleep(0.01)
        return False


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
