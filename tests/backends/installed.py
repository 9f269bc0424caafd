"""Servers from the package index that keep traces: started as their makers say, exported to and asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.backends.found import BUILT
from tests.e2e.collector import free_ports
from tests.e2e.received import ReceivedSpan

START_S: Final = 200.0
"""What a busy machine may take until such a server answers; an idle one takes 45 seconds."""

STOP_S: Final = 10.0


@dataclass(frozen=True)
class Backend:
    """A server, and what somebody sets who exports to it.

    Attributes:
        name: Its `make` target, its folder beneath `.backends`, and its program in there.
        megabytes: What its environment takes on the disk.
        arguments: Of its program; `{http}`, `{grpc}` and `{folder}` stand for its ports and its folder.
        environment: Its variables, likewise.
        ready: The path that answers when it has started.
        exporting: Variables of the exporting process, beside endpoint and protocol.
        precision_ns: To what its times are rounded.
        spans: Returns a trace's spans as its API has them.
        spelled: Returns attributes under the names that it keeps them by.
    """

    name: str
    megabytes: int
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    ready: str
    exporting: Mapping[str, str]
    precision_ns: int
    spans: Callable[[Running, str], list[ReceivedSpan]]
    spelled: Callable[[Mapping[str, object]], dict[str, object]]


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    backend: Backend
    ports: Mapping[str, int]

    def variables(self, protocol: str) -> dict[str, str]:
        """Return the variables that make a process export traces to it."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.ports[protocol]}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            **self.backend.exporting,
        }

    def ask(self, path: str, question: object = None) -> Any:  # noqa: ANN401  JSON
        """Return the JSON that it answers to a path, and to a question that is posted there."""
        body = None if question is None else json.dumps(question).encode()
        url = f"http://127.0.0.1:{self.ports['http/protobuf']}{path}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        """Tell whether it has started."""
        url = f"http://127.0.0.1:{self.ports['http/protobuf']}{self.backend.ready}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def serving(backend: Backend, folder: Path) -> Iterator[Running]:
    """Run a server whose files all go to a folder; skip the test, and say why, where it is not installed."""
    program = BUILT / backend.name / "bin" / backend.name
    if not program.is_file():
        pytest.skip(
            f"There is no {backend.name} here; make {backend.name} installs it ({backend.megabytes} MB)."
        )
    running = Running(backend, free_ports())
    places = {"http": running.ports["http/protobuf"], "grpc": running.ports["grpc"], "folder": folder}
    command = [str(program), *(argument.format(**places) for argument in backend.arguments)]
    own = {name: value.format(**places) for name, value in backend.environment.items()}
    # None of our variables; its parts find each other on the path.
    environment = {"PATH": f"{program.parent}:{os.defpath}", "HOME": str(folder), **own}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until = time.monotonic() + START_S
        while not running.answers():
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{backend.name} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield running
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started, which are its group."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_S)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # those of its group that outlived it, too
    process.wait()
