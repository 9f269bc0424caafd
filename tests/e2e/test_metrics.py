"""Metrics of the GenAI conventions as a collector gets them, in both versions of the conventions."""

from __future__ import annotations

import math

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import otelstream
from tests.e2e.received import ReceivedMetric, metrics_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, Receiver, receiver_of, variables
from tests.e2e.runs import golden, session

CREW = "05_crew_two_agents_tools.jsonl.gz"
LONG = "20_long_5000_chunks.jsonl.gz"

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
AGENT = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
WORKFLOW = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
CALLS = (1, 2, 4, 8, 16, 32, 64, 128)
BOUNDS = {
    "gen_ai.client.operation.duration": SECONDS,
    "gen_ai.client.operation.time_to_first_chunk": SECONDS,
    "gen_ai.client.operation.time_per_output_chunk": SECONDS,
    "gen_ai.client.token.usage": TOKENS,
    "gen_ai.execute_tool.duration": SECONDS,
    "gen_ai.invoke_agent.duration": AGENT,
    "gen_ai.invoke_agent.inference_calls": CALLS,
    "gen_ai.invoke_agent.tool_calls": CALLS,
    "gen_ai.invoke_workflow.duration": WORKFLOW,
    "otelstream.run.duration": WORKFLOW,
}

MODEL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
}
CALL = {**MODEL, "server.address": "127.0.0.1", "server.port": 41493}
RESEARCHER, WRITER = {"gen_ai.agent.name": "Researcher"}, {"gen_ai.agent.name": "Writer"}
WITH_MODEL = {"gen_ai.request.model": "gpt-4o-mini"}
HTTP_500, RAISED = {"error.type": "500"}, {"error.type": "openai.InternalServerError"}

Told = tuple[str, str, list[tuple[dict[str, object], int, float, dict[float, int]]]]
"""Kind, unit, and for each point its attributes, count, value and the buckets that hold something."""


def told(metric: ReceivedMetric) -> Told:
    """Return a metric in few words, times to a tenth of a millisecond."""
    points = [
        (
            point.attributes,
            point.count,
            round(point.value, 4),
            {bound: n for bound, n in zip((*point.bounds, math.inf), point.buckets, strict=False) if n},
        )
        for point in metric.points
    ]
    return metric.kind, metric.unit, points


def tool(name: str, agent: str) -> dict[str, str]:
    """Return what a tool's duration is about."""
    return {"gen_ai.tool.name": name, "gen_ai.tool.type": "function", "gen_ai.agent.name": agent}


def workflow(name: str) -> dict[str, str]:
    """Return what the duration of a flow or a crew is about."""
    return {"gen_ai.workflow.name": name}


BRIDGE: dict[str, Told] = {
    "otelstream.queue.depth": ("gauge", "{frame}", [({}, 0, 0, {})]),
    "otelstream.spans.open": ("updown", "{span}", [({}, 0, 0, {})]),
}


def run_of(
    root: dict[str, str], seconds: float, bucket: float, error: dict[str, str] | None = None
) -> dict[str, Told]:
    """Return what is told of one run that came to its end."""
    ended: dict[str, object] = {**root, "otelstream.end": "completed", **(error or {})}
    return {
        "otelstream.run.duration": ("histogram", "s", [(ended, 1, seconds, {bucket: 1})]),
        "otelstream.runs.active": ("updown", "{run}", [(dict(root), 0, 0, {})]),
    }


def flow(name: str) -> dict[str, str]:
    """Return what a run is about whose root is a flow."""
    return {"otelstream.run.name": f"invoke_workflow {name}", **workflow(name)}


def without_stalls(call: dict[str, object]) -> dict[str, Told]:
    """Return what is told where chunks came, and none late."""
    return {"otelstream.stalls": ("counter", "{stall}", [(call, 0, 0, {})])}


