"""The times between chunks, stalls, kinds, and the limit of events on any span."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.span import names
from otelstream.span.chunks import MAX_EVENTS, MAX_STALLS, Chunks, Gaps, kind_of
from otelstream.span.model import AddEvent, EndSpan, Gap, Operation
from otelstream.span.options import SpanOptions
from otelstream.span.tree import SpanNode, tree_of
from otelstream.testing import Script, assembled, make_frame

fixed = settings(derandomize=True, max_examples=200, deadline=None, database=None)
MICROSECONDS = st.lists(st.integers(0, 10**8), min_size=1, max_size=80)


def gaps_of(times: Sequence[int]) -> Gaps:
    """Gaps of so many microseconds."""
    gaps = Gaps()
    for microseconds in times:
        gaps.add(microseconds * 1_000)
    return gaps


@fixed
@given(MICROSECONDS)
def test_mean_and_maximum_are_exact(times: list[int]) -> None:
    """Sum, number and longest of the gaps are kept as integers."""
    gaps = gaps_of(times)
    assert (gaps.total_ns, gaps.count, gaps.longest_ns) == (
        sum(times) * 1_000,
        len(times),
        max(times) * 1_000,
    )


@fixed
@given(MICROSECONDS, st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_near_the_exact_one(times: list[int], share: float) -> None:
    """It is within 0.1 % of the nearest rank of the true gaps."""
    exact = sorted(times)[math.ceil(share * len(times)) - 1] * 1_000
    assert abs(gaps_of(times).percentile(share) - exact) <= exact * 0.001


@fixed
@given(MICROSECONDS)
def test_buckets_hold_every_gap(times: list[int]) -> None:
    """The gaps for metrics are as many as the true ones, each near its own, in order."""
    found = [gap.ns for gap in gaps_of(times).buckets() for _ in range(gap.count)]
    assert len(found) == len(times)
    assert all(abs(ns - 1_000 * time) <= time for ns, time in zip(found, sorted(times), strict=True))


def test_without_gaps_there_is_no_percentile() -> None:
    """One chunk alone has no time between chunks."""
    assert (Gaps().percentile(0.95), list(Gaps().buckets())) == (0, [])


def test_a_clock_that_goes_back_is_no_time() -> None:
    """A gap is never negative."""
    gaps = Gaps()
    gaps.add(-5)
    assert (gaps.total_ns, list(gaps.buckets())) == (0, [Gap(0, 1)])


def test_the_memory_of_gaps_is_bounded() -> None:
    """A hundred thousand different gaps between a microsecond and a second are in few buckets."""
    assert sum(1 for _ in gaps_of(range(1, 1_000_000, 10)).buckets()) < 7_000


@pytest.mark.parametrize(
    ("frame_type", "data", "kind"),
    [
        ("llm_stream_chunk", {"chunk": "x"}, "text"),
        ("llm_stream_chunk", {"chunk": "", "call_type": "llm_call", "tool_call": None}, "text"),
        ("llm_stream_chunk", {"chunk": "{", "call_type": "tool_call"}, "tool_call"),
        ("llm_stream_chunk", {"chunk": "{", "tool_call": {"id": "1"}}, "tool_call"),
        ("llm_thinking_chunk", {"chunk": "x"}, "thinking"),
    ],
)
def test_a_chunk_is_of_a_kind(frame_type: str, data: dict[str, object], kind: str) -> None:
    """Text, thinking and pieces of tool calls are told apart."""
    assert kind_of(make_frame(frame_type, data=data)) == kind


def attributes_of(operations: Sequence[Operation], key: str) -> dict[str, Any]:
    """What a span says at its end about its chunks."""
    end = next(one for one in operations if isinstance(one, EndSpan) and one.key == key)
    return {name: value for name, value in end.attributes.items() if "chunk" in name or "stall" in name}


def test_a_call_says_how_its_chunks_came() -> None:
    """Counts by kind, the first one's time, and mean, 95th percentile and longest of the gaps, in seconds."""
    script = Script(step_ms=10)
    script.start("flow_started")
    script.start("llm_call_started", call_id="c")
    script.emit("llm_thinking_chunk", call_id="c", chunk="hm")
    script.emit("llm_stream_chunk", call_id="c", chunk="a")
    script.wait(80)
    script.emit("llm_stream_chunk", call_id="c", chunk="{", call_type="tool_call")
    script.end("llm_call_completed", call_id="c")
    assert attributes_of(assembled(script.frames), "f1") == {
        "otelstream.chunks": 3,
        "otelstream.chunks.text": 1,
        "otelstream.chunks.thinking": 1,
        "otelstream.chunks.tool_call": 1,
        "otelstream.chunk.gap.mean": 0.05,
        "otelstream.chunk.gap.p95": 0.09,
        "otelstream.chunk.gap.max": 0.09,
        "gen_ai.response.time_to_first_chunk": 0.01,
    }


