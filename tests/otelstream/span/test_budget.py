"""What a span and a trace may weigh, and in which order things are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.span import names
from otelstream.span.budget import cut_text, weight_of
from otelstream.span.chunks import ChunkEvents
from otelstream.span.model import AddEvent, EndSpan, Operation, StartSpan
from otelstream.span.options import ContentForm, SpanOptions
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import Script, assembled

Violations = Callable[[Sequence[Operation]], list[str]]
fixed = settings(derandomize=True, max_examples=60, deadline=None, database=None)


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcde"),
        ("ééé", 6, "ééé"),
        ("ééé", 5, "éé"),
        ("a😀b", 4, "a"),
        ("a😀b", 5, "a😀"),
        ("😀", 3, ""),
        ("", 0, ""),
    ],
)
def test_a_text_is_cut_between_characters(value: str, limit: int, expected: str) -> None:
    """A cut text has at most that many bytes of UTF-8, and all of them are whole characters."""
    assert cut_text(value, limit) == expected


@fixed
@given(st.text(st.characters(blacklist_categories=()), max_size=30), st.integers(0, 60))
def test_a_cut_text_is_the_longest_that_fits(value: str, limit: int) -> None:
    """What is left is a beginning of the text, in the limit, and one character more would not be."""
    kept = cut_text(value, limit)
    spelled = value.encode("utf-8", "replace").decode()
    assert (kept == value or spelled.startswith(kept), len(kept.encode("utf-8", "replace")) <= limit) == (
        True,
        True,
    )
    if kept != value:
        assert len(spelled[: len(kept) + 1].encode()) > limit


def nodes_of(operations: Sequence[Operation]) -> list[SpanNode]:
    """All spans."""
    root = tree_of(operations)
    return [] if root is None else list(root.walk())


def test_a_long_string_is_cut_and_says_how_long_it_was() -> None:
    """The original length in bytes is under the attribute's name in `otelstream.cut`."""
    script = Script()
    script.start("method_execution_started", method_name="é" * 2_000, flow_name="F")
    script.end("method_execution_finished")
    (node,) = nodes_of(assembled(script.frames))
    assert node.attributes[names.METHOD_NAME] == "é" * 1_024
    assert node.attributes[names.CUT] == {names.METHOD_NAME: 4_000}


def test_content_is_cut_inside_its_structure() -> None:
    """A long text of a message is cut, the structure stays whole, and the path says where."""
    script = Script()
    script.start("llm_call_started", call_id="c", messages=[{"role": "user", "content": "x" * 100}])
    script.end("llm_call_completed", call_id="c")
    (node,) = nodes_of(assembled(script.frames, options=SpanOptions(content="SPAN_ONLY", content_bytes=10)))
    assert node.attributes[names.INPUT_MESSAGES] == [
        {"role": "user", "parts": [{"type": "text", "content": "x" * 10}]}
    ]
    assert node.attributes[names.CUT] == {f"{names.INPUT_MESSAGES}[0].parts[0].content": 100}


def test_an_error_message_is_cut() -> None:
    """A status message is an attribute like others."""
    script = Script()
    script.start("method_execution_started")
    script.end("method_execution_failed", error="x" * 5_000)
    (node,) = nodes_of(assembled(script.frames))
    assert node.error is not None
    assert node.error.message == "x" * 2_048


def noisy(events: int) -> Script:
    """A model call with content, and with that many events."""
    script = Script()
    script.start("llm_call_started", call_id="c", messages=[{"role": "user", "content": "x" * 900}])
    for _ in range(events):
        script.emit("tick", note="y" * 200)
    script.end("llm_call_completed", call_id="c")
    return script


def test_events_that_do_not_fit_are_counted() -> None:
    """What is left out is as many as the span says; the first ones are kept."""
    operations = assembled(noisy(200).frames, options=SpanOptions(span_bytes=20_000))
    (node,) = nodes_of(operations)
    dropped = node.attributes[names.EVENTS_DROPPED]
    assert isinstance(dropped, int)
    assert (len(node.events) + dropped, 0 < dropped < 200) == (200, True)
    assert [event.attributes[names.FRAME_ID] for event in node.events] == [
        f"f{number + 1}" for number in range(len(node.events))
    ]


def test_content_is_left_out_before_events_and_events_before_spans() -> None:
    """The smaller the budget, the less there is of content first, then of events; spans are always there."""
    found = []
    for size in (100_000, 1_300, 400, 1):
        operations = assembled(noisy(1).frames, options=SpanOptions(content="SPAN_ONLY", span_bytes=size))
        (node,) = nodes_of(operations)
        found.append((names.INPUT_MESSAGES in node.attributes, len(node.events)))
    assert found == [(True, 1), (False, 1), (False, 0), (False, 0)]


def test_content_that_does_not_fit_is_counted() -> None:
    """A span says about how many bytes of content are not on it."""
    operations = assembled(noisy(0).frames, options=SpanOptions(content="SPAN_ONLY", span_bytes=1_000))
    (node,) = nodes_of(operations)
    dropped = node.attributes[names.CONTENT_DROPPED]
    assert isinstance(dropped, int)
    assert 900 <= dropped < 1_100


@pytest.mark.parametrize(("form", "kept"), [("structured", True), ("json", False)])
def test_content_weighs_what_it_does_in_its_form(form: ContentForm, *, kept: bool) -> None:
    """As JSON text it is longer where quotes and control characters are escaped; a log record has no form."""
    script = Script()
    script.start("llm_call_started", call_id="c", messages=[{"role": "user", "content": "\x00" * 2_000}])
    script.end("llm_call_completed", call_id="c")
    options = SpanOptions(content="SPAN_AND_EVENT", content_form=form, span_bytes=10_000)
    operations = assembled(script.frames, options=options)
    (node,) = nodes_of(operations)
    (record,) = [each for each in operations if isinstance(each, AddEvent) and each.log_only]
    assert (names.INPUT_MESSAGES in node.attributes, names.INPUT_MESSAGES in record.attributes) == (
        kept,
        True,
    )