AGENTS_AND_TOOLS = {
    "gen_ai.execute_tool.duration": (
        "histogram",
        "s",
        [
            (tool("lookup_fact", "Researcher"), 1, 0.0208, {0.04: 1}),
            (tool("word_count", "Researcher"), 1, 0.0004, {0.01: 1}),
            (tool("word_count", "Writer"), 1, 0.0003, {0.01: 1}),
        ],
    ),
    "gen_ai.invoke_agent.duration": (
        "histogram",
        "s",
        [
            ({**RESEARCHER, **WITH_MODEL}, 1, 0.9099, {1.6: 1}),
            ({**WRITER, **WITH_MODEL}, 1, 0.0403, {0.1: 1}),
        ],
    ),
    "gen_ai.invoke_agent.inference_calls": (
        "histogram",
        "{inference_call}",
        [(RESEARCHER, 1, 3, {4: 1}), (WRITER, 1, 2, {2: 1})],
    ),
    "gen_ai.invoke_agent.tool_calls": (
        "histogram",
        "{tool_call}",
        [(RESEARCHER, 1, 2, {2: 1}), (WRITER, 1, 1, {1: 1})],
    ),
    "gen_ai.invoke_workflow.duration": (
        "histogram",
        "s",
        [(workflow("CrewFlow"), 1, 1.5244, {5: 1}), (workflow("research_crew"), 1, 1.2954, {5: 1})],
    ),
    "otelstream.frames": ("counter", "{frame}", [({}, 0, 97, {})]),
    **run_of(flow("CrewFlow"), 1.5244, 5),
    **without_stalls(CALL),
    **BRIDGE,
}
DURATION = ("histogram", "s", [(CALL, 5, 0.8677, {0.01: 1, 0.02: 3, 1.28: 1})])
FIRST_CHUNK = ("histogram", "s", [(CALL, 5, 0.8441, {0.01: 4, 1.28: 1})])
OUTPUT_CHUNK = ("histogram", "s", [(CALL, 51, 0.0182, {0.01: 51})])
INPUT_TOKENS, OUTPUT_TOKENS = (5, 436, {256: 5}), (5, 74, {16: 3, 64: 2})

CREW_141 = {
    "gen_ai.client.operation.duration": DURATION,
    "gen_ai.client.operation.time_to_first_chunk": FIRST_CHUNK,
    "gen_ai.client.operation.time_per_output_chunk": OUTPUT_CHUNK,
    "gen_ai.client.token.usage": (
        "histogram",
        "{token}",
        [
            ({**CALL, "gen_ai.token.type": "input"}, *INPUT_TOKENS),
            ({**CALL, "gen_ai.token.type": "output"}, *OUTPUT_TOKENS),
        ],
    ),
    **AGENTS_AND_TOOLS,
}


def usage(count: int) -> tuple[str, str, list[object]]:
    """Return a counter of tokens whose provider does not say of which modality they are."""
    return "counter", "{token}", [({**CALL, "gen_ai.token.modality": "unknown"}, 0, count, {})]


CREW_MAIN = {
    "gen_ai.client.inference.duration": DURATION,
    "gen_ai.client.inference.time_to_first_chunk": FIRST_CHUNK,
    "gen_ai.client.inference.time_per_output_chunk": OUTPUT_CHUNK,
    "gen_ai.client.inference.usage.input_tokens": usage(436),
    "gen_ai.client.inference.usage.output_tokens": usage(74),
    "gen_ai.client.inference.usage.cache_read.input_tokens": usage(40),
    "gen_ai.client.inference.usage.reasoning.output_tokens": usage(0),
    "gen_ai.client.inference.operation.input_tokens": ("histogram", "{token}", [(CALL, *INPUT_TOKENS)]),
    "gen_ai.client.inference.operation.output_tokens": ("histogram", "{token}", [(CALL, *OUTPUT_TOKENS)]),
    **AGENTS_AND_TOOLS,
}
LONG_141 = {
    "gen_ai.client.operation.duration": ("histogram", "s", [(MODEL, 1, 3.8161, {5.12: 1})]),
    "gen_ai.client.operation.time_to_first_chunk": ("histogram", "s", [(MODEL, 1, 0.57, {0.64: 1})]),
    "gen_ai.client.operation.time_per_output_chunk": (
        "histogram",
        "s",
        [(MODEL, 4_999, 3.2427, {0.01: 4_994, 0.02: 3, 0.04: 1, 0.64: 1})],
    ),
    "gen_ai.client.token.usage": (
        "histogram",
        "{token}",
        [
            ({**MODEL, "gen_ai.token.type": "input"}, 1, 6, {16: 1}),
            ({**MODEL, "gen_ai.token.type": "output"}, 1, 5_000, {16_384: 1}),
        ],
    ),
    "gen_ai.invoke_workflow.duration": ("histogram", "s", [(workflow("Long"), 1, 4.1715, {5: 1})]),
    "otelstream.frames": ("counter", "{frame}", [({}, 0, 5_007, {})]),
    **run_of(flow("Long"), 4.1715, 5),
    **without_stalls(dict(MODEL)),
    **BRIDGE,
}
FAILED_FLOW = {
    "gen_ai.client.operation.duration": (
        "histogram",
        "s",
        [({**CALL, "server.port": 46389, **HTTP_500}, 1, 0.7369, {1.28: 1})],
    ),
    "gen_ai.invoke_agent.duration": (
        "histogram",
        "s",
        [({**WRITER, **WITH_MODEL, **HTTP_500}, 1, 0.7552, {0.8: 1})],
    ),
    "gen_ai.invoke_agent.inference_calls": ("histogram", "{inference_call}", [(WRITER, 1, 1, {1: 1})]),
    "gen_ai.invoke_agent.tool_calls": ("histogram", "{tool_call}", [(WRITER, 1, 0, {1: 1})]),
    "gen_ai.invoke_workflow.duration": (
        "histogram",
        "s",
        [
            ({**workflow("F"), **RAISED}, 1, 1.1984, {5: 1}),
            ({**workflow("solo"), **RAISED}, 1, 0.8032, {1: 1}),
        ],
    ),
    "otelstream.frames": ("counter", "{frame}", [({}, 0, 16, {})]),
    **run_of(flow("F"), 1.1984, 5, RAISED),
    **BRIDGE,
}
FAILED_CALL = {
    "gen_ai.client.operation.duration": ("histogram", "s", [({**MODEL, **HTTP_500}, 1, 0.0095, {0.01: 1})]),
    "otelstream.frames": ("counter", "{frame}", [({}, 0, 2, {})]),
    **run_of({"otelstream.run.name": "chat gpt-4o-mini"}, 0.0095, 1, HTTP_500),
    **BRIDGE,
}