def stalling(stalls: int) -> list[Operation]:
    """A call that pauses so many times for half a second."""
    script = Script(step_ms=10)
    script.start("llm_call_started", call_id="c")
    for _ in range(stalls + 1):
        script.emit("llm_stream_chunk", call_id="c", chunk="a")
        script.wait(490)
    script.end("llm_call_completed", call_id="c")
    return assembled(script.frames, options=SpanOptions(stall_ms=500))


def test_a_stall_is_an_event() -> None:
    """A pause of the threshold or more says how long it was, and between which frames."""
    operations = stalling(1)
    (stall,) = [one for one in operations if isinstance(one, AddEvent) and one.name == names.STALL]
    assert stall.attributes == {
        "otelstream.stall.duration": 0.5,
        "otelstream.chunk.first_frame_id": "f1",
        "otelstream.chunk.last_frame_id": "f2",
    }
    assert attributes_of(operations, "f0")["otelstream.stalls"] == 1


def test_shorter_pauses_are_no_stalls() -> None:
    """Below the threshold nothing is said of them."""
    script = Script(step_ms=499)
    script.start("llm_call_started", call_id="c")
    for _ in range(3):
        script.emit("llm_stream_chunk", call_id="c", chunk="a")
    operations = assembled(script.frames, options=SpanOptions(stall_ms=500))
    assert [one for one in operations if isinstance(one, AddEvent) and one.name == names.STALL] == []


def test_few_stalls_are_events_and_all_are_counted() -> None:
    """A call that pauses all the time does not fill its span with that."""
    operations = stalling(30)
    events = [one for one in operations if isinstance(one, AddEvent) and one.name == names.STALL]
    assert (len(events), attributes_of(operations, "f0")["otelstream.stalls"]) == (MAX_STALLS, 30)


def chunk_events(node: SpanNode) -> list[AddEvent]:
    """The events of a span that chunks became."""
    return [event for event in node.events if event.name in ("llm_stream_chunk", "llm_thinking_chunk")]


def test_a_root_with_chunks_of_many_calls_has_few_events() -> None:
    """Chunks whose calls are unknown share the limit of the span on which they are counted."""
    script = Script()
    script.start("flow_started")
    for number in range(1_000):
        script.emit("llm_stream_chunk", call_id=f"c{number % 300}", chunk="x")
    root = tree_of(assembled(script.frames))
    assert root is not None
    counts = [event.attributes[names.CHUNK_RUN_COUNT] for event in chunk_events(root)]
    assert len(counts) <= MAX_EVENTS
    assert (
        sum(count for count in counts if isinstance(count, int))
        == root.attributes[names.CHUNK_COUNT]
        == 1_000
    )


@pytest.mark.parametrize("span_bytes", [30_000, 100_000, 300_000, 1_000_000])
def test_all_coalesces_what_does_not_fit(span_bytes: int) -> None:
    """With the budget exhausted the rest becomes runs; counts in and out of runs sum up to the frames."""
    script = Script()
    script.start("llm_call_started", call_id="c")
    for _ in range(3_000):
        script.emit("llm_stream_chunk", call_id="c", chunk="x")
    script.end("llm_call_completed", call_id="c")
    root = tree_of(assembled(script.frames, options=SpanOptions(chunk_events="all", span_bytes=span_bytes)))
    assert root is not None
    runs = [event.attributes.get(names.CHUNK_RUN_COUNT) for event in chunk_events(root)]
    dropped = root.attributes.get(names.EVENTS_DROPPED, 0)
    assert isinstance(dropped, int)
    assert sum(run if isinstance(run, int) else 1 for run in runs) + dropped == 3_000
    assert sum(run is not None for run in runs) <= MAX_EVENTS
    assert root.attributes[names.CHUNK_COUNT] == 3_000


def test_a_mode_of_runs_keeps_a_bounded_number_of_them() -> None:
    """However many chunks come, no more than a hundred runs are in memory."""
    chunks = Chunks("coalesced", 10**9)
    sizes = set()
    for number in range(5_000):
        list(chunks.add("s", make_frame("llm_stream_chunk", id=f"f{number}", data={"chunk": "x"})))
        sizes.add(sum(1 for _ in chunks.events("s")) if number % 50 == 0 else 0)
    assert max(sizes) <= MAX_EVENTS
