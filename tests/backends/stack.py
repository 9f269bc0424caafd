"""The profile full on this machine, with what can be had here: Collector, Jaeger and Prometheus.

A receiver of our own stands in Tempo's place, and takes what an unconfigured gRPC server takes: 4 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.backends.servers import Server, running
from tests.e2e.receiver import GrpcReceiver

COUNTERS: Final = "0.0.0.0:8888"
"""Where Collector and Jaeger tell their own metrics."""

NOBODY: Final = 1
"""A port that nothing listens on, for a service that is not started."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The running services, and the stand-in."""

    collector: Server
    jaeger: Server
    prometheus: Server
    tempo: GrpcReceiver

    def asked(self, path: str, **query: str | float) -> Any:  # noqa: ANN401  JSON
        """Return what Prometheus answers."""
        return self.prometheus.get("localhost:9090", f"/api/v1/{path}", **query)["data"]

    def vector(self, query: str, label: str) -> dict[str, float]:
        """Return the values of an instant query, by one of their labels."""
        found = self.asked("query", query=query)["result"]
        return {one["metric"].get(label, ""): float(one["value"][1]) for one in found}


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Run the stack; what it writes goes into a folder."""
    with GrpcReceiver() as tempo, running("jaeger", folder) as jaeger:
        scraped = {"jaeger:8888": jaeger.ports[COUNTERS], "collector:8888": NOBODY, "tempo:3200": NOBODY}
        with running("prometheus", folder, scraped) as prometheus:
            places = {
                "jaeger:4317": jaeger.ports["0.0.0.0:4317"],
                "tempo:4317": int(tempo.endpoint.rsplit(":", 1)[1]),
                "prometheus:9090": prometheus.ports["localhost:9090"],
            }
            with running("collector", folder, places) as collector:
                yield Stack(collector, jaeger, prometheus, tempo)


def counters(server: Server) -> dict[str, float]:
    """Return a service's own counters, summed over their labels."""
    found: dict[str, float] = {}
    for line in server.text(COUNTERS, "/metrics").splitlines():
        name, _, rest = line.partition("{")
        if name.startswith("otelcol_") and name.endswith("_total") and rest:
            found[name] = found.get(name, 0) + float(rest.rsplit(" ", 1)[1])
    return found


def troubles(server: Server) -> dict[str, float]:
    """Return those of its counters that tell of something refused or dropped, and are not zero."""
    words = ("refused", "failed", "dropped")
    return {
        name: count
        for name, count in counters(server).items()
        if count and any(word in name for word in words)
    }
