"""Metrics of the GenAI conventions from span operations: they do not depend on whether spans are sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.metrics import Counter, Histogram, Meter, Observation
from opentelemetry.util.types import AttributeValue as MetricValue

from otelstream.span import names
from otelstream.span.model import EndSpan, Operation, StartSpan
from otelstream.span.names import Convention

SECONDS: Final = tuple(0.01 * 2**n for n in range(14))
TOKENS: Final = tuple(4.0**n for n in range(14))
AGENT_SECONDS: Final = tuple(0.1 * 2**n for n in range(13))
WORKFLOW_SECONDS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
CALLS: Final = tuple(2.0**n for n in range(8))
"""Bucket boundaries that the conventions prescribe."""

_OF_CALLS: Final = (
    names.OPERATION_NAME,
    names.PROVIDER_NAME,
    names.REQUEST_MODEL,
    names.SERVER_ADDRESS,
    names.SERVER_PORT,
)
_USAGE: Final = {names.USAGE_INPUT_TOKENS: "input", names.USAGE_OUTPUT_TOKENS: "output"}
_STORES: Final = (names.RETRIEVAL, names.SEARCH_MEMORY, names.UPSERT_MEMORY)

Values = dict[str, MetricValue]


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


@dataclass(slots=True)
class _Open:
    """A span that has begun: what its metrics need of it, and what an agent did so far."""

    started: StartSpan
    around: _Open | None
    agent: _Open | None
    inference_calls: int = 0
    tool_calls: int = 0


class MetricSink:
    """Turns the operations of one session into measurements."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._open: dict[str, _Open] = {}

    def apply(self, operations: Iterable[Operation]) -> None:
        """Measure each span among the operations as it ends."""
        for operation in operations:
            if isinstance(operation, StartSpan):
                self._start(operation)
            elif isinstance(operation, EndSpan):
                self._end(operation)

    def _start(self, started: StartSpan) -> None:
        around = self._open.get(started.parent) if started.parent is not None else None
        agent = around if around is not None and _operation(around) == names.INVOKE_AGENT else None
        if agent is None and around is not None:
            agent = around.agent
        self._open[started.key] = _Open(started, around, agent)
        self._instruments.open_spans.add(1)

    def _end(self, end: EndSpan) -> None:
        span = self._open.pop(end.key)
        self._instruments.open_spans.add(-1)
        measure = _MEASURES.get(_operation(span))
        # How long something took that nobody ended is not known, unless the run failed in it.
        if measure is not None and not (end.left_open and end.error is None):
            measure(self._instruments, span, end)


def _chat(instruments: Instruments, span: _Open, end: EndSpan) -> None:
    if span.agent is not None:
        span.agent.inference_calls += 1
    values = _picked(span, _OF_CALLS)
    instruments.chat.record(_seconds_of(span, end), _with_error(values, end))
    first = end.attributes.get(names.TIME_TO_FIRST_CHUNK)
    if isinstance(first, float):
        instruments.first_chunk.record(first, values)
    for gap in end.gaps:
        for _ in range(gap.count):
            instruments.output_chunk.record(gap.ns / 1e9, values)
    _tokens_of(instruments, end, values)


def _tokens_of(instruments: Instruments, end: EndSpan, values: Values) -> None:
    usage = {
        key: value for key in instruments.usage_keys if isinstance(value := end.attributes.get(key), int)
    }
    if instruments.tokens is not None:
        for key, token_type in _USAGE.items():
            if key in usage:
                instruments.tokens.record(usage[key], {**values, names.TOKEN_TYPE: token_type})
        return
    for key, count in usage.items():
        instruments.usage[key].add(count, {**values, names.TOKEN_MODALITY: "unknown"})
    if names.USAGE_INPUT_TOKENS in usage:
        instruments.input_tokens.record(usage[names.USAGE_INPUT_TOKENS], values)
    if names.USAGE_OUTPUT_TOKENS in usage:
        instruments.output_tokens.record(usage[names.USAGE_OUTPUT_TOKENS], values)


def _tool(instruments: Instruments, span: _Open, end: EndSpan) -> None:
    if span.around is not None and _operation(span.around) == names.EXECUTE_TOOL:
        return  # an MCP tool is called inside the tool that stands for it: one call, not two
    if span.agent is not None:
        span.agent.tool_calls += 1
    values = _picked(span, (names.TOOL_NAME, names.TOOL_TYPE, names.AGENT_NAME))
    if end.error is not None and end.error.type == names.UNKNOWN_TOOL:
        values[names.TOOL_NAME] = names.ERROR_TYPE_OTHER  # a name that a model made up
    instruments.tool.record(_seconds_of(span, end), _with_error(values, end))


def _agent(instruments: Instruments, span: _Open, end: EndSpan) -> None:
    values = _picked(span, (names.AGENT_NAME, names.REQUEST_MODEL))
    instruments.agent.record(_seconds_of(span, end), _with_error(values, end))
    named = _picked(span, (names.AGENT_NAME,))
    instruments.inference_calls.record(span.inference_calls, named)
    instruments.tool_calls.record(span.tool_calls, named)


def _workflow(instruments: Instruments, span: _Open, end: EndSpan) -> None:
    values = _picked(span, (names.WORKFLOW_NAME,))
    instruments.workflow.record(_seconds_of(span, end), _with_error(values, end))


def _store(instruments: Instruments, span: _Open, end: EndSpan) -> None:
    instruments.stores.record(_seconds_of(span, end), _with_error(_picked(span, _OF_CALLS), end))


_MEASURES: Final = {
    names.CHAT: _chat,
    names.EXECUTE_TOOL: _tool,
    names.INVOKE_AGENT: _agent,
    names.INVOKE_WORKFLOW: _workflow,
    **dict.fromkeys(_STORES, _store),
}


def _operation(span: _Open) -> str:
    return str(span.started.attributes.get(names.OPERATION_NAME))


def _seconds_of(span: _Open, end: EndSpan) -> float:
    return (end.end_ns - span.started.start_ns) / 1e9


def _picked(span: _Open, keys: Iterable[str]) -> Values:
    found = span.started.attributes
    return {key: value for key in keys if isinstance(value := found.get(key), str | int)}


def _with_error(values: Values, end: EndSpan) -> Values:
    return values if end.error is None else {**values, names.ERROR_TYPE: end.error.type}


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
