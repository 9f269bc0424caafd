"""What otelstream emits under Prometheus' names: MAPPING.md's metrics with the labels that were measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from opentelemetry.metrics import NoOpMeter

from dashboards.panels.metrics import Kind, label_name, prometheus_name
from otelstream.export.instruments import Instruments, observe_bridge, observe_standing
from otelstream.export.standing import Standing
from otelstream.frame import Outcome
from otelstream.span.model import AddEvent, EndSpan, StartSpan
from otelstream.testing import START_NS, Script, assembled
from tests.conftest import frames_of
from tests.dashboards.panels.promql import selectors
from tests.dashboards.panels.queries import Query
from tests.dashboards.traceql import MAPPING, unknown_names
from tests.otelstream.export.measuring import measured

STREAMS: Final = (
    "05_crew_two_agents_tools",
    "06_tool_raises",
    "07_llm_http500",
    "16b_llm_stream_events_tools",
)
"""Golden streams that have agents, tools, errors and chunks between them."""

BUILTIN: Final = frozenset({"job", "instance", "le"})
"""Labels that Prometheus gives to what comes over OTLP, and to histograms."""

_KINDS: Final[Mapping[str, Kind]] = {
    "create_histogram": "histogram",
    "create_counter": "counter",
    "create_observable_counter": "counter",
    "create_up_down_counter": "gauge",
    "create_observable_up_down_counter": "gauge",
    "create_observable_gauge": "gauge",
}
_ROW: Final = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def strangers(query: Query) -> list[str]:
    """Return what a query names that otelstream does not emit, or not with that metric.

    Raises:
        PromqlError: It is no PromQL.
        TraceqlError: It is no TraceQL.
    """
    if query.language == "traceql":
        return unknown_names(query.text)
    known = series()
    found = []
    for selector in selectors(query.text):
        labels = known.get(selector.metric)
        if labels is None:
            found.append(selector.metric)
        else:
            found += sorted(selector.labels - labels - BUILTIN)
    return found


@cache
def series() -> Mapping[str, frozenset[str]]:
    """Return the names of all series of metrics of 1.41 and the labels of each."""
    found: dict[str, frozenset[str]] = {}
    for name, unit in mapped_metrics().items():
        kind = kinds()[name]
        family = prometheus_name(name, unit, kind)
        endings = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        labels = frozenset(map(label_name, attributes().get(name, set())))
        found |= dict.fromkeys((family + ending for ending in endings), labels)
    return found


@cache
def mapped_metrics() -> Mapping[str, str]:
    """Return the units of the metrics that MAPPING.md lists for the conventions 1.41."""
    section = MAPPING.read_text(encoding="utf-8").partition("\n## Metrics\n")[2].partition("\n## ")[0]
    return {name: unit for name, unit, versions in _ROW.findall(section) if "1.41" in versions}


@cache
def kinds() -> Mapping[str, Kind]:
    """Return the kind of each instrument that otelstream makes."""
    meter = _Kinds()
    Instruments(meter, "1.41", Standing())
    observe_standing(meter, Standing())
    observe_bridge(meter, seen=int, queued=int, dropped=dict)
    return meter.found


@cache
def attributes() -> Mapping[str, set[str]]:
    """Return the attributes that measurements of each metric carried in golden streams and a made-up one."""
    found: dict[str, set[str]] = {"otelstream.dropped": {"reason"}}
    sessions = [frames_of(name) for name in STREAMS]
    ends = Outcome("failed", START_NS, error_type="E", error_message="m")
    for frames, outcome in [*((frames, None) for frames in sessions), (_stalled(), ends)]:
        for name, points in measured(frames, outcome=outcome).items():
            found.setdefault(name, set()).update(key for point, _ in points for key in point)
    return found


@cache
def attribute_types() -> Mapping[str, type]:
    """Return of which type the value of each attribute of spans and events is, as far as streams have it."""
    return {
        key: type(value)
        for frames in (*map(frames_of, STREAMS), _stalled())
        for operation in assembled(frames)
        if isinstance(operation, StartSpan | EndSpan | AddEvent)
        for key, value in operation.attributes.items()
    }


def _stalled() -> tuple[Any, ...]:
    """Return a flow in which an answer stalls and has tokens."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.start("llm_call_started", call_id="c", model="m")
    for _ in range(2):
        script.emit("llm_stream_chunk", call_id="c", chunk="x")
        script.wait(3000)
    script.end("llm_call_completed", call_id="c", response="xx", usage={"prompt_tokens": 1})
    script.end("flow_finished", flow_name="F")
    return tuple(script.frames)


class _Kinds(NoOpMeter):
    """A meter that notes by which method each instrument is made."""

    def __init__(self) -> None:
        super().__init__("tests")
        self.found: dict[str, Kind] = {}

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401  any method of the base class
        if name in _KINDS:
            return lambda metric, *_, **__: self.found.update({metric: _KINDS[name]})
        return super().__getattribute__(name)
