"""Runs are measured from their first span to the end of their root, whatever else is beneath it."""

from __future__ import annotations

import pytest

from otelstream.frame import Outcome, OutcomeState, StreamFrame
from otelstream.span.model import EndSpan, StartSpan
from otelstream.span.names import Convention
from otelstream.testing import START_NS, Script, assembled
from tests.conftest import frames_of
from tests.otelstream.export.measuring import Measured, Points, measured

DURATION, ACTIVE, OPEN = "otelstream.run.duration", "otelstream.runs.active", "otelstream.spans.open"


def flow(name: str = "F") -> Script:
    """Return a script in which a flow has begun."""
    script = Script()
    script.start("flow_started", flow_name=name)
    return script


def about(name: str) -> dict[str, object]:
    """Return the attributes of a run of that flow."""
    return {"otelstream.run.name": f"invoke_workflow {name}", "gen_ai.workflow.name": name}


def runs(points: Points) -> dict[str, list[tuple[dict[str, object], float]]]:
    """Return what is told of runs."""
    return {name: found for name, found in points.items() if name.startswith("otelstream.run")}


def ended(root: dict[str, object], seconds: float, end: str = "completed", **error: object) -> Points:
    """Return what is told of one run that ended like that."""
    failure = {"error.type": error["error"]} if error else {}
    return {DURATION: [({**root, "otelstream.end": end, **failure}, seconds)], ACTIVE: [(root, 0)]}


@pytest.mark.parametrize(
    ("state", "error"),
    [("completed", {}), ("cancelled", {}), ("failed", {"error": "ValueError"}), ("cut", {"error": "cut"})],
)
def test_each_end_is_told(state: OutcomeState, error: dict[str, object]) -> None:
    """A run that failed, was cancelled or was cut is one too: up to its session's end, with its error."""
    type_ = "ValueError" if state == "failed" else None
    outcome = Outcome(
        state, START_NS + 4_000_000_000, error_type=type_, error_message="no" if type_ else None
    )

    assert runs(measured(flow().frames, outcome=outcome)) == ended(about("F"), 4.0, state, **error)


@pytest.mark.parametrize("version", ["1.41", "main"])
def test_both_conventions_tell_runs_by_the_same_names(version: Convention) -> None:
    """Runs are no matter of the conventions."""
    script = flow()
    script.end("flow_finished", flow_name="F")

    assert runs(measured(script.frames, version)) == ended(about("F"), 0.001)


def test_a_failed_root_tells_its_error_although_the_session_went_on() -> None:
    """As on the root span: `otelstream.end` is of the session, `error.type` of the root."""
    script = flow()
    script.end("flow_failed", flow_name="F", error="boom")

    assert runs(measured(script.frames)) == ended(about("F"), 0.001, error="_OTHER")


def test_a_crew_in_a_flow_is_no_run() -> None:
    """Whoever adds up runs counts the flow, and not the crew and the flows within it."""
    found = runs(measured(frames_of("05_crew_two_agents_tools")))

    assert found == ended(about("CrewFlow"), 1.524432)


def test_a_flow_in_a_flow_is_no_run() -> None:
    """The outer one is."""
    names = [
        attributes["otelstream.run.name"] for attributes, _ in measured(frames_of("11_nested_flow"))[DURATION]
    ]

    assert names == ["invoke_workflow Outer"]


def test_a_turn_of_a_chat_is_a_run() -> None:
    """It has the turn's name, and no workflow's."""
    root: dict[str, object] = {"otelstream.run.name": "conversation_turn"}
    found = runs(measured(frames_of("12_conversation_turn1")))

    assert (found[ACTIVE], [attributes for attributes, _ in found[DURATION]]) == (
        [(root, 0)],
        [{**root, "otelstream.end": "completed"}],
    )


def test_a_direct_call_is_a_run() -> None:
    """It has the call's name."""
    found = measured(frames_of("16_llm_stream_events"))[DURATION]

    assert [attributes["otelstream.run.name"] for attributes, _ in found] == ["chat gpt-4o-mini"]


