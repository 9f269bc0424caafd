"""The choices of a session, and which of them do not exist."""

from __future__ import annotations

from typing import Any

import pytest

from otelstream.span.options import ContentPolicy, EventsAs, SpanOptions
from otelstream.span.rules import Kind, Pair


def test_the_defaults_are_these() -> None:
    """Without a choice nothing that a person wrote is exported, and nothing is sent before its end."""
    assert SpanOptions() == SpanOptions(
        chunk_events="coalesced",
        collapse_internal_flows=True,
        content="NO_CONTENT",
        content_form="structured",
        events="span",
        pending_spans=False,
        pending_after_ms=5_000,
        stall_ms=2_000,
        semconv="1.41",
        attribute_bytes=2_048,
        content_bytes=65_536,
        span_bytes=3_000_000,
        trace_bytes=4_500_000,
        rows=(),
    )


@pytest.mark.parametrize(
    ("name", "value", "choices"),
    [
        ("chunk_events", "some", "coalesced, all, off"),
        ("content", "yes", "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT"),
        ("content_form", "text", "structured, json"),
        ("events", "none", "span, log, both"),
        ("semconv", "1.40", "1.41, main"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(name: str, value: str, choices: str) -> None:
    """The message says which value of which option was wrong, and what to take instead."""
    chosen: Any = {name: value}
    with pytest.raises(ValueError, match="is no choice") as caught:
        SpanOptions(**chosen)
    assert str(caught.value) == f"{name}={value!r} is no choice; take {choices}."


def test_rows_are_checked() -> None:
    """A row that does not fit into the table is refused where the options are made."""
    with pytest.raises(ValueError, match="is in the table already"):
        SpanOptions(rows=(Pair(Kind("job", "job"), "flow_started", ("job_done",)),))


@pytest.mark.parametrize(
    ("content", "on_spans", "in_logs"),
    [
        ("NO_CONTENT", False, False),
        ("SPAN_ONLY", True, False),
        ("EVENT_ONLY", False, True),
        ("SPAN_AND_EVENT", True, True),
    ],
)
def test_the_policy_says_where_content_goes(content: ContentPolicy, on_spans: bool, in_logs: bool) -> None:
    """Content is on spans, in log records, in both or nowhere."""
    options = SpanOptions(content=content)
    assert (options.content_on_spans, options.content_in_logs) == (on_spans, in_logs)


@pytest.mark.parametrize(
    ("events", "content", "uses"),
    [
        ("span", "NO_CONTENT", False),
        ("span", "SPAN_ONLY", False),
        ("span", "EVENT_ONLY", True),
        ("log", "NO_CONTENT", True),
        ("both", "NO_CONTENT", True),
    ],
)
def test_logs_are_used_where_something_goes_there(
    events: EventsAs, content: ContentPolicy, uses: bool
) -> None:
    """A logger is needed for events as logs and for content in logs."""
    assert SpanOptions(events=events, content=content).uses_logs is uses


@pytest.mark.parametrize("name", ["attribute_bytes", "stall_ms", "span_events", "trace_bytes"])
def test_a_number_that_leaves_nothing_is_refused(name: str) -> None:
    """A limit of nothing would be a trace of nothing."""
    with pytest.raises(ValueError, match=f"^{name}=0 is too little; take at least 1.$"):
        SpanOptions(**{name: 0})  # type: ignore[arg-type]  # any of the numbers
