"""Token frames as few events, none of them uncounted."""

from __future__ import annotations

import pytest

from otelstream.frame import FrameLike, StreamFrame
from otelstream.span import names
from otelstream.span.chunks import MAX_EVENTS, ChunkEvents, Chunks
from otelstream.span.model import AddEvent, Attributes, EndSpan
from otelstream.span.options import SpanOptions
from otelstream.testing import START_NS, Script, assembled, make_frame

STALL_NS = 1_000_000_000
CALL = {"call_id": "c1", "model": "m"}


def chunk(number: int, *, thinking: bool = False, text: object = "ab") -> StreamFrame:
    """The chunk of that number, one millisecond after the one before it."""
    frame_type = "llm_thinking_chunk" if thinking else "llm_stream_chunk"
    return make_frame(frame_type, id=f"c{number}", at_ms=number, data={"call_id": "c1", "chunk": text})


def events_of(frames: list[StreamFrame]) -> list[AddEvent]:
    """The events that these chunks of one call become."""
    chunks = Chunks("coalesced", STALL_NS)
    at_once = [event for frame in frames for event in chunks.add("span", frame)]
    return [*at_once, *chunks.events("span")]


def integer(attributes: Attributes, key: str) -> int:
    """An attribute that is an integer."""
    value = attributes[key]
    assert isinstance(value, int)
    return value


def call(chunks: int, *, first_at_ms: float = 0) -> list[StreamFrame]:
    """A model call that streams that many chunks."""
    script = Script()
    script.start("llm_call_started", **CALL)
    script.wait(first_at_ms)
    for _ in range(chunks):
        script.emit("llm_stream_chunk", call_id="c1", chunk="ab")
    script.end("llm_call_completed", **CALL)
    return script.frames


def end_of(
    frames: list[FrameLike] | list[StreamFrame], chunk_events: ChunkEvents = "coalesced"
) -> Attributes:
    """The attributes with which the last span of these frames ends."""
    ends = [
        one
        for one in assembled(frames, options=SpanOptions(chunk_events=chunk_events))
        if isinstance(one, EndSpan)
    ]
    return ends[-1].attributes


@pytest.mark.parametrize("count", [*range(1, 210), 399, 400, 401, 1_000, 5_000, 10_000])
def test_chunks_become_few_events_that_count_them_all(count: int) -> None:
    """At most 100 events; their counts, characters and frame ids are those of the frames, in order."""
    events = [event.attributes for event in events_of([chunk(number) for number in range(count)])]
    assert len(events) <= MAX_EVENTS == 100
    lengths = [integer(event, names.CHUNK_RUN_COUNT) for event in events]
    assert sum(lengths) == count
    assert sum(integer(event, names.CHUNK_RUN_CHARACTERS) for event in events) == 2 * count
    firsts = [sum(lengths[:index]) for index in range(len(lengths))]
    assert [event[names.FRAME_ID] for event in events] == [f"c{first}" for first in firsts]


@pytest.mark.parametrize("count", [2, 3, 99, 100, 101, 102, 200, 1_000, 10_000])
def test_the_first_and_the_last_chunk_are_events_of_their_own(count: int) -> None:
    """When the first token came, and when the last one, can be read off the events."""
    events = events_of([chunk(number) for number in range(count)])
    assert [
        (event.time_ns, event.attributes[names.CHUNK_RUN_COUNT]) for event in (events[0], events[-1])
    ] == [
        (START_NS, 1),
        (START_NS + (count - 1) * 1_000_000, 1),
    ]


@pytest.mark.parametrize("count", [101, 1_000, 10_000])
def test_the_runs_between_are_even(count: int) -> None:
    """No run is more than twice as long as another, but for the newest."""
    events = events_of([chunk(number) for number in range(count)])
    lengths = [integer(event.attributes, names.CHUNK_RUN_COUNT) for event in events[1:-2]]
    assert max(lengths) <= 2 * min(lengths)


def test_few_chunks_are_events_one_by_one() -> None:
    """Below the limit nothing is joined."""
    assert events_of([chunk(0), chunk(1, text="é\U0001f600")]) == [
        AddEvent(
            "span",
            "llm_stream_chunk",
            START_NS + number * 1_000_000,
            {
                "crewai.frame.id": f"c{number}",
                "crewai.frame.type": "llm_stream_chunk",
                "otelstream.chunk.count": 1,
                "otelstream.chunk.characters": 2,
                "otelstream.chunk.kinds": ("text",),
            },
        )
        for number in range(2)
    ]


def test_a_run_says_what_it_holds() -> None:
    """A joined event names its types and kinds, its first and last frame, its characters and its duration."""
    frames = [chunk(number, thinking=number % 2 == 0) for number in range(102)]
    assert events_of(frames)[1] == AddEvent(
        "span",
        "llm_stream_chunk",
        START_NS + 1_000_000,
        {
            "crewai.frame.id": "c1",
            "crewai.frame.type": "llm_stream_chunk",
            "otelstream.chunk.count": 2,
            "otelstream.chunk.characters": 4,
            "otelstream.chunk.kinds": ("text", "thinking"),
            "otelstream.chunk.types": ("llm_stream_chunk", "llm_thinking_chunk"),
            "otelstream.chunk.first_frame_id": "c1",
            "otelstream.chunk.last_frame_id": "c2",
            "otelstream.chunk.duration": 0.001,
        },
    )


