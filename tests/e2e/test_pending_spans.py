"""A run that is still going on can be seen: its open spans are announced, and later told in full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from otelstream.testing import Script
from tests.e2e.received import ReceivedSpan, outline, root_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, Receiver, receiver_of, variables
from tests.e2e.runs import session

PENDING = SpanOptions(pending_spans=True, pending_after_ms=0)


@pytest.fixture(params=PROTOCOLS)
def receiver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver of each protocol to which spans go."""
    with receiver_of(request.param) as made:
        for name, value in variables(made).items():
            monkeypatch.setenv(name, value)
        yield made


def until(
    frame_type: str, options: SpanOptions | None, frames: list[StreamFrame] | None = None
) -> Iterator[StreamFrame]:
    """Observe a session until a frame of that type has been handled and sent; return the rest of it."""
    observed = iter(otelstream.observe(session(frames), spans=options))
    while next(observed).type != frame_type:
        pass
    otelstream.flush(10)
    return observed


def finish(observed: Iterator[StreamFrame]) -> None:
    """Consume the rest of a session, and let all of it arrive."""
    list(observed)
    otelstream.shutdown(10)


def final(spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
    """Return the spans that are no announcements."""
    return [span for span in spans if "otelstream.pending" not in span.attributes]


NAMES = [
    "invoke_workflow F",
    "method run_crew",
    "invoke_workflow solo",
    "task one",
    "invoke_agent Writer",
    "chat gpt-4o-mini",
]


def test_open_spans_are_seen_before_they_end(receiver: Receiver) -> None:
    """In the middle of the model's call all six spans around it are at the receiver, marked as pending."""
    rest = until("llm_call_started", PENDING)
    seen = [(span.name, span.attributes["otelstream.pending"]) for span in spans_of(receiver)]
    finish(rest)

    assert seen == [(name, True) for name in NAMES]


def test_an_announcement_is_a_child_of_what_it_stands_for(receiver: Receiver) -> None:
    """It has no length, an id of its own, and the span that it announces as its parent."""
    rest = until("llm_call_started", PENDING)
    announced = spans_of(receiver)
    finish(rest)
    told = {span.span_id: span for span in final(spans_of(receiver))}

    assert [
        (told[span.parent_span_id].name, told[span.parent_span_id].start_ns, span.span_id in told)
        for span in announced
    ] == [(span.name, span.start_ns, False) for span in announced]
    assert [span.end_ns - span.start_ns for span in announced] == [0] * len(NAMES)


def test_the_final_spans_are_those_without_announcements(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told in the end is what would have been told anyway, to the last attribute."""
    finish(until("llm_call_started", PENDING))
    pending = final(spans_of(receiver))
    receiver.exports.clear()
    finish(until("llm_call_started", None))

    assert spans_of(receiver) == pending != []


def test_by_default_nothing_is_announced(receiver: Receiver) -> None:
    """Without the option the receiver gets nothing before a span has ended."""
    rest = until("llm_call_started", None)
    seen = spans_of(receiver)
    finish(rest)

    assert (seen, len(spans_of(receiver))) == ([], len(NAMES))


def test_a_span_is_announced_once(receiver: Receiver) -> None:
    """However long it stays open, and however often one flushes."""
    rest = until("llm_call_started", PENDING)
    for _ in range(3):
        next(rest)
        otelstream.flush(10)
    finish(rest)

    assert sum("otelstream.pending" in span.attributes for span in spans_of(receiver)) == len(NAMES)


def test_a_span_that_ended_in_time_is_not_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what has been open for the time that was set is worth a span of its own."""
    patient = SpanOptions(pending_spans=True, pending_after_ms=10**12)
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        rest = until("llm_call_started", patient)
        seen = spans_of(receiver)
        finish(rest)

    assert (seen, len(spans_of(receiver))) == ([], len(NAMES))


def test_a_quiet_run_is_announced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span whose program is silent is seen without another frame or a flush of the pipeline."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    seen: list[ReceivedSpan] = []
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        rest = iter(otelstream.observe(session(), spans=PENDING))
        next(rest)
        assert receiver.arrived.wait(10)
        seen = spans_of(receiver)
        finish(rest)

    assert [span.name for span in seen] == ["invoke_workflow F"]


def test_an_announcement_has_no_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts are told once, on the final span."""
    script = Script()
    script.start("flow_started", flow_name="F", inputs={"bird": "canary"})
    script.start("llm_call_started", call_id="c", model="m", messages=[{"role": "user", "content": "canary"}])
    script.emit("tick")
    script.end("llm_call_completed", call_id="c", response="canary")
    script.end("flow_finished", flow_name="F")
    options = SpanOptions(pending_spans=True, pending_after_ms=0, content="SPAN_ONLY")
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        rest = until("tick", options, script.frames)
        early = b"".join(receiver.payloads)
        finish(rest)
        late = b"".join(receiver.payloads)

    assert (b"otelstream.pending" in early, b"canary" in early, b"canary" in late) == (True, False, True)


def test_a_run_that_is_left_ends_in_one_tree(receiver: Receiver) -> None:
    """After announcements and an early end there is one trace with one root, and nothing dangles."""
    observed = otelstream.observe(session(), spans=PENDING)
    frames = iter(observed)
    for _ in range(10):
        next(frames)
    otelstream.flush(10)
    observed.close()
    otelstream.shutdown(10)
    spans = spans_of(receiver)

    assert ({span.trace_id for span in spans}, len(outline(spans))) == (
        {root_of(spans).trace_id},
        len(spans),
    )
