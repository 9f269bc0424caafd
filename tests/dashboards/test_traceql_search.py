"""TraceQL searches are answered as Tempo's documentation says."""

from __future__ import annotations

import pytest

from tests.dashboards.traceql_search import search
from tests.e2e.received import ReceivedEvent, ReceivedLink, ReceivedSpan


def span(
    name: str, parent: str = "", status: str = "UNSET", trace: str = "t", **attributes: object
) -> ReceivedSpan:
    """Return a span of one second that is called by its id, with an event after 100 ms and a link."""
    return ReceivedSpan(
        trace_id=trace,
        span_id=name,
        parent_span_id=parent,
        name=name,
        kind="CLIENT",
        start_ns=0,
        end_ns=10**9,
        attributes=attributes,
        events=(ReceivedEvent("late", 10**8, {"size": 1}),),
        links=(ReceivedLink("other", "1", {"why": name}),),
        status=status,
        status_message="",
        dropped_events=0,
    )


SPANS = [
    span("root", whole=2, part=2.5, names=("a", "b"), map={"a": 1}),
    span("left", "root", "ERROR", kind="x"),
    span("right", "root", kind="y"),
    span("leaf", "left", "ERROR", kind="x"),
    span("alone", trace="u", kind="x"),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("{ }", "root left right leaf alone"),
        ("{ span.whole > 1 && span.part > 2.0 }", "root"),
        ("{ span.whole > 1.0 || span.part > 2 }", ""),
        ("{ span.names = `b` }", "root"),
        ("{ span.names != `b` }", ""),
        ("{ span.map != nil }", ""),
        ("{ span.kind = nil && span:parentID = `` }", "root"),
        ("{ .kind =~ `[xz]` }", "left leaf alone"),
        ("{ .kind =~ `` }", ""),
        ("{ !(span.kind = `x`) && span.kind != nil }", "right"),
        ("{ duration >= 1s && kind = client && span.whole * 2 = 4 }", "root"),
        ("{ span:duration > 1s }", ""),
        (
            "{ event:name = `late` && event:timeSinceStart > 99ms && event.size = 1 }",
            "root left right leaf alone",
        ),
        ("{ link.why = `leaf` || resource.service.name = `nobody` }", "leaf"),
        ("{ name = `root` } > { }", "left right"),
        ("{ name = `root` } >> { }", "left right leaf"),
        ("{ name = `leaf` } < { }", "left"),
        ("{ name = `leaf` } << { }", "root left"),
        ("{ name = `left` } ~ { }", "right"),
        ("{ status = error } !< { status = error }", "leaf"),
        ("{ name = `root` } &> { status = error }", "root left"),
        ("{ name = `root` } && { kind = client }", "root left right leaf"),
        ("{ name = `root` } || { name = `alone` }", "root alone"),
        ("{ span.kind = `x` } | count() > 1", "left leaf"),
        ("{ span.kind != nil } | by(span.kind) | count() = 1", "right alone"),
        ("({ span.kind = `x` } | count() > 1) > { }", "leaf"),
        ("{ } | max(span.whole) = 2", "root left right leaf"),
        ("{ } | avg(duration) > 999ms | { name = `leaf` } | select(span.kind)", "leaf"),
    ],
)
def test_a_search(query: str, found: str) -> None:
    """What is found are the spans that fit, trace by trace; of a structure those on its right."""
    assert " ".join(span.name for span in search(query, SPANS)) == found


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{ } | rate()", "rate is not computed here"),
        ("{ trace:rootName = `a` }", "trace:rootName is not known of received spans"),
    ],
)
def test_what_is_not_answered_is_told(query: str, why: str) -> None:
    """A curve, or what received spans do not have, is no empty answer."""
    with pytest.raises(ValueError, match=why):
        search(query, SPANS)
