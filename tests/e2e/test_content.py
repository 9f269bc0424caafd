"""Prompts and answers go where the policy says, and nowhere else: the bytes of the requests are searched."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from otelstream.frame import StreamFrame
from otelstream.span import names
from otelstream.span.options import EventsAs, SpanOptions
from otelstream.testing import Script
from tests.e2e.received import ReceivedLog, ReceivedSpan, logs_of, spans_of
from tests.e2e.receiver import HttpReceiver, Signal
from tests.e2e.runs import observed_to

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
DETAILS = "gen_ai.client.inference.operation.details"

CANARIES = (
    b"canary-system",
    b"canary-prompt",
    b"canary-answer",
    b"canary-argument",
    b"canary-result",
    b"canary-backstory",
    b"canary-task",
)


def frames() -> list[StreamFrame]:
    """Return a session with a canary in every place that holds content."""
    script = Script()
    script.start("flow_started", flow_name="Birds", inputs={"bird": "canary-prompt"})
    script.start(
        "agent_execution_started",
        agent_role="Keeper",
        agent={"role": "Keeper", "backstory": "canary-backstory"},
        task_prompt="canary-task",
    )
    script.start(
        "llm_call_started",
        call_id="c1",
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": "canary-system"},
            {"role": "user", "content": "canary-prompt"},
        ],
    )
    script.emit("llm_stream_chunk", call_id="c1", chunk="canary-answer")
    script.end("llm_call_completed", call_id="c1", response="canary-answer", finish_reason="stop")
    script.start("tool_usage_started", tool_name="feed", tool_args={"food": "canary-argument"})
    script.end("tool_usage_finished", tool_name="feed", output="canary-result")
    script.end("agent_execution_completed", agent_role="Keeper", output="canary-answer")
    script.end("flow_finished", flow_name="Birds", result="canary-answer")
    return script.frames


def exported(
    monkeypatch: pytest.MonkeyPatch, policy: str | None = None, events: EventsAs = "span"
) -> tuple[list[ReceivedSpan], list[ReceivedLog], dict[Signal, set[bytes]]]:
    """Observe the session under a policy; return spans, records and the canaries in each signal's bytes."""
    if policy is not None:
        monkeypatch.setenv(CAPTURE, policy)
    monkeypatch.setenv("OTELSTREAM_EVENTS", events)
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, frames(), metrics=True)
        found: dict[Signal, set[bytes]] = {"traces": set(), "metrics": set(), "logs": set()}
        for export in receiver.exports:
            found[export.signal] |= {canary for canary in CANARIES if canary in export.body}
        return spans_of(receiver), logs_of(receiver), found


NOWHERE: dict[Signal, set[bytes]] = {"traces": set(), "metrics": set(), "logs": set()}