def test_a_flow_that_is_resumed_is_a_run_again() -> None:
    """The part before the question and the part after the answer count as one run each."""
    made = Measured()
    for name in ("13_feedback_pending", "13_feedback_resume"):
        made.sink().apply(assembled(frames_of(name)))
    ((attributes, count),) = counts(made)

    assert (attributes["otelstream.run.name"], count) == ("invoke_workflow Review", 2)


def counts(made: Measured) -> list[tuple[dict[str, object], int]]:
    """Return how many runs were measured, by their attributes."""
    (metric,) = (metric for metric in made.metrics() if metric.name == DURATION)
    return [
        (dict(point.attributes or {}), point.count)
        for point in metric.data.data_points
        if hasattr(point, "count")
    ]


def test_a_session_without_scopes_is_a_run() -> None:
    """Its root is made at its end, from its first frame on."""
    script = Script()
    script.emit("my_event")
    script.emit("my_event")

    assert runs(measured(script.frames)) == ended({"otelstream.run.name": "stream_session"}, 0.001)


def test_a_session_without_frames_is_none() -> None:
    """It has no span either."""
    assert measured([], outcome=Outcome("failed", START_NS)) == {OPEN: [({}, 0)]}


def test_runs_are_active_until_their_root_has_ended() -> None:
    """Two of a name are two; each is counted off by itself."""
    made, operations = Measured(), assembled(flow().frames)
    first, second = made.sink(), made.sink()
    told = []
    for sink, kind in ((first, StartSpan), (second, StartSpan), (first, EndSpan), (second, EndSpan)):
        sink.apply(operation for operation in operations if isinstance(operation, kind))
        told.append(made.points()[ACTIVE])

    assert told == [[(about("F"), count)] for count in (1, 2, 1, 0)]


def test_what_no_operation_ended_is_counted_off() -> None:
    """A sink that is closed leaves nothing open, and what comes twice is counted off once."""
    made = Measured()
    sink = made.sink()
    sink.apply(operation for operation in assembled(flow().frames) if isinstance(operation, StartSpan))
    sink.close()
    sink.close()

    assert made.points() == {OPEN: [({}, 0)], ACTIVE: [(about("F"), 0)]}


def stream(*pauses_ms: float, finish: bool = True) -> list[StreamFrame]:
    """Return a call with pauses between its chunks."""
    script = Script(step_ms=1)
    script.start("llm_call_started", call_id="c", model="m")
    script.emit("llm_stream_chunk", call_id="c", chunk="x")
    for pause in pauses_ms:
        script.wait(pause)
        script.emit("llm_stream_chunk", call_id="c", chunk="x")
    if finish:
        script.end("llm_call_completed", call_id="c", response="x")
    return script.frames


CALL: dict[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def test_stalls_are_counted() -> None:
    """Pauses of two seconds and more between two chunks, with the attributes of their call."""
    assert measured(stream(5, 1_999, 1_998, 7_000))["otelstream.stalls"] == [(CALL, 2)]


def test_a_call_without_a_stall_tells_that() -> None:
    """Chunks that came in time are none; a rise from it can be seen."""
    assert measured(stream(5))["otelstream.stalls"] == [(CALL, 0)]


def test_a_call_without_chunks_tells_nothing_of_stalls() -> None:
    """Whether its answer stalled nobody knows."""
    script = Script()
    script.start("llm_call_started", call_id="c", model="m")
    script.end("llm_call_completed", call_id="c", response="x")

    assert "otelstream.stalls" not in measured(script.frames)


def test_stalls_of_a_call_that_was_cancelled_count() -> None:
    """They may be why it was cancelled; how long it would have taken nobody knows."""
    found = measured(stream(3_000, finish=False), outcome=Outcome("cancelled", START_NS + 9_000_000_000))

    assert (found["otelstream.stalls"], "gen_ai.client.operation.duration" in found) == ([(CALL, 1)], False)
