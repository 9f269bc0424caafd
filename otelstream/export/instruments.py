"""The instruments of a meter: names, units, meanings and buckets of every metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry.metrics import Counter, Histogram, Meter, Observation

from otelstream.span import names
from otelstream.span.names import Convention

SECONDS: Final = tuple(0.01 * 2**n for n in range(14))
TOKENS: Final = tuple(4.0**n for n in range(14))
AGENT_SECONDS: Final = tuple(0.1 * 2**n for n in range(13))
WORKFLOW_SECONDS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
CALLS: Final = tuple(2.0**n for n in range(8))
"""Bucket boundaries that the conventions prescribe."""


class Instruments:
    """The instruments of one meter, under the names of one version of the conventions.

    1.41 has no metrics of agents, tools and workflows; those of the main branch are used for both.
    """

    def __init__(self, meter: Meter, version: Convention) -> None:
        chat = "gen_ai.client.operation" if version == "1.41" else "gen_ai.client.inference"
        self.chat = _seconds(meter, f"{chat}.duration", "Duration of calls to a model.")
        self.stores = (
            self.chat
            if version == "1.41"
            else _seconds(meter, "gen_ai.client.operation.duration", "Duration of other operations.")
        )
        self.first_chunk = _seconds(
            meter, f"{chat}.time_to_first_chunk", "Time from a request to the first chunk of its answer."
        )
        self.output_chunk = _seconds(
            meter, f"{chat}.time_per_output_chunk", "Time between two chunks of an answer."
        )
        self.tool = _seconds(meter, "gen_ai.execute_tool.duration", "Duration of tool executions.")
        self.agent = meter.create_histogram(
            "gen_ai.invoke_agent.duration",
            unit="s",
            description="Duration of agent invocations.",
            explicit_bucket_boundaries_advisory=AGENT_SECONDS,
        )
        self.workflow = meter.create_histogram(
            "gen_ai.invoke_workflow.duration",
            unit="s",
            description="Duration of flows and crews.",
            explicit_bucket_boundaries_advisory=WORKFLOW_SECONDS,
        )
        self.inference_calls = _calls(meter, "inference_calls", "Calls to a model by one agent.")
        self.tool_calls = _calls(meter, "tool_calls", "Tool executions by one agent.")
        self.open_spans = meter.create_up_down_counter(
            "otelstream.spans.open", unit="{span}", description="Spans that have begun and not ended."
        )
        self.usage_keys = tuple(names.in_version(dict.fromkeys(names.USAGE), version))
        self.tokens: Histogram | None = None
        self.usage: Mapping[str, Counter] = {}
        if version == "1.41":
            self.tokens = _tokens(meter, "gen_ai.client.token.usage", "Tokens used by calls to a model.")
        else:
            prefix = "gen_ai.client.inference.operation."
            self.input_tokens = _tokens(meter, f"{prefix}input_tokens", "Input tokens of one call.")
            self.output_tokens = _tokens(meter, f"{prefix}output_tokens", "Output tokens of one call.")
            self.usage = {
                key: meter.create_counter(
                    key.replace("gen_ai.usage.", "gen_ai.client.inference.usage."), unit="{token}"
                )
                for key in self.usage_keys
            }


def observe_bridge(
    meter: Meter,
    *,
    seen: Callable[[], int],
    queued: Callable[[], int],
    dropped: Callable[[], Mapping[str, int]],
) -> None:
    """Let a meter ask for the bridge's own numbers whenever it exports.

    Args:
        meter: The meter.
        seen: Returns how many frames were observed.
        queued: Returns how many frames wait to be handled.
        dropped: Returns how much was lost, by reason (`otelstream.losses`).
    """
    meter.create_observable_counter(
        "otelstream.frames",
        [lambda _: [Observation(seen())]],
        unit="{frame}",
        description="Frames that were observed.",
    )
    meter.create_observable_gauge(
        "otelstream.queue.depth",
        [lambda _: [Observation(queued())]],
        unit="{frame}",
        description="Frames that wait to be handled.",
    )
    meter.create_observable_counter(
        "otelstream.dropped",
        [lambda _: [Observation(count, {"reason": reason}) for reason, count in dropped().items()]],
        unit="{frame}",
        description="What was lost: frames; spans (export), log records (logs), exports (metrics).",
    )


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=SECONDS
    )


def _tokens(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        name, unit="{token}", description=description, explicit_bucket_boundaries_advisory=TOKENS
    )


def _calls(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(
        f"gen_ai.invoke_agent.{name}",
        unit=f"{{{name.removesuffix('s')}}}",
        description=description,
        explicit_bucket_boundaries_advisory=CALLS,
    )
