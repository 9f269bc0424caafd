"""Metrics from span operations: they do not depend on whether spans are sampled, their exemplars do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AttributeValue as MetricValue

from otelstream.export.forks import MEASURING
from otelstream.export.instruments import Instruments
from otelstream.export.standing import About
from otelstream.export.tracer import NOWHERE, context_of
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

    @property
    def operation(self) -> str:
        """Which operation of the conventions it is."""
        return str(self.started.attributes.get(names.OPERATION_NAME))


@dataclass(frozen=True, slots=True)
class _Ended:
    """A span that has ended.

    Attributes:
        span: How it began.
        end: How it ended.
        context: The span itself, by which a measurement is its exemplar where it is sampled.
    """

    span: _Open
    end: EndSpan
    context: Context

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end.end_ns - self.span.started.start_ns) / 1e9

    def picked(self, *keys: str) -> Values:
        """Return some of the attributes that it began with."""
        found = self.span.started.attributes
        return {key: value for key in keys if isinstance(value := found.get(key), str | int)}

    def with_error(self, values: Values) -> Values:
        """Return attributes with the error that it ended with, if there was one."""
        return values if self.end.error is None else {**values, names.ERROR_TYPE: self.end.error.type}


class MetricSink:
    """Turns the operations of one session into measurements.

    Args:
        instruments: What measures.
        span_context: Finds a span by its key, as long as it is known after its end.
    """

    def __init__(self, instruments: Instruments, span_context: Callable[[str], SpanContext | None]) -> None:
        self._instruments = instruments
        self._standing = instruments.standing
        self._span_context = span_context
        self._open: dict[str, _Open] = {}
        self._run: About | None = None

    def apply(self, operations: Iterable[Operation]) -> None:
        """Measure each span among the operations as it ends, and the run with its root."""
        for operation in operations:
            if isinstance(operation, StartSpan):
                self._start(operation)
            elif isinstance(operation, EndSpan):
                with MEASURING:
                    self._end(operation)

    def close(self) -> None:
        """Count off what is still open, if anything is: no operation ends it any more."""
        self._standing.add_spans(-len(self._open))
        self._open.clear()
        self._end_run()

    def _start(self, started: StartSpan) -> None:
        around = self._open.get(started.parent) if started.parent is not None else None
        agent = around if around is not None and around.operation == names.INVOKE_AGENT else None
        if agent is None and around is not None:
            agent = around.agent
        self._open[started.key] = _Open(started, around, agent)
        self._standing.add_spans(1)
        if started.parent is None:
            self._run = _about(started)
            self._standing.begin_run(self._run)

    def _end(self, end: EndSpan) -> None:
        span = self._open.pop(end.key)
        self._standing.add_spans(-1)
        ended = _Ended(span, end, self._context(end.key))
        if span.started.parent is None:
            self._end_run()
            _run(self._instruments, ended)
        if names.CHUNK_COUNT in end.attributes:
            _stalls(self._instruments, ended)
        measure = _MEASURES.get(span.operation)
        # How long something took that nobody ended is not known, unless the run failed in it.
        if measure is not None and not (end.left_open and end.error is None):
            measure(self._instruments, ended)

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            self._standing.end_run(run)

    def _context(self, key: str) -> Context:
        context = self._span_context(key)
        return NOWHERE if context is None or not context.is_valid else context_of(context)


def _about(root: StartSpan) -> About:
    workflow = root.attributes.get(names.WORKFLOW_NAME)
    named = ((names.WORKFLOW_NAME, workflow),) if isinstance(workflow, str) else ()
    return ((names.RUN_NAME, root.name), *named)


def _run(instruments: Instruments, root: _Ended) -> None:
    values: Values = {**dict(_about(root.span.started)), names.END: str(root.end.attributes[names.END])}
    instruments.run.record(root.seconds, root.with_error(values), root.context)


def _stalls(instruments: Instruments, call: _Ended) -> None:
    """Count them; a call that came without one is told too, so that the first that follows is a rise."""
    stalls = call.end.attributes.get(names.STALLS)
    count, context = (stalls, call.context) if isinstance(stalls, int) else (0, NOWHERE)
    instruments.stalls.add(count, call.picked(*_OF_CALLS), context)


def _chat(instruments: Instruments, call: _Ended) -> None:
    if call.span.agent is not None:
        call.span.agent.inference_calls += 1
    values = call.picked(*_OF_CALLS)
    instruments.chat.record(call.seconds, call.with_error(values), call.context)
    first = call.end.attributes.get(names.TIME_TO_FIRST_CHUNK)
    if isinstance(first, float):
        instruments.first_chunk.record(first, values, call.context)
    for gap in call.end.gaps:
        # Of equal times one is an exemplar, and the last is: a bucket keeps the latest.
        for _ in range(gap.count - 1):
            instruments.output_chunk.record(gap.ns / 1e9, values, NOWHERE)
        instruments.output_chunk.record(gap.ns / 1e9, values, call.context)
    _tokens(instruments, call, values)


def _tokens(instruments: Instruments, call: _Ended, values: Values) -> None:
    attributes, context = call.end.attributes, call.context
    usage = {key: count for key in instruments.usage_keys if isinstance(count := attributes.get(key), int)}
    if instruments.tokens is not None:
        for key, token_type in _USAGE.items():
            if key in usage:
                instruments.tokens.record(usage[key], {**values, names.TOKEN_TYPE: token_type}, context)
        return
    for key, count in usage.items():
        of_unknown = {**values, names.TOKEN_MODALITY: "unknown"}
        instruments.usage[key].add(count, of_unknown, context if count else NOWHERE)
    if names.USAGE_INPUT_TOKENS in usage:
        instruments.input_tokens.record(usage[names.USAGE_INPUT_TOKENS], values, context)
    if names.USAGE_OUTPUT_TOKENS in usage:
        instruments.output_tokens.record(usage[names.USAGE_OUTPUT_TOKENS], values, context)


def _tool(instruments: Instruments, tool: _Ended) -> None:
    span, error = tool.span, tool.end.error
    if span.around is not None and span.around.operation == names.EXECUTE_TOOL:
        return  # an MCP tool is called inside the tool that stands for it: one call, not two
    if span.agent is not None:
        span.agent.tool_calls += 1
    values = tool.picked(names.TOOL_NAME, names.TOOL_TYPE, names.AGENT_NAME)
    if error is not None and error.type == names.UNKNOWN_TOOL:
        values[names.TOOL_NAME] = names.ERROR_TYPE_OTHER  # a name that a model made up
    instruments.tool.record(tool.seconds, tool.with_error(values), tool.context)


def _agent(instruments: Instruments, agent: _Ended) -> None:
    values = agent.picked(names.AGENT_NAME, names.REQUEST_MODEL)
    instruments.agent.record(agent.seconds, agent.with_error(values), agent.context)
    named = agent.picked(names.AGENT_NAME)
    instruments.inference_calls.record(agent.span.inference_calls, named, agent.context)
    instruments.tool_calls.record(agent.span.tool_calls, named, agent.context)


def _workflow(instruments: Instruments, flow: _Ended) -> None:
    values = flow.with_error(flow.picked(names.WORKFLOW_NAME))
    instruments.workflow.record(flow.seconds, values, flow.context)


def _store(instruments: Instruments, store: _Ended) -> None:
    values = store.with_error(store.picked(*_OF_CALLS))
    instruments.stores.record(store.seconds, values, store.context)


_MEASURES: Final = {
    names.CHAT: _chat,
    names.EXECUTE_TOOL: _tool,
    names.INVOKE_AGENT: _agent,
    names.INVOKE_WORKFLOW: _workflow,
    **dict.fromkeys(_STORES, _store),
}
