"""Much and heavy data over real sockets: cut into requests that a receiver takes, and never refused whole."""

from __future__ import annotations

import pytest

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from otelstream.testing import Script
from tests.e2e.received import logs_of, spans_of
from tests.e2e.receiver import PROTOCOLS, Receiver, receiver_of
from tests.e2e.runs import observed_to

MESSAGE_LIMIT = 4 * 1024 * 1024
CALLS = 60
PROMPT = "x" * 60_000


def heavy() -> list[StreamFrame]:
    """Return a run whose model calls have 120 KB of prompts each, 7 MB in all."""
    script = Script()
    script.start("flow_started", flow_name="Heavy")
    for number in range(CALLS):
        call = {"call_id": f"call {number}", "model": "gpt-4o-mini"}
        messages = [{"role": "user", "content": PROMPT}, {"role": "user", "content": PROMPT}]
        script.start("llm_call_started", messages=messages, **call)
        script.end("llm_call_completed", response="fine", **call)
    script.end("flow_finished", flow_name="Heavy")
    return script.frames


def sizes(receiver: Receiver, signal: str) -> list[int]:
    """Return the bytes of each request of a signal."""
    return [len(export.body) for export in receiver.exports if export.signal == signal]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_heavy_spans_all_arrive(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven megabytes of spans that end within one batch arrive, in requests of less than 4 MiB."""
    options = SpanOptions(content="SPAN_ONLY", trace_bytes=100_000_000)
    with receiver_of(protocol) as receiver:
        observed_to(receiver, monkeypatch, heavy(), redact=False, spans=options)
        found, largest = spans_of(receiver), max(sizes(receiver, "traces"))

    assert (len(found), largest < MESSAGE_LIMIT, otelstream.losses()) == (CALLS + 1, True, {})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_heavy_records_all_arrive(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as log records."""
    options = SpanOptions(content="EVENT_ONLY", trace_bytes=100_000_000)
    with receiver_of(protocol) as receiver:
        observed_to(receiver, monkeypatch, heavy(), redact=False, spans=options)
        found, largest = logs_of(receiver), max(sizes(receiver, "logs"))

    assert (len(found), largest < MESSAGE_LIMIT, otelstream.losses()) == (CALLS, True, {})


def test_a_trace_stays_within_what_a_backend_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default a trace is less than the 5 MB of Tempo; every span is there, and says what it is without."""
    with receiver_of("grpc") as receiver:
        observed_to(receiver, monkeypatch, heavy(), redact=False, spans=SpanOptions(content="SPAN_ONLY"))
        found = spans_of(receiver)
        total = sum(sizes(receiver, "traces"))
    poorer = [span for span in found if "gen_ai.input.messages" not in span.attributes]
    saying = [span for span in poorer if "otelstream.content_dropped_bytes" in span.attributes]

    assert (len(found), total < 5_000_000, len(poorer) > 1, len(poorer) - len(saying)) == (
        CALLS + 1,
        True,
        True,
        1,  # the flow has no prompt
    )


def test_a_long_text_is_cut_where_a_character_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt longer than the limit is cut at a UTF-8 boundary, and its full length stated."""
    script = Script()
    call = {"call_id": "c", "model": "gpt-4o-mini"}
    script.start("llm_call_started", messages=[{"role": "user", "content": "ä" * 100_000}], **call)
    script.end("llm_call_completed", response="fine", **call)
    options = SpanOptions(content="SPAN_ONLY", content_bytes=1_001)
    with receiver_of("http/protobuf") as receiver:
        observed_to(receiver, monkeypatch, script.frames, redact=False, spans=options)
        (span,) = spans_of(receiver)

    assert (span.attributes["gen_ai.input.messages"], span.attributes["otelstream.cut"]) == (
        ({"role": "user", "parts": ({"type": "text", "content": "ä" * 500},)},),
        {"gen_ai.input.messages[0].parts[0].content": 200_000},
    )