def test_a_chunk_that_is_no_text_counts_no_characters() -> None:
    """A chunk of another type is counted as a frame."""
    assert events_of([chunk(0, text=None)])[0].attributes[names.CHUNK_RUN_CHARACTERS] == 0


def test_a_run_whose_clock_goes_back_has_no_negative_duration() -> None:
    """A run lasts at least nothing."""
    events = events_of([chunk(200 - number) for number in range(150)])
    assert {event.attributes.get(names.CHUNK_RUN_DURATION) for event in events} == {None, 0.0}


@pytest.mark.parametrize("count", [1, 100, 300])
def test_all_makes_one_event_of_each_frame(count: int) -> None:
    """With `all`, each chunk frame is an event like any other, and the span has their number."""
    operations = assembled(call(count), options=SpanOptions(chunk_events="all"))
    events = [one for one in operations if isinstance(one, AddEvent)]
    assert [event.attributes[names.FRAME_ID] for event in events] == [f"f{n + 1}" for n in range(count)]
    assert end_of(call(count), "all")[names.CHUNK_COUNT] == count


def test_all_events_hold_no_text() -> None:
    """The token itself is content and stays out; that something is missing is said."""
    event = next(
        one
        for one in assembled(call(1), options=SpanOptions(chunk_events="all"))
        if isinstance(one, AddEvent)
    )
    assert event.attributes == {
        "crewai.frame.id": "f1",
        "crewai.frame.type": "llm_stream_chunk",
        "crewai.frame.seq": 2,
        "crewai.frame.previous_id": "f0",
        "crewai.data.call_id": "c1",
        "otelstream.data.omitted": 1,
    }


def test_off_keeps_only_the_count() -> None:
    """With `off`, chunks are no events; the span has their number, the time of the first and the gaps."""
    operations = assembled(call(300, first_at_ms=9), options=SpanOptions(chunk_events="off"))
    assert [type(one).__name__ for one in operations] == ["StartSpan", "EndSpan"]
    assert end_of(call(300, first_at_ms=9), "off") == {
        "otelstream.chunks": 300,
        "otelstream.chunks.text": 300,
        "otelstream.chunk.gap.mean": 0.001,
        "otelstream.chunk.gap.p95": 0.001,
        "otelstream.chunk.gap.max": 0.001,
        "gen_ai.response.time_to_first_chunk": 0.01,
        "otelstream.end": "completed",
        "otelstream.frames": 302,
    }


@pytest.mark.parametrize("chunk_events", ["coalesced", "all", "off"])
def test_the_time_to_the_first_chunk(chunk_events: ChunkEvents) -> None:
    """It counts, in seconds, from the start of the call to its first chunk."""
    assert end_of(call(3, first_at_ms=250), chunk_events)[names.TIME_TO_FIRST_CHUNK] == 0.251


def test_the_time_to_the_first_chunk_is_not_negative() -> None:
    """A chunk from before its call, by a clock that was set back, took no time."""
    assert end_of(call(1, first_at_ms=-50))[names.TIME_TO_FIRST_CHUNK] == 0.0


def test_a_call_without_chunks_says_nothing_of_them() -> None:
    """A call that does not stream has neither a count nor a time to the first chunk."""
    assert end_of(call(0)) == {"otelstream.end": "completed", "otelstream.frames": 2}


def test_chunks_of_parallel_calls_stay_apart() -> None:
    """A chunk goes to the call of its `call_id`, whichever call its context is in."""
    script = Script()
    script.start("flow_started")
    other = script.fork()
    script.start("llm_call_started", call_id="c1")
    other.start("llm_call_started", call_id="c2")
    for _ in range(3):
        script.emit("llm_stream_chunk", call_id="c1", chunk="a")
    script.emit("llm_stream_chunk", call_id="c2", chunk="b")
    ends = {one.key: one.attributes for one in assembled(script.frames) if isinstance(one, EndSpan)}
    assert {key: ends[key][names.CHUNK_COUNT] for key in ("f1", "f2")} == {"f1": 3, "f2": 1}


def test_chunks_of_no_call_are_counted_on_the_span_around_them() -> None:
    """Chunks whose call is unknown or over belong to the enclosing span, without a time to the first."""
    script = Script()
    script.start("method_execution_started")
    script.start("llm_call_started", call_id="c1")
    script.end("llm_call_completed", call_id="c1")
    script.emit("llm_stream_chunk", call_id="c1", chunk="late")
    script.emit("llm_stream_chunk", call_id="c9", chunk="unknown")
    script.emit("llm_stream_chunk", chunk="nameless")
    script.end("method_execution_finished")
    assert end_of(script.frames) == {
        "otelstream.chunks": 3,
        "otelstream.chunks.text": 3,
        "otelstream.chunk.gap.mean": 0.001,
        "otelstream.chunk.gap.p95": 0.001,
        "otelstream.chunk.gap.max": 0.001,
        "otelstream.end": "completed",
        "otelstream.frames": 7,
    }


def test_few_events_may_be_all_that_a_span_has() -> None:
    """Where a provider keeps 50 events, the chunks fit into them: first, last and all counts."""
    operations = assembled(call(5_000), options=SpanOptions(span_events=50))
    events = [one for one in operations if isinstance(one, AddEvent)]
    counts = [one.attributes["otelstream.chunk.count"] for one in events]
    assert (len(events) <= 50, counts[0], counts[-1], sum(map(int, map(str, counts)))) == (True, 1, 1, 5_000)