def measured(receiver: Receiver, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Told]:
    """Observe a golden stream with metrics on; return those that arrived."""
    for variable, value in variables(receiver, metrics=True).items():
        monkeypatch.setenv(variable, value)
    list(otelstream.observe(session(golden(name))))
    otelstream.shutdown(10)
    return {metric.name: told(metric) for metric in metrics_of(receiver).values()}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("name", "expected"), [(CREW, CREW_141), (LONG, LONG_141)], ids=["two agents", "5,000 chunks"]
)
def test_the_metrics_of_a_run_arrive(
    protocol: str, name: str, expected: dict[str, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, units, attributes, counts, sums and buckets are those of the frames, over both protocols."""
    with receiver_of(protocol) as receiver:
        assert measured(receiver, name, monkeypatch) == expected


def test_the_coming_conventions_have_other_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `OTELSTREAM_SEMCONV=main` the calls are `gen_ai.client.inference.*`, and tokens are counters."""
    monkeypatch.setenv("OTELSTREAM_SEMCONV", "main")
    with HttpReceiver() as receiver:
        assert measured(receiver, CREW, monkeypatch) == CREW_MAIN


def test_buckets_are_those_of_the_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each histogram has the boundaries that the conventions prescribe, to the last digit."""
    with HttpReceiver() as receiver:
        measured(receiver, CREW, monkeypatch)
        found = {
            metric.name: metric.points[0].bounds
            for metric in metrics_of(receiver).values()
            if metric.kind == "histogram"
        }

    assert found == BOUNDS


@pytest.mark.parametrize(
    ("name", "expected"),
    [("07_llm_http500.jsonl", FAILED_FLOW), ("16d_llm_stream_events_error.jsonl", FAILED_CALL)],
    ids=["in a flow", "in a direct call"],
)
def test_a_failure_has_its_type(
    name: str, expected: dict[str, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`error.type` is on the durations of what failed and of all that failed with it; no tokens are told."""
    with HttpReceiver() as receiver:
        assert measured(receiver, name, monkeypatch) == expected


def test_without_sampled_spans_the_metrics_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracer provider that samples nothing takes nothing from the metrics, and no span arrives."""
    never = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    with HttpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{receiver.endpoint}/v1/metrics")
        list(otelstream.observe(session(golden(CREW)), tracer_provider=never))
        otelstream.shutdown(10)
        found = {metric.name: told(metric) for metric in metrics_of(receiver).values()}

    assert (found, set(receiver.paths)) == (CREW_141, {"/v1/metrics"})


def test_without_a_tracer_provider_the_metrics_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics need no traces: where only they are asked for, nothing else is sent."""
    with HttpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{receiver.endpoint}/v1/metrics")
        list(otelstream.observe(session(golden(CREW))))
        otelstream.shutdown(10)
        found = {metric.name: told(metric) for metric in metrics_of(receiver).values()}

    assert (found, set(receiver.paths)) == (CREW_141, {"/v1/metrics"})
