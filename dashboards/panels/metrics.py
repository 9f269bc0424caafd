"""The metrics that the dashboards read, and what Prometheus calls them.

OpenTelemetry's names are those of docs/MAPPING.md; the rule from them to Prometheus' names is here and
nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otelstream.span import names

Kind: TypeAlias = Literal["histogram", "counter", "gauge"]
"""An up-down counter is a gauge to Prometheus."""

_UNITS: Final[Mapping[str, str]] = {"s": "_seconds", "By": "_bytes"}
"""Units that become part of a name; those in braces are notes and vanish."""

DROP_REASON: Final = "reason"
"""The label of `otelstream.dropped`, which is no attribute of spans."""


def prometheus_name(name: str, unit: str, kind: Kind) -> str:
    """Return the name of a metric's family, as Prometheus translates it by default."""
    suffix = _UNITS.get(unit, "") + ("_total" if kind == "counter" else "")
    return label_name(name) + suffix


def label_name(attribute: str) -> str:
    """Return the name of the label that Prometheus makes of an attribute."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", attribute)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of ours.

    Attributes:
        name: As OpenTelemetry has it.
        unit: Likewise.
        kind: Of its instrument, as Prometheus sees it.
        attributes: Those that its measurements may carry.
    """

    name: str
    unit: str
    kind: Kind
    attributes: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The name of its one series, if it is no histogram."""
        return prometheus_name(self.name, self.unit, self.kind)

    @property
    def count(self) -> str:
        """How many measurements a histogram has."""
        return f"{self.family}_count"

    @property
    def total(self) -> str:
        """The sum of a histogram's measurements."""
        return f"{self.family}_sum"

    @property
    def bucket(self) -> str:
        """A histogram's measurements up to each boundary `le`."""
        return f"{self.family}_bucket"


_CALL: Final = (
    names.OPERATION_NAME,
    names.PROVIDER_NAME,
    names.REQUEST_MODEL,
    names.SERVER_ADDRESS,
    names.SERVER_PORT,
)
_RUN: Final = (names.RUN_NAME, names.WORKFLOW_NAME)

RUNS: Final = Metric("otelstream.run.duration", "s", "histogram", (*_RUN, names.END, names.ERROR_TYPE))
RUNS_ACTIVE: Final = Metric("otelstream.runs.active", "{run}", "gauge", _RUN)
CALLS: Final = Metric("gen_ai.client.operation.duration", "s", "histogram", (*_CALL, names.ERROR_TYPE))
FIRST_CHUNK: Final = Metric("gen_ai.client.operation.time_to_first_chunk", "s", "histogram", _CALL)
OUTPUT_CHUNK: Final = Metric("gen_ai.client.operation.time_per_output_chunk", "s", "histogram", _CALL)
TOKENS: Final = Metric("gen_ai.client.token.usage", "{token}", "histogram", (*_CALL, names.TOKEN_TYPE))
STALLS: Final = Metric("otelstream.stalls", "{stall}", "counter", _CALL)
AGENTS: Final = Metric(
    "gen_ai.invoke_agent.duration",
    "s",
    "histogram",
    (names.AGENT_NAME, names.REQUEST_MODEL, names.ERROR_TYPE),
)
AGENT_CALLS: Final = Metric(
    "gen_ai.invoke_agent.inference_calls", "{inference_call}", "histogram", (names.AGENT_NAME,)
)
AGENT_TOOLS: Final = Metric("gen_ai.invoke_agent.tool_calls", "{tool_call}", "histogram", (names.AGENT_NAME,))
TOOLS: Final = Metric(
    "gen_ai.execute_tool.duration",
    "s",
    "histogram",
    (names.TOOL_NAME, names.TOOL_TYPE, names.AGENT_NAME, names.ERROR_TYPE),
)
FRAMES: Final = Metric("otelstream.frames", "{frame}", "counter")
QUEUE: Final = Metric("otelstream.queue.depth", "{frame}", "gauge")
DROPPED: Final = Metric("otelstream.dropped", "{frame}", "counter", (DROP_REASON,))
COMMITS: Final = Metric("otelstream.commit.duration", "s", "histogram")
SPANS_OPEN: Final = Metric("otelstream.spans.open", "{span}", "gauge")

METRICS: Final = (
    *(RUNS, RUNS_ACTIVE, CALLS, FIRST_CHUNK, OUTPUT_CHUNK, TOKENS, STALLS),
    *(AGENTS, AGENT_CALLS, AGENT_TOOLS, TOOLS, FRAMES, QUEUE, DROPPED, COMMITS, SPANS_OPEN),
)
"""Every metric of ours that a dashboard reads."""
