"""A mixed load of 50 runs over real sockets: within what backends take by default, and its numbers true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

import otelstream
from otelstream.span.options import SpanOptions
from tests.e2e.fresh import new_process
from tests.e2e.load import EVERYTHING, RUNS, LoadRun, mixed_load, play
from tests.e2e.load_names import LABELS, SPAN_NAMES
from tests.e2e.payloads import EVENTS_LIMIT, LIMITS, Figures, exceeded, measured, series_of
from tests.e2e.received import ReceivedMetric, ReceivedSpan, metrics_of, spans_of
from tests.e2e.receiver import receiver_of, variables


@dataclass(frozen=True, slots=True)
class Played:
    """A load, and what arrived of it."""

    runs: tuple[LoadRun, ...]
    figures: Figures
    spans: list[ReceivedSpan]
    metrics: dict[str, ReceivedMetric]
    series: set[tuple[tuple[str, str], ...]]
    losses: Mapping[str, int]


def played(protocol: str, spans: SpanOptions, runs: tuple[LoadRun, ...]) -> Played:
    """Play a load to a receiver of that protocol, and measure what it took."""
    with receiver_of(protocol) as receiver, new_process(variables(receiver, metrics=True)):
        play(runs, pausing=spans.pending_spans, spans=spans)
        otelstream.shutdown(30)
        return Played(
            runs,
            measured(receiver),
            spans_of(receiver),
            metrics_of(receiver),
            series_of(receiver),
            otelstream.losses(),
        )


def heaviest(runs: tuple[LoadRun, ...]) -> tuple[LoadRun, ...]:
    """Return one run of each kind that weighs much."""
    return tuple(run for run in runs if run.name in ("long answer", "heavy", "branches"))


@pytest.fixture(scope="module")
def usual() -> Played:
    """The load with default settings."""
    return played("http/protobuf", SpanOptions(), mixed_load())


@pytest.fixture(scope="module", params=["grpc", "http/protobuf"])
def everything(request: pytest.FixtureRequest) -> Played:
    """All that makes traces heavy: the load over gRPC, whose limit is lower, its heaviest over HTTP."""
    runs = mixed_load() if request.param == "grpc" else heaviest(mixed_load())
    return played(request.param, EVERYTHING, runs)


def test_defaults_stay_within_every_limit(usual: Played) -> None:
    """By default no request, trace, attribute or label exceeds what a backend takes or an SDK keeps."""
    assert (exceeded(usual.figures, (*LIMITS, EVENTS_LIMIT)), usual.losses) == ([], {})


def test_defaults_stay_within_the_limits_over_grpc() -> None:
    """The same over gRPC, whose messages are limited to 4 MiB, of the runs that weigh most."""
    over_grpc = played("grpc", SpanOptions(), heaviest(mixed_load()))

    assert (exceeded(over_grpc.figures, (*LIMITS, EVENTS_LIMIT)), over_grpc.figures.traces) == ([], 5)


def test_everything_stays_within_the_limits_of_backends(everything: Played) -> None:
    """Neither do content, an event for each of 5,000 chunks and pending spans: nothing is refused or lost."""
    assert (exceeded(everything.figures), everything.losses) == ([], {})


def test_every_chunk_is_an_event_where_that_is_asked_for(everything: Played) -> None:
    """All token frames arrive as events, those of the longest answer on one span."""
    asked = Counter(frame.type for run in everything.runs for frame in run.frames)["llm_stream_chunk"]
    events = [sum(event.name == "llm_stream_chunk" for event in span.events) for span in everything.spans]

    assert (sum(events), max(events)) == (asked, 5_000)


def test_the_load_weighs_what_it_did(usual: Played) -> None:
    """Counts are whole values: who sends more spans, events or series than before shall say why."""
    figures = usual.figures
    assert {
        "traces": figures.traces,
        "spans": figures.spans,
        "most spans of a trace": figures.trace_spans,
        "most events of a span": figures.span_events,
        "most links of a span": figures.span_links,
        "most attributes of a span": figures.span_attributes,
        "longest attribute": figures.attribute_bytes,
        "longest name": figures.name_bytes,
        "longest label": figures.label_bytes,
        "most labels": figures.labels,
        "series": figures.series,
        "records": figures.records,
    } == {
        "traces": 50,
        "spans": 410,
        "most spans of a trace": 26,
        "most events of a span": 81,
        "most links of a span": 1,
        "most attributes of a span": 24,
        "longest attribute": 2_048,
        "longest name": 37,
        "longest label": 52,
        "most labels": 10,
        "series": 2_454,
        "records": 0,
    }


def test_span_names_are_few(usual: Played) -> None:
    """Names are those of flows, methods, crews, tasks, agents, models and tools: no id, no text."""
    assert {span.name for span in usual.spans} == SPAN_NAMES


def test_labels_are_few(usual: Played) -> None:
    """The same of the labels of metrics; no conversation, run or call is among them."""
    found: dict[str, set[object]] = {}
    for metric in usual.metrics.values():
        for point in metric.points:
            for key, value in point.attributes.items():
                found.setdefault(key, set()).add(value)

    assert found == LABELS


def test_fifty_runs_are_fifty_runs(usual: Played) -> None:
    """Runs by their end are those that the program saw; a crew in a flow is none."""
    measured_ends: Counter[object] = Counter()
    for point in usual.metrics["otelstream.run.duration"].points:
        measured_ends[point.attributes["otelstream.end"]] += point.count

    assert (measured_ends.total(), measured_ends) == (RUNS, Counter(run.told_end for run in usual.runs))


def test_no_run_is_left_active(usual: Played) -> None:
    """When all have ended, none is counted as running, and no span as open."""
    active = {point.value for point in usual.metrics["otelstream.runs.active"].points}

    assert (active, usual.metrics["otelstream.spans.open"].only.value) == ({0}, 0)


def test_calls_are_counted_as_often_as_they_have_spans(usual: Played) -> None:
    """Calls by model and error are the chat spans; one that was cut off has no duration."""
    spans = Counter(
        (span.attributes["gen_ai.request.model"], span.attributes.get("error.type"))
        for span in usual.spans
        if is_measured(span, "chat")
    )
    calls: Counter[tuple[object, object]] = Counter()
    for point in usual.metrics["gen_ai.client.operation.duration"].points:
        calls[point.attributes["gen_ai.request.model"], point.attributes.get("error.type")] += point.count

    assert calls == spans


def test_durations_are_those_of_the_spans(usual: Played) -> None:
    """The sum of a histogram of durations is what its spans took together."""
    names = {
        "gen_ai.client.operation.duration": "chat",
        "gen_ai.invoke_agent.duration": "invoke_agent",
        "gen_ai.invoke_workflow.duration": "invoke_workflow",
    }
    took = {
        name: sum(span.end_ns - span.start_ns for span in usual.spans if is_measured(span, operation)) / 1e9
        for name, operation in names.items()
    }
    told = {name: sum(point.value for point in usual.metrics[name].points) for name in names}

    assert told == pytest.approx(took, rel=1e-9)


def test_tokens_are_those_of_the_frames(usual: Played) -> None:
    """Tokens by model and direction are what the models reported: no agent's or crew's sum is added."""
    reported: Counter[tuple[object, str]] = Counter()
    for run in usual.runs:
        for frame in run.frames:
            usage = frame.data.get("usage") if frame.type == "llm_call_completed" else None
            if isinstance(usage, dict):
                reported[frame.data["model"], "input"] += usage["prompt_tokens"]
                reported[frame.data["model"], "output"] += usage["completion_tokens"]
    told: Counter[tuple[object, object]] = Counter()
    for point in usual.metrics["gen_ai.client.token.usage"].points:
        told[point.attributes["gen_ai.request.model"], point.attributes["gen_ai.token.type"]] += int(
            point.value
        )

    assert told == reported


def test_frames_are_those_that_were_taken(usual: Played) -> None:
    """Every frame that the program got is counted once, as are chunks and stalls."""
    frames = [frame for run in usual.runs for frame in run.frames]
    chunks = sum(int(str(span.attributes.get("otelstream.chunks", 0))) for span in usual.spans)
    stalls = sum(point.value for point in usual.metrics["otelstream.stalls"].points)

    assert (usual.metrics["otelstream.frames"].only.value, chunks, stalls) == (
        len(frames),
        sum(frame.type == "llm_stream_chunk" for frame in frames),
        1,
    )


def is_measured(span: ReceivedSpan, operation: str) -> bool:
    """Tell whether a duration was measured of a span: not where nobody ended it."""
    told = span.attributes
    never_ended = told.get("otelstream.end") in ("cancelled", "left_open")
    return (
        told.get("gen_ai.operation.name") == operation
        and not never_ended
        and "otelstream.anomalies.left_open" not in told
    )