def test_of_two_contents_the_first_is_kept() -> None:
    """What is left out does not depend on the process: a re-export leaves out the same."""
    messages = [{"role": "system", "content": "x" * 600}, {"role": "user", "content": "y" * 600}]
    script = Script()
    script.start("llm_call_started", call_id="c", messages=messages)
    (node,) = nodes_of(assembled(script.frames, options=SpanOptions(content="SPAN_ONLY", span_bytes=2_000)))
    assert names.CONTENT & node.attributes.keys() == {names.SYSTEM_INSTRUCTIONS}


def test_many_short_texts_are_no_way_around_the_budget() -> None:
    """Content is weighed as a whole, not by its longest text."""
    messages = [{"role": "user", "content": "x" * 900}] * 5_000
    script = Script()
    script.start("llm_call_started", call_id="c", messages=messages)
    operations = assembled(script.frames, options=SpanOptions(content="SPAN_ONLY"))
    assert max(weight_of(node.attributes) for node in nodes_of(operations)) < 3_000_000


def test_logs_have_no_budget_of_the_trace() -> None:
    """Where events are log records, none of them is left out for the span's sake."""
    operations = assembled(noisy(200).frames, options=SpanOptions(events="log", span_bytes=1_000))
    assert sum(isinstance(one, AddEvent) for one in operations) == 200


STEP = st.tuples(
    st.sampled_from(["method_execution_started", "llm_call_started", "tick", "chunk", "end"]),
    st.integers(0, 3_000),
)


def session(steps: list[tuple[str, int]]) -> Script:
    """A flow in which these things happen, each with a text of that length."""
    script, opened = Script(), 1
    script.start("flow_started", flow_name="F")
    for step, size in steps:
        data: dict[str, Any] = {"note": "n" * min(size, 250), "call_id": "c", "chunk": "x"}
        if step == "end" and opened > 1:
            opened -= 1
            script.end("method_execution_finished")
        elif step == "chunk":
            script.emit("llm_stream_chunk", **data)
        elif step.endswith("_started"):
            opened += 1
            script.start(step, messages=[{"role": "user", "content": "x" * size}], **data)
        else:
            script.emit("tick", **data)
    return script


BARE = 700
"""More than a span of these sessions weighs without content and events."""


@fixed
@given(
    st.lists(STEP, max_size=60),
    st.sampled_from([1, 2_000, 10_000, 3_000_000]),
    st.sampled_from([1, 5_000, 20_000, 4_500_000]),
    st.sampled_from(["coalesced", "all", "off"]),
)
def test_any_session_respects_its_budgets(
    violations: Violations,
    steps: list[tuple[str, int]],
    span_bytes: int,
    trace_bytes: int,
    chunk_events: ChunkEvents,
) -> None:
    """Whatever comes, operations stay consistent, and no span or trace weighs more than it may or must."""
    options = SpanOptions(
        content="SPAN_ONLY", span_bytes=span_bytes, trace_bytes=trace_bytes, chunk_events=chunk_events
    )
    operations = assembled(session(steps).frames, options=options)
    assert violations(operations) == []
    weights = {
        node.started.key: weight_of(node.attributes)
        + sum(weight_of(event.attributes) for event in node.events)
        for node in nodes_of(operations)
    }
    assert max(weights.values()) <= span_bytes * 0.9 + BARE
    assert sum(weights.values()) <= trace_bytes * 0.9 + BARE * len(weights)
    assert {type(one) for one in operations if isinstance(one, StartSpan | EndSpan)} == {StartSpan, EndSpan}


def test_a_span_has_no_more_events_than_it_may() -> None:
    """What comes beyond `span_events` is left out and counted; the first are kept."""
    script = Script()
    script.start("flow_started", flow_name="F")
    for number in range(10):
        script.emit("tick", number=number)
    script.end("flow_finished")
    operations = assembled(script.frames, options=SpanOptions(span_events=4))
    kept = [one.attributes["crewai.data.number"] for one in operations if isinstance(one, AddEvent)]
    end = next(one for one in operations if isinstance(one, EndSpan))
    assert (kept, end.attributes["otelstream.events_dropped"]) == ([0, 1, 2, 3], 6)


def test_what_a_span_has_no_room_for_is_still_a_record() -> None:
    """With events in both places the limit of spans costs log records nothing."""
    script = Script()
    script.start("flow_started", flow_name="F")
    for number in range(10):
        script.emit("tick", number=number)
    operations = assembled(script.frames, options=SpanOptions(span_events=4, events="both"))
    events = [one for one in operations if isinstance(one, AddEvent)]
    assert [one.log_only for one in events] == [False] * 4 + [True] * 6


def test_content_that_is_left_out_was_not_cut() -> None:
    """`otelstream.cut` names what is there."""
    script = Script()
    messages = [{"role": "user", "content": "x" * 9_000}]
    script.start("llm_call_started", call_id="c", messages=messages)
    options = SpanOptions(content="SPAN_ONLY", content_bytes=8_000, span_bytes=9_000)
    started = next(one for one in assembled(script.frames, options=options) if isinstance(one, StartSpan))
    assert {names.CUT, names.INPUT_MESSAGES} & started.attributes.keys() == set()