@pytest.mark.parametrize("policy", [None, "NO_CONTENT", "no_content", "true", "1"])
@pytest.mark.parametrize("events", ["span", "log", "both"])
def test_no_content_leaves_the_process(
    policy: str | None, events: EventsAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default, and for any word that is no policy, no byte of a prompt or an answer is sent."""
    assert exported(monkeypatch, policy, events)[2] == NOWHERE


def test_content_on_spans_is_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SPAN_ONLY` puts all of it on spans, and makes no record."""
    _, records, found = exported(monkeypatch, "SPAN_ONLY")

    assert (records, found) == ([], {**NOWHERE, "traces": set(CANARIES)})


def test_content_on_spans_is_not_in_their_events_as_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SPAN_ONLY` with events as log records: the records have none of it."""
    assert exported(monkeypatch, "SPAN_ONLY", "both")[2] == {**NOWHERE, "traces": set(CANARIES)}


def test_content_on_spans_is_structured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are lists of maps in the schema of the conventions, not JSON texts."""
    spans, _, _ = exported(monkeypatch, "SPAN_ONLY")
    (chat,) = (span for span in spans if span.name.startswith("chat"))
    found = {key: value for key, value in chat.attributes.items() if key in CONTENT_OF_CHAT}

    assert found == CONTENT_OF_CHAT


CONTENT_OF_CHAT = {
    "gen_ai.system_instructions": ({"type": "text", "content": "canary-system"},),
    "gen_ai.input.messages": ({"role": "user", "parts": ({"type": "text", "content": "canary-prompt"},)},),
    "gen_ai.output.messages": (
        {
            "role": "assistant",
            "parts": ({"type": "text", "content": "canary-answer"},),
            "finish_reason": "stop",
        },
    ),
}


def test_content_can_be_json_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `OTELSTREAM_CONTENT_FORM=json` what is no text is the same as JSON, and all else is as it was."""
    structured, _, _ = exported(monkeypatch, "SPAN_ONLY")
    monkeypatch.setenv("OTELSTREAM_CONTENT_FORM", "json")
    spans, _, _ = exported(monkeypatch, "SPAN_ONLY")
    as_json = [
        replace(
            span,
            attributes={
                key: json.dumps(value, separators=(",", ":"))
                if isinstance(value, tuple | dict) and key in names.CONTENT
                else value
                for key, value in span.attributes.items()
            },
        )
        for span in structured
    ]

    assert (spans, spans == structured) == (as_json, False)


def test_content_in_events_is_not_on_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """`EVENT_ONLY` keeps the spans as they are without content."""
    without, _, _ = exported(monkeypatch)
    spans, _, found = exported(monkeypatch, "EVENT_ONLY")

    assert (spans, found["traces"]) == (without, set())


def test_content_in_events_is_a_record_of_the_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """`EVENT_ONLY` gives one record for a model call, with its content and the attributes of its span."""
    spans, records, _ = exported(monkeypatch, "EVENT_ONLY")
    (chat,) = (span for span in spans if span.name.startswith("chat"))
    (record,) = records
    content = {key: value for key, value in record.attributes.items() if key in CONTENT_OF_CHAT}
    plain = {key: value for key, value in record.attributes.items() if key.startswith("gen_ai.request")}

    assert (record.name, record.trace_id, record.span_id, content, plain) == (
        DETAILS,
        chat.trace_id,
        chat.span_id,
        CONTENT_OF_CHAT,
        {key: value for key, value in chat.attributes.items() if key.startswith("gen_ai.request")},
    )


def test_content_can_be_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SPAN_AND_EVENT` is the sum of the two."""
    on_spans, _, _ = exported(monkeypatch, "SPAN_ONLY")
    _, in_records, _ = exported(monkeypatch, "EVENT_ONLY")
    monkeypatch.setenv(CAPTURE, "SPAN_AND_EVENT")

    assert exported(monkeypatch, "SPAN_AND_EVENT")[:2] == (on_spans, in_records)


def test_a_policy_that_does_not_exist_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`true` was once a policy: whoever sets it is told what there is."""
    exported(monkeypatch, "true")

    assert [record.getMessage() for record in caplog.records if record.name == "otelstream"] == [
        f"{CAPTURE}=true cannot be used (Input should be 'NO_CONTENT', 'SPAN_ONLY', 'EVENT_ONLY' or"
        " 'SPAN_AND_EVENT'); the default NO_CONTENT is."
    ]


def test_an_argument_beats_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`observe(spans=SpanOptions(content=…))` decides, whatever the environment says."""
    monkeypatch.setenv(CAPTURE, "SPAN_AND_EVENT")
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, frames(), spans=SpanOptions(content="NO_CONTENT"))
        payload = b"".join(receiver.payloads)

    assert [canary for canary in CANARIES if canary in payload] == []


SECRET = "sk-demo-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("semconv", ["1.41", "main"])
def test_secrets_in_content_stay_in_the_process(semconv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in a prompt, an answer, an argument or an error is masked in spans, records and metrics."""
    monkeypatch.setenv(CAPTURE, "SPAN_AND_EVENT")
    monkeypatch.setenv("OTELSTREAM_EVENTS", "both")
    monkeypatch.setenv("OTELSTREAM_SEMCONV", semconv)
    monkeypatch.setenv("OTELSTREAM_PENDING_SPANS", "true")
    monkeypatch.setenv("OTELSTREAM_PENDING_AFTER_MS", "0")
    script = Script()
    script.start("flow_started", flow_name="F", inputs={"note": f"use {SECRET}"})
    script.start("tool_usage_started", tool_name="feed", tool_args={"api_key": SECRET})
    script.end("tool_usage_error", tool_name="feed", error=f"ValueError('refused {SECRET}')")
    messages = [{"role": "user", "content": f"my key is {SECRET}, canary-prompt"}]
    script.start("llm_call_started", call_id="c", model="m", messages=messages)
    script.emit("llm_stream_chunk", call_id="c", chunk=f"so {SECRET}")
    script.end("llm_call_failed", call_id="c", error=f"Error code: 401 - wrong key {SECRET}")
    script.end("flow_failed", flow_name="F", error=f"wrong key {SECRET}")
    with HttpReceiver() as receiver:
        observed_to(receiver, monkeypatch, script.frames, metrics=True)
        signals = {export.signal for export in receiver.exports}
        payload = b"".join(receiver.payloads)

    assert (signals, b"canary-prompt" in payload, SECRET.encode() in payload) == (
        {"traces", "metrics", "logs"},
        True,
        False,
    )
