"""A real Prometheus that holds what the load exported, as if its exports had been a minute apart.

Prometheus 3 takes them by OTLP, with the stack's own configuration. Prometheus 2 has no such receiver: there
the texts become a block of its database.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.backends.found import need_built
from tests.backends.moving import LOOPBACK, free_ports
from tests.backends.servers import running
from tests.dashboards.exported import INSTANCE, JOB, PARTS, Exported
from tests.dashboards.panels.queries import panel_queries

STEP_S: Final = 60
"""Seconds between two exports, as OpenTelemetry's SDK has it by default."""

LATE_S: Final = 50
"""How long before a whole minute each of them was."""

ELSEWHERE: Final = {"collector:8888": 1, "jaeger:8888": 1, "tempo:3200": 1}
"""What the stack's Prometheus would scrape; nobody is there."""

_SAMPLE: Final = re.compile(r"(?m)^(\w+)(?:\{(.*?)\})? (\S+)$")


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus.

    Attributes:
        port: Where it answers, on the loopback interface.
        end_s: The whole minute after the last export, in seconds since the epoch.
    """

    port: int
    end_s: int

    def at_end(self, expression: str) -> Answer:
        """Return what an expression is after the last export."""
        return self._asked("query", query=expression, time=self.end_s)

    def over_time(self, expression: str) -> Answer:
        """Return what it is after each export."""
        start = self.end_s - STEP_S * (PARTS - 1)
        return self._asked("query_range", query=expression, start=start, end=self.end_s, step=STEP_S)

    def shown(self, panel: str, board: str = "") -> Answer:
        """Return the answer to the first query of a panel, of any dashboard or of that one."""
        query = next(
            each
            for each in panel_queries()
            if each.panel == panel and each.language == "promql" and board in each.dashboard
        )
        return self.at_end(query.filled()) if query.instant else self.over_time(query.filled())

    def values_of(self, label: str, selector: str) -> list[str]:
        """Return the values of a label among the series of a selector."""
        return list(self._asked(f"label/{label}/values", **{"match[]": selector}).data)

    def exemplars(self, selector: str) -> list[Mapping[str, str]]:
        """Return the labels of the exemplars of some series."""
        start = self.end_s - 3_600
        found = self._asked("query_exemplars", query=selector, start=start, end=self.end_s).data
        return [exemplar["labels"] for series in found for exemplar in series["exemplars"]]

    def _asked(self, path: str, **query: str | float) -> Answer:
        url = f"http://{LOOPBACK}:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            told = json.load(error)
        said = [*told.get("warnings", []), *told.get("infos", [])]
        return Answer(told.get("data"), [*said, *([told["error"]] if "error" in told else [])])


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus answered.

    Attributes:
        data: The API's `data`.
        said: Errors, warnings and infos.
    """

    data: Any
    said: Sequence[str]

    @property
    def series(self) -> Sequence[Mapping[str, Any]]:
        """The series of the result."""
        return () if self.data is None else self.data["result"]

    def by(self, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the value of each series of an instant query by some labels."""
        return {
            tuple(one["metric"].get(label, "") for label in labels): float(one["value"][1])
            for one in self.series
        }

    @property
    def only(self) -> float:
        """The one value."""
        (value,) = self.by().values()
        return value


@contextmanager
def by_otlp(exported: Exported, folder: Path) -> Iterator[Prometheus]:
    """Run the stack's Prometheus, and send it the exports."""
    with running("prometheus", folder, ELSEWHERE) as server:
        port = server.ports["localhost:9090"]
        end_s = _last_minute()
        for bodies, at_s in zip(exported.otlp, _times(end_s), strict=True):
            for number, body in enumerate(bodies):
                request = urllib.request.Request(
                    f"http://{LOOPBACK}:{port}/api/v1/otlp/v1/metrics",
                    _dated(body, (at_s + number) * 10**9),
                    {"Content-Type": "application/x-protobuf"},
                )
                urllib.request.urlopen(request, timeout=30).close()
        yield Prometheus(port, end_s)


@contextmanager
def by_text(exported: Exported, folder: Path) -> Iterator[Prometheus]:
    """Run the Prometheus 2 of this machine over a database that is made of the texts."""
    program, tool = _version_2("prometheus"), _version_2("promtool")
    end_s = _last_minute()
    lines = [_with_times(text, at_s) for text, at_s in zip(exported.texts, _times(end_s), strict=True)]
    (folder / "metrics.txt").write_text("".join(lines) + "# EOF\n")
    (folder / "config.yml").write_text("global: {}\n")
    made = ["tsdb", "create-blocks-from", "openmetrics", "metrics.txt", "data"]
    subprocess.run([tool, *made], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (port,) = free_ports(["prometheus"]).values()
    flags = [
        "--config.file=config.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *flags], cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for(f"http://{LOOPBACK}:{port}/-/ready")
        yield Prometheus(port, end_s)
    finally:
        process.terminate()
        process.wait(10)


WAYS: Final[Mapping[str, Callable[[Exported, Path], Any]]] = {"3": by_otlp, "2": by_text}
"""How each version of Prometheus gets the exports."""


def need_prometheus(version: str) -> None:
    """Skip the test where there is no Prometheus of that version, and say how to get it."""
    if version == "3":
        need_built("prometheus")
    else:
        _version_2("prometheus")
        _version_2("promtool")


def _last_minute() -> int:
    return int(time.time()) // STEP_S * STEP_S


def _times(end_s: int) -> list[int]:
    return [end_s - STEP_S * before - LATE_S for before in reversed(range(PARTS))]


def _dated(body: bytes, at_ns: int) -> bytes:
    """Return an export with all its times moved, so that it was made at one of them."""
    request = ExportMetricsServiceRequest.FromString(body)
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                    shift = at_ns - point.time_unix_nano
                    point.time_unix_nano += shift
                    if point.start_time_unix_nano:
                        point.start_time_unix_nano += shift
                    for exemplar in point.exemplars:
                        exemplar.time_unix_nano += shift
    return bytes(request.SerializeToString())


def _with_times(text: str, at_s: int) -> str:
    """Return a text with a target and a time at each sample, as a scrape adds them."""

    def scraped(sample: re.Match[str]) -> str:
        name, labels, value = sample.groups()
        target = f'job="{JOB}",instance="{INSTANCE}"'
        return f"{name}{{{','.join(part for part in (target, labels) if part)}}} {value} {at_s}"

    return _SAMPLE.sub(scraped, text.removesuffix("# EOF\n"))


def _version_2(name: str) -> str:
    """Return the program of Prometheus 2, or skip the test and say how to get it."""
    found = shutil.which(name)
    if found is not None:
        told = subprocess.run([found, "--version"], check=False, capture_output=True, text=True)
        if "version 2." in told.stdout + told.stderr:
            return found
    pytest.skip(
        f"There is no {name} 2 here; install a package prometheus of that version (Debian 12 has 2.42)."
    )


def _wait_for(url: str) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.05)
    pytest.fail("Prometheus did not start")
