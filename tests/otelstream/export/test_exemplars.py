"""What is measured at the end of a span has the span as its exemplar, where that is sampled."""

from __future__ import annotations

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanContext, TraceFlags

from otelstream.span.model import EndSpan, Gap, StartSpan
from otelstream.testing import Script, assembled
from tests.otelstream.export.measuring import Measured

CALL = StartSpan("c", None, "chat m", client=True, start_ns=0, attributes={"gen_ai.operation.name": "chat"})
END = {"otelstream.end": "completed"}


def span(number: int, flags: int = TraceFlags.SAMPLED) -> SpanContext:
    """Return a span of that number."""
    return SpanContext(trace_id=7, span_id=number, is_remote=False, trace_flags=TraceFlags(flags))


def numbered(key: str) -> SpanContext:
    """Find spans by the numbers of the frames that opened them, from one on."""
    return span(int(key.removeprefix("f")) + 1)


def crew() -> Script:
    """Return a session with a flow (1), an agent (2), a call with chunks and tokens (3) and a tool (7)."""
    script = Script()
    script.start("flow_started", flow_name="F")
    script.start("agent_execution_started", agent_role="A", agent={"role": "A"})
    script.start("llm_call_started", call_id="c", model="m")
    script.emit("llm_stream_chunk", call_id="c", chunk="x")
    script.emit("llm_stream_chunk", call_id="c", chunk="x")
    usage = {"prompt_tokens": 5, "completion_tokens": 7}
    script.end("llm_call_completed", call_id="c", response="xx", usage=usage)
    script.start("tool_usage_started", tool_name="look")
    script.end("tool_usage_finished", tool_name="look")
    script.end("agent_execution_completed", agent_role="A")
    script.end("flow_finished", flow_name="F")
    return script


def test_each_measurement_has_its_own_span() -> None:
    """Calls, chunks, tokens, tools, agents, flows and runs: each names the span that it is of."""
    made = Measured(span_context=numbered)
    made.sink().apply(assembled(crew().frames))
    found = {name: {number for _, number in of} for name, of in made.exemplars().items()}

    assert found == {
        "gen_ai.client.operation.duration": {3},
        "gen_ai.client.operation.time_to_first_chunk": {3},
        "gen_ai.client.operation.time_per_output_chunk": {3},
        "gen_ai.client.token.usage": {3},
        "gen_ai.execute_tool.duration": {7},
        "gen_ai.invoke_agent.duration": {2},
        "gen_ai.invoke_agent.inference_calls": {2},
        "gen_ai.invoke_agent.tool_calls": {2},
        "gen_ai.invoke_workflow.duration": {1},
        "otelstream.run.duration": {1},
    }


@pytest.mark.parametrize(
    "found", [span(1, TraceFlags.DEFAULT), INVALID_SPAN_CONTEXT, None], ids=["not sampled", "invalid", "none"]
)
def test_without_a_sampled_span_there_is_no_exemplar(found: SpanContext | None) -> None:
    """Nobody could open what it names; the numbers are the same."""
    made, sampled = Measured(span_context=lambda _: found), Measured(span_context=numbered)
    for each in (made, sampled):
        each.sink().apply(assembled(crew().frames))

    assert (made.exemplars(), made.points()) == ({}, sampled.points())


def test_the_span_of_our_thread_is_not_taken_for_it() -> None:
    """Whatever is active where operations are applied stays out; a patched `Thread` may hand it on."""
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(span(99))))
    made = Measured()
    try:
        made.sink().apply(assembled(crew().frames))
    finally:
        context.detach(token)

    assert made.exemplars() == {}


def test_equal_times_between_chunks_have_one_exemplar() -> None:
    """Each bucket that holds some names the call, however many there are."""
    made = Measured(span_context=lambda _: span(1))
    gaps = (Gap(5_000_000, 400), Gap(600_000_000, 2))
    made.sink().apply([CALL, EndSpan("c", 10, END, gaps=gaps)])

    assert made.exemplars()["gen_ai.client.operation.time_per_output_chunk"] == [(0.005, 1), (0.6, 1)]


def test_every_exemplar_has_its_span_where_all_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `OTEL_METRICS_EXEMPLAR_FILTER=always_on` none without a span takes another's place."""
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")
    made = Measured(span_context=lambda _: span(1))
    made.sink().apply([CALL, EndSpan("c", 10, END, gaps=(Gap(5_000_000, 400),))])

    assert made.exemplars()["gen_ai.client.operation.time_per_output_chunk"] == [(0.005, 1)]


@pytest.mark.parametrize(("stalls", "expected"), [({"otelstream.stalls": 2}, [(2, 1)]), ({}, None)])
def test_only_stalls_have_exemplars(stalls: dict[str, int], expected: object) -> None:
    """A call whose chunks came in time is no example of a stall."""
    made = Measured(span_context=lambda _: span(1))
    made.sink().apply([CALL, EndSpan("c", 10, {**END, "otelstream.chunks": 9, **stalls})])

    assert made.exemplars().get("otelstream.stalls") == expected
