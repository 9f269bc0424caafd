"""Exemplars as a collector gets them: each names a span that arrives as well, or there is none."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import otelstream
from tests.e2e.received import ReceivedMetric, metrics_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, Receiver, receiver_of, variables
from tests.e2e.runs import golden, session

CREW = "05_crew_two_agents_tools.jsonl.gz"

FLOW, CHAT = "invoke_workflow CrewFlow", "chat gpt-4o-mini"
AGENTS = {"invoke_agent Researcher", "invoke_agent Writer"}
SPANS = {
    "gen_ai.client.operation.duration": {CHAT},
    "gen_ai.client.operation.time_per_output_chunk": {CHAT},
    "gen_ai.client.operation.time_to_first_chunk": {CHAT},
    "gen_ai.client.token.usage": {CHAT},
    "gen_ai.execute_tool.duration": {"execute_tool lookup_fact", "execute_tool word_count"},
    "gen_ai.invoke_agent.duration": AGENTS,
    "gen_ai.invoke_agent.inference_calls": AGENTS,
    "gen_ai.invoke_agent.tool_calls": AGENTS,
    "gen_ai.invoke_workflow.duration": {FLOW, "invoke_workflow research_crew"},
    "otelstream.run.duration": {FLOW},
}
"""Which spans the exemplars of each metric name; the other metrics have none."""

MAIN = {
    "gen_ai.client.inference.duration": {CHAT},
    "gen_ai.client.inference.operation.input_tokens": {CHAT},
    "gen_ai.client.inference.operation.output_tokens": {CHAT},
    "gen_ai.client.inference.time_per_output_chunk": {CHAT},
    "gen_ai.client.inference.time_to_first_chunk": {CHAT},
    "gen_ai.client.inference.usage.cache_read.input_tokens": {CHAT},
    "gen_ai.client.inference.usage.input_tokens": {CHAT},
    "gen_ai.client.inference.usage.output_tokens": {CHAT},
    **{name: spans for name, spans in SPANS.items() if not name.startswith("gen_ai.client.")},
}

DURATIONS = [name for name in SPANS if name.endswith(".duration")]


def observed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tracer_provider: TracerProvider | None = None
) -> None:
    """Observe two agents with tools, and let everything arrive."""
    for variable, value in variables(receiver, metrics=True).items():
        monkeypatch.setenv(variable, value)
    list(otelstream.observe(session(golden(CREW)), tracer_provider=tracer_provider))
    otelstream.shutdown(10)


def named(receiver: Receiver) -> dict[str, set[str]]:
    """Return the names of the spans that the exemplars name, by metric."""
    spans = {(span.trace_id, span.span_id): span.name for span in spans_of(receiver)}
    return {
        metric.name: found
        for metric in metrics_of(receiver).values()
        if (found := {spans[one] for one in ids_of(metric)})
    }


def ids_of(metric: ReceivedMetric) -> list[tuple[str, str]]:
    """Return the trace ids and span ids of the exemplars of a metric."""
    return [(one.trace_id, one.span_id) for point in metric.points for one in point.exemplars]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_exemplars_name_the_spans_that_were_measured(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From every histogram a way leads to a span of its kind, which has arrived, over both protocols."""
    with receiver_of(protocol) as receiver:
        observed(receiver, monkeypatch)
        assert named(receiver) == SPANS


def test_the_coming_conventions_have_exemplars_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the counters of tokens that were used; of reasoning tokens there were none."""
    monkeypatch.setenv("OTELSTREAM_SEMCONV", "main")
    with HttpReceiver() as receiver:
        observed(receiver, monkeypatch)
        assert named(receiver) == MAIN


def test_the_value_of_an_exemplar_is_the_duration_of_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever clicks on a slow one finds it slow."""
    with HttpReceiver() as receiver:
        observed(receiver, monkeypatch)
        seconds = {span.span_id: (span.end_ns - span.start_ns) / 1e9 for span in spans_of(receiver)}
        metrics = metrics_of(receiver)
        exemplars = [
            (one.value, seconds[one.span_id])
            for name in DURATIONS
            for point in metrics[name].points
            for one in point.exemplars
        ]

    assert [value for value, _ in exemplars] == [duration for _, duration in exemplars]


def test_each_bucket_that_holds_something_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a slow call is found among many quick ones."""
    with HttpReceiver() as receiver:
        observed(receiver, monkeypatch)
        point = metrics_of(receiver)["gen_ai.client.operation.duration"].only

    assert len(point.exemplars) == sum(count > 0 for count in point.buckets)


def test_spans_that_are_not_sampled_are_named_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody can open is no example; the metrics are told all the same."""
    with HttpReceiver() as receiver:
        observed(receiver, monkeypatch, tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
        found = [ids for metric in metrics_of(receiver).values() if (ids := ids_of(metric))]

    assert (found, len(metrics_of(receiver)) >= len(SPANS)) == ([], True)


def test_without_traces_of_ours_the_span_around_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that traces itself, and lets us only measure, finds the span in which the run was."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("program")
    with HttpReceiver() as receiver, tracer.start_as_current_span("request") as span:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{receiver.endpoint}/v1/metrics")
        list(otelstream.observe(session(golden(CREW))))
        otelstream.shutdown(10)
        found = {one for metric in metrics_of(receiver).values() for one in ids_of(metric)}
    around = span.get_span_context()

    assert found == {(trace.format_trace_id(around.trace_id), trace.format_span_id(around.span_id))}
