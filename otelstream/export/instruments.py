"""The instruments of a meter: names, units, meanings and buckets of every metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry.metrics import Counter, Histogram, Meter, Observation

from otelstream.export.standing import Standing
from otelstream.span import names
from otelstream.span.names import Convention

SECONDS: Final = tuple(0.01 * 2**n for n in range(14))
TOKENS: Final = tuple(4.0**n for n in range(14))
AGENT_SECONDS: Final = tuple(0.1 * 2**n for n in range(13))
WORKFLOW_SECONDS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
CALLS: Final = tuple(2.0**n for n in range(8))
"""Bucket boundaries that the conventions prescribe."""

COMMIT_SECONDS: Final = tuple(0.001 * 2**n for n in range(14))
"""A commit takes some milliseconds on a good disk, and seconds on one that is full or far away."""


class Instruments:
    """The instruments of one meter, under the names of one version of the conventions.

    1.41 has no metrics of agents, tools and workflows; those of the main branch are used for both.

    Args:
        meter: Where they are made.
        version: The version of the conventions.
        standing: Counts what is open, for whoever asks the meter.
    """

    def __init__(self, meter: Meter, version: Convention, standing: Standing) -> None:
        self.standing = standing
        self.run = _histogram(
            meter,
            "otelstream.run.duration",
            "Duration of whole runs, by how they ended. A crew in a flow is no run.",
            WORKFLOW_SECONDS,
        )
        self.stalls = meter.create_counter(
            "otelstream.stalls",
            unit="{stall}",
            description="Pauses of at least OTELSTREAM_STALL_MS between two chunks of an answer.",
        )
        self.commit = _histogram(
            meter, "otelstream.commit.duration", "Duration of commits of a recording.", COMMIT_SECONDS
        )
        self._add_calls(meter, version)
        self._add_tokens(meter, version)
        self.tool = _histogram(meter, "gen_ai.execute_tool.duration", "Duration of tool executions.", SECONDS)
        self.agent = _histogram(
            meter, "gen_ai.invoke_agent.duration", "Duration of agent invocations.", AGENT_SECONDS
        )
        self.inference_calls = _calls(meter, "inference_calls", "Calls to a model by one agent.")
        self.tool_calls = _calls(meter, "tool_calls", "Tool executions by one agent.")
        self.workflow = _histogram(
            meter, "gen_ai.invoke_workflow.duration", "Duration of flows and crews.", WORKFLOW_SECONDS
        )

    def _add_calls(self, meter: Meter, version: Convention) -> None:
        of_calls, others = "Duration of calls to a model", "searches and memory operations"
        if version == "1.41":
            prefix = "gen_ai.client.operation"
            self.chat = self.stores = _histogram(
                meter, f"{prefix}.duration", f"{of_calls}, and of {others}.", SECONDS
            )
        else:
            prefix = "gen_ai.client.inference"
            self.chat = _histogram(meter, f"{prefix}.duration", f"{of_calls}.", SECONDS)
            self.stores = _histogram(
                meter, "gen_ai.client.operation.duration", f"Duration of {others}.", SECONDS
            )
        self.first_chunk = _histogram(
            meter,
            f"{prefix}.time_to_first_chunk",
            "Time from a request to the first chunk of its answer.",
            SECONDS,
        )
        self.output_chunk = _histogram(
            meter, f"{prefix}.time_per_output_chunk", "Time between two chunks of an answer.", SECONDS
        )

    def _add_tokens(self, meter: Meter, version: Convention) -> None:
        self.usage_keys = tuple(names.in_version(dict.fromkeys(names.USAGE), version))
        self.tokens: Histogram | None = None
        self.usage: Mapping[str, Counter] = {}
        if version == "1.41":
            self.tokens = _tokens(meter, "gen_ai.client.token.usage", "Tokens of one call, by type.")
            return
        prefix = "gen_ai.client.inference.operation."
        self.input_tokens = _tokens(meter, f"{prefix}input_tokens", "Input tokens of one call.")
        self.output_tokens = _tokens(meter, f"{prefix}output_tokens", "Output tokens of one call.")
        self.usage = {
            key: meter.create_counter(
                key.replace("gen_ai.usage.", "gen_ai.client.inference.usage."),
                unit="{token}",
                description=f"Tokens that calls used: {key.removeprefix('gen_ai.usage.')}.",
            )
            for key in self.usage_keys
        }


def observe_standing(meter: Meter, standing: Standing) -> None:
    """Let a meter ask what is open whenever it exports."""
    meter.create_observable_up_down_counter(
        "otelstream.spans.open",
        [lambda _: [Observation(standing.spans)]],
        unit="{span}",
        description="Spans that have begun and not ended.",
    )
    meter.create_observable_up_down_counter(
        "otelstream.runs.active",
        [lambda _: [Observation(count, dict(about)) for about, count in standing.runs.items()]],
        unit="{run}",
        description="Runs that have begun and not ended.",
    )


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


def _histogram(meter: Meter, name: str, description: str, bounds: Sequence[float]) -> Histogram:
    return meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=bounds
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
