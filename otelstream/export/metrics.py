"""Metrics of the GenAI conventions from span operations: they do not depend on whether spans are sampled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from opentelemetry.util.types import AttributeValue as MetricValue

from otelstream.export.instruments import Instruments
from otelstream.span import names
from otelstream.span.model import EndSpan, Operation, StartSpan

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
