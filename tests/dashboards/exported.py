"""The mixed load played in five parts, and the metrics that were exported after each.

They come in two forms: as OTLP, and as the text that OpenTelemetry's Prometheus exporter shows a scrape.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

import otelstream
from otelstream.frame import StreamFrame
from tests.e2e.fresh import new_process
from tests.e2e.load import LoadRun, mixed_load, of_now, play
from tests.e2e.received import ReceivedSpan, spans_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import session
from tests.e2e.scripted import research

PARTS: Final = 5
JOB: Final = "shop/load"
INSTANCE: Final = "one"
SERVICE: Final = {"service.name": "load", "service.namespace": "shop", "service.instance.id": INSTANCE}


@dataclass(frozen=True)
class Exported:
    """What was played, and what was exported of it.

    Attributes:
        parts: The runs that ended before each export.
        waiting: What had come of a run that has not ended at the last export, and began before it.
        otlp: The exports as OTLP, those of each part; only the first after something ended names its span.
        texts: What a scrape would have seen after each part.
        spans: The spans of all runs.
    """

    parts: Sequence[Sequence[LoadRun]]
    waiting: Sequence[StreamFrame]
    otlp: Sequence[Sequence[bytes]]
    texts: Sequence[str]
    spans: Sequence[ReceivedSpan]

    @property
    def runs(self) -> list[LoadRun]:
        """All runs that ended."""
        return [run for part in self.parts for run in part]

    @property
    def frames(self) -> list[StreamFrame]:
        """All frames that came before the last export."""
        return [*(frame for run in self.runs for frame in run.frames), *self.waiting]

    @property
    def ends(self) -> list[Counter[str]]:
        """How many runs ended how before each export."""
        return [Counter(run.told_end for run in part) for part in self.parts]

    def tokens(self) -> Counter[tuple[str, str]]:
        """Return the tokens that the models reported, by model and direction."""
        found: Counter[tuple[str, str]] = Counter()
        for frame in self.frames:
            usage = frame.data.get("usage") if frame.type == "llm_call_completed" else None
            if isinstance(usage, dict):
                model = str(frame.data["model"])
                found[model, "input"] += usage["prompt_tokens"]
                found[model, "output"] += usage["completion_tokens"]
        return found

    def first_chunks(self) -> list[float | None]:
        """Return the seconds to the first chunk of each call that ended, None for one without any."""
        found: list[float | None] = []
        for frames in (*(run.frames for run in self.runs), self.waiting):
            times: dict[object, dict[str, datetime]] = {}
            for frame in frames:
                if frame.type.startswith("llm_"):
                    of_call = times.setdefault(frame.data.get("call_id"), {})
                    of_call.setdefault(frame.type, frame.timestamp)
            for of_call in times.values():
                if "llm_call_completed" in of_call or "llm_call_failed" in of_call:
                    first = of_call.get("llm_stream_chunk")
                    began = of_call["llm_call_started"]
                    found.append(None if first is None else (first - began).total_seconds())
        return found


def exported(folder: Path) -> Exported:
    """Play the load, its first and last part recorded into a folder, and return what it exported.

    Before the last export something is lost that was no frame, so that there is a loss to see.
    """
    runs = mixed_load()
    size = len(runs) // PARTS
    parts = [runs[start : start + size] for start in range(0, len(runs), size)]
    halfway = research(99)[:100]
    otlp: list[list[bytes]] = []
    texts: list[str] = []
    with HttpReceiver() as receiver, new_process(variables(receiver)):
        provider, registry = _provider(receiver)
        for number, part in enumerate(parts):
            play(part, meter_provider=provider, record=None if 0 < number < PARTS - 1 else folder)
            if number == PARTS - 1:
                list(otelstream.observe(_lost(), meter_provider=provider))
                waiting = iter(otelstream.observe(session(of_now(research(99))), meter_provider=provider))
                list(islice(waiting, len(halfway)))
                otelstream.flush(10)
            provider.force_flush()
            bodies = [export.body for export in receiver.exports if export.signal == "metrics"]
            otlp.append(bodies[sum(map(len, otlp)) :])
            _scraped(registry)  # each flush was kept for a scrape that never came
            texts.append(_scraped(registry))
        list(waiting)
        otelstream.shutdown(10)
        provider.shutdown()
        return Exported(parts, halfway, otlp, texts, spans_of(receiver))


def _provider(receiver: HttpReceiver) -> tuple[MeterProvider, CollectorRegistry]:
    """Return a provider that exports when it is told to, and what a scrape would see of it."""
    registry = CollectorRegistry()
    exporter = OTLPMetricExporter(endpoint=f"{receiver.endpoint}/v1/metrics")
    readers = [
        PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf),
        PrometheusMetricReader(registry=registry, scope_info_enabled=False),
    ]
    return MeterProvider(readers, Resource(SERVICE), shutdown_on_exit=False), registry


def _scraped(registry: CollectorRegistry) -> str:
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # prometheus_client's
    return text.decode()


def _lost() -> Any:  # noqa: ANN401  a session of nothing that is a frame
    return session(cast("Any", [object()]))
