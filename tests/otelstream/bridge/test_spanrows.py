"""Rows of spans: those of an assembler that sees every token, and what is in their columns.

`OTELSTREAM_EXAMPLES` says how many random sessions are tried.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given, settings

from otelstream.bridge import spanrows
from otelstream.bridge.spanrows import SpanRows
from otelstream.frame import FrameLike, Outcome, OutcomeState, StreamFrame, ns_datetime, timestamp_ns
from otelstream.span import ids, names, scopes
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import Attributes, EndSpan, Operation, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.rules import Pair
from otelstream.testing import START_NS, Script, make_frame
from recorder.session_row import SpanRow
from tests.otelstream.span.test_assembler_properties import ROWS, STATES, Step, frames_of, steps
from tests.otelstream.span.test_memory import sizes_of

Golden = Callable[[str], tuple[StreamFrame, ...]]

LATER_NS = START_NS + 3_600_000_000_000


@dataclass(frozen=True)
class Told:
    """What a row and a span of an assembler both tell."""

    span_id: str
    parent_span_id: str | None
    name: str
    started_at: datetime
    ended_at: datetime
    duration_ns: int
    left_open: bool
    error: tuple[str, str] | None
    usage: tuple[object, ...]
    first_chunk_s: object
    chunks: object
    frames: object


def by_rows(frames: Iterable[FrameLike], outcome: Outcome, rows: Sequence[Pair] = ()) -> list[Told]:
    """What the rows of a session tell, in the order of their ends."""
    return [
        Told(
            row.span_id,
            row.parent_span_id,
            row.name,
            row.started_at,
            row.ended_at,
            row.duration_ns,
            row.left_open,
            None if row.error_type is None else (row.error_type, str(row.error_message)),
            (row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens),
            None if row.first_chunk_ns is None else row.first_chunk_ns / 1e9,
            row.chunks,
            json.loads(row.attributes).get(names.FRAMES),
        )
        for row in rows_of(frames, outcome, rows)
    ]


def rows_of(frames: Iterable[FrameLike], outcome: Outcome, rows: Sequence[Pair] = ()) -> list[SpanRow]:
    """The rows of a session."""
    spans = SpanRows(rows)
    return [*(row for frame in frames for row in spans.feed(frame)), *spans.close(outcome)]


def by_assembler(frames: Iterable[FrameLike], outcome: Outcome, rows: Sequence[Pair] = ()) -> list[Told]:
    """What an assembler that sees every frame tells."""
    assembler = SpanAssembler(SpanOptions(rows=tuple(rows)))
    operations = [operation for frame in frames for operation in assembler.feed(frame)]
    operations += assembler.close(outcome)
    started = {one.key: one for one in operations if isinstance(one, StartSpan)}
    root = next((key for key, one in started.items() if one.parent is None), "")
    return [told(started[one.key], one, root) for one in operations if isinstance(one, EndSpan)]


def told(started: StartSpan, end: EndSpan, root: str) -> Told:
    """What a span of an assembler tells."""
    found: Attributes = {**started.attributes, **end.attributes}
    usage = (
        names.USAGE_INPUT_TOKENS,
        names.USAGE_OUTPUT_TOKENS,
        names.USAGE_CACHE_READ,
        names.USAGE_REASONING,
    )
    return Told(
        f"{ids.span_id(root, started.key):016x}",
        None if started.parent is None else f"{ids.span_id(root, started.parent):016x}",
        started.name,
        ns_datetime(started.start_ns).replace(tzinfo=None),
        ns_datetime(end.end_ns).replace(tzinfo=None),
        end.end_ns - started.start_ns,
        end.left_open,
        None if end.error is None else (end.error.type, end.error.message),
        tuple(found.get(name) for name in usage),
        found.get(names.TIME_TO_FIRST_CHUNK),
        found.get(names.CHUNK_COUNT),
        found.get(names.FRAMES),
    )


EXAMPLES: Final = int(os.environ.get("OTELSTREAM_EXAMPLES", "100"))

fixed = settings(derandomize=True, max_examples=EXAMPLES, deadline=None, database=None)
"""The same examples in every run, without a file to remember them."""


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled", "cut"])
def test_rows_of_golden_streams(golden_frames: tuple[StreamFrame, ...], state: OutcomeState) -> None:
    """Each golden stream gives the spans of an assembler that sees every token."""
    outcome = Outcome(state, timestamp_ns(golden_frames[-1]))

    assert by_rows(golden_frames, outcome) == by_assembler(golden_frames, outcome)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_rows_of_golden_streams_cut_short(golden_frames: tuple[StreamFrame, ...], share: float) -> None:
    """So does the beginning of each, with everything left open."""
    frames = golden_frames[: round(len(golden_frames) * share)]
    outcome = Outcome("completed", timestamp_ns(golden_frames[-1]))

    assert by_rows(frames, outcome) == by_assembler(frames, outcome)


@fixed
@given(steps(), STATES)
def test_rows_of_any_session(script: list[Step], state: OutcomeState) -> None:
    """Whatever comes, the rows are the spans of an assembler that sees every token."""
    frames, outcome = frames_of(script), Outcome(state, LATER_NS)

    assert by_rows(frames, outcome, ROWS) == by_assembler(frames, outcome, ROWS)


TOKEN_TYPES = (
    *("llm_stream_chunk",) * 8,
    "llm_thinking_chunk",
    *("llm_call_started",) * 3,
    "llm_call_completed",
    "llm_call_failed",
    "flow_started",
    "method_execution_started",
    "method_execution_finished",
    "tool_usage_started",
    "tick",
    "job_started",
    "job_done",
)


@settings(fixed, max_examples=2 * EXAMPLES)
@given(steps(TOKEN_TYPES), STATES)
def test_rows_of_any_session_of_tokens(script: list[Step], state: OutcomeState) -> None:
    """So they are where most frames are tokens, of calls that fork, share an id, never end or never began."""
    frames, outcome = frames_of(script), Outcome(state, LATER_NS)

    assert by_rows(frames, outcome, ROWS) == by_assembler(frames, outcome, ROWS)


def test_tokens_of_parallel_calls_are_counted_apart() -> None:
    """Calls whose tokens come in turns have a first token and a number of tokens each."""
    script = Script()
    script.start("flow_started", flow_name="Parallel")
    branches = [script.fork() for _ in range(3)]
    for number, branch in enumerate(branches):
        branch.start("llm_call_started", call_id=f"call {number}", model="m")
    for turn in range(10):
        for number, branch in enumerate(branches[: 3 if turn < 5 else 2]):
            branch.emit("llm_stream_chunk", call_id=f"call {number}", chunk="x")
    for number, branch in enumerate(branches):
        branch.end("llm_call_completed", call_id=f"call {number}")

    rows = rows_of(script.frames, Outcome("completed", LATER_NS))

    assert [(row.call_id, row.first_chunk_ns, row.chunks, row.duration_ns) for row in rows[:3]] == [
        ("call 0", 3_000_000, 10, 28_000_000),
        ("call 1", 3_000_000, 10, 28_000_000),
        ("call 2", 3_000_000, 5, 28_000_000),
    ]


def streamed(tokens: int) -> tuple[Script, list[StreamFrame]]:
    """A script inside an LLM call, and its tokens."""
    script = Script()
    script.start("flow_started", flow_name="Story")
    script.start("llm_call_started", call_id="c", model="m")
    return script, [script.emit("llm_stream_chunk", call_id="c", chunk="x") for _ in range(tokens)]


@pytest.mark.parametrize("back", [1, 2, 50, spanrows.REMEMBERED_TOKENS])
def test_what_follows_a_token_is_in_its_call(back: int) -> None:
    """A frame of another context is placed by the token that it follows, without an anomaly."""
    script, tokens = streamed(300)
    call = script.frames[1]
    tool = make_frame("tool_usage_started", id="t", parent=call.id, previous=tokens[-back].id, at_ms=400)

    rows = rows_of([*script.frames, tool], Outcome("cancelled", LATER_NS))

    assert [(row.name, row.parent_span_id) for row in rows] == [
        ("execute_tool", f"{ids.span_id('f0', call.id):016x}"),
        ("chat m", f"{ids.span_id('f0', 'f0'):016x}"),
        ("invoke_workflow Story", None),
    ]
    assert [key for key in json.loads(rows[-1].attributes) if key.startswith(names.ANOMALY_PREFIX)] == [
        names.ANOMALY_PREFIX + "left_open"
    ]


def test_most_tokens_are_not_assembled(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 5,000 tokens of one call the assembler sees one."""
    seen: list[str] = []
    feed = SpanAssembler.feed

    def noted(self: SpanAssembler, frame: FrameLike) -> list[Operation]:
        seen.append(frame.type)
        return feed(self, frame)

    monkeypatch.setattr(SpanAssembler, "feed", noted)
    spans = SpanRows()
    for frame in golden("20_long_5000_chunks"):
        spans.feed(frame)

    assert (len(seen), seen.count("llm_stream_chunk")) == (8, 1)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls a session makes, and however many tokens each has, rows need no more memory."""
    for module, name in (
        (spanrows, "REMEMBERED"),
        (scopes, "REMEMBERED_FRAMES"),
        (scopes, "REMEMBERED_SCOPES"),
    ):
        monkeypatch.setattr(module, name, 100)
    script, spans = Script(), SpanRows()
    fed = [spans.feed(script.start("flow_started", flow_name="Long"))]
    most: list[tuple[int, int]] = []
    for round_of_calls in range(1, 5):
        sizes = []
        for call in range(100):
            script.start("llm_call_started", call_id=f"{round_of_calls} {call}")
            for _ in range(10):
                script.emit("llm_stream_chunk", call_id=f"{round_of_calls} {call}")
            script.end("llm_call_completed", call_id=f"{round_of_calls} {call}")
            fed += [spans.feed(frame) for frame in script.frames[-12:]]
            sizes.append(sizes_of(spans) if call % 5 == 0 else (0, 0))
        most.append(max(sizes))

    assert (sum(map(len, fed)), max(most[2:]) <= most[1]) == (400, True)


def test_rows_end_once() -> None:
    """After the end there is nothing more, whatever comes."""
    script, _ = streamed(3)
    spans = SpanRows()
    for frame in script.frames:
        spans.feed(frame)
    first = spans.close(Outcome("completed", LATER_NS))

    again = [spans.close(Outcome("completed", LATER_NS)), spans.feed(script.emit("llm_stream_chunk"))]
    assert (len(first), again) == (2, [[], []])


def columns_of(row: SpanRow) -> dict[str, object]:
    """The columns of a row that say something, without its attributes."""
    return {
        name: value
        for name, value in row._asdict().items()
        if value is not None and name not in ("attributes", "error_message")
    }


def test_columns_of_an_llm_call(golden: Golden) -> None:
    """Every column about a call is filled: who asked which model, what it took, when the first token came."""
    frames = golden("05_crew_two_agents_tools")
    row = rows_of(frames, Outcome("completed", timestamp_ns(frames[-1])))[0]

    assert columns_of(row) == {
        "span_id": "cd5d5e55b59f4625",
        "parent_span_id": "79e719c2651734f9",
        "name": "chat gpt-4o-mini",
        "operation": "chat",
        "frame_id": "10f54a32-67bb-44c4-8942-df9cf7fb40e5",
        "frame_type": "llm_call_started",
        "started_at": datetime(2026, 11, 20, 15, 42, 49, 271476),
        "ended_at": datetime(2026, 11, 20, 15, 42, 50, 94533),
        "duration_ns": 823_057_000,
        "left_open": False,
        "within_tool": False,
        "model": "gpt-4o-mini",
        "provider": "openai",
        "agent": "Researcher",
        "task": "research",
        "call_id": "1863aa26-02db-4b52-a675-7a24d8c5ce35",
        "finish_reason": "tool_calls",
        "input_tokens": 69,
        "output_tokens": 8,
        "cached_tokens": 6,
        "reasoning_tokens": 0,
        "first_chunk_ns": 819_227_000,
        "chunks": 3,
    }
    assert json.loads(row.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "crewai.llm.call_id": "1863aa26-02db-4b52-a675-7a24d8c5ce35",
        "crewai.agent.role": "Researcher",
        "gen_ai.request.stream": True,
        "gen_ai.request.stop_sequences": ["\nObservation:"],
        "server.address": "127.0.0.1",
        "server.port": 41493,
        "crewai.frame.id": "10f54a32-67bb-44c4-8942-df9cf7fb40e5",
        "crewai.frame.type": "llm_call_started",
        "crewai.frame.seq": 9,
        "gen_ai.response.id": "chatcmpl-3428a9ce8a4c3c052b832956",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 69,
        "gen_ai.usage.output_tokens": 8,
        "gen_ai.usage.cache_read.input_tokens": 6,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "otelstream.chunks": 3,
        "gen_ai.response.time_to_first_chunk": 0.819227,
    }


def test_columns_of_a_failed_tool(golden: Golden) -> None:
    """A tool call says which agent called which tool for which task, and why it failed."""
    frames = golden("06_tool_raises")
    row = rows_of(frames, Outcome("completed", timestamp_ns(frames[-1])))[1]

    assert (row.error_message, columns_of(row)) == (
        "RuntimeError('tool exploded: test')",
        {
            "span_id": row.span_id,
            "parent_span_id": row.parent_span_id,
            "name": "execute_tool explode",
            "operation": "execute_tool",
            "frame_id": row.frame_id,
            "frame_type": "tool_usage_started",
            "started_at": row.started_at,
            "ended_at": row.ended_at,
            "duration_ns": 429_000,
            "left_open": False,
            "error_type": "RuntimeError",
            "agent": "Breaker",
            "task": "break",
            "tool": "explode",
            "within_tool": False,
        },
    )


def test_agents_and_tasks_pass_to_what_is_inside(golden: Golden) -> None:
    """Whatever is inside an agent's work has its role, and whatever is inside a named task its name."""
    frames = golden("25_mcp_tool")
    rows = rows_of(frames, Outcome("completed", timestamp_ns(frames[-1])))

    assert [(row.operation, row.agent, row.task) for row in rows] == [
        ("mcp_connection", None, None),
        ("chat", "Mcp", "mcp"),
        ("mcp_connection", "Mcp", "mcp"),
        ("execute_tool", "Mcp", "mcp"),
        ("execute_tool", "Mcp", "mcp"),
        ("chat", "Mcp", "mcp"),
        ("invoke_agent", "Mcp", "mcp"),
        ("task", None, "mcp"),
        ("invoke_workflow", None, None),
        ("method", None, None),
        ("invoke_workflow", None, None),
    ]


def test_a_tool_that_stands_for_another_is_around_it(golden: Golden) -> None:
    """Of an MCP tool and the runtime's tool that calls it, the first is within the second."""
    frames = golden("25_mcp_tool")
    rows = rows_of(frames, Outcome("completed", timestamp_ns(frames[-1])))

    assert [(row.frame_type, row.within_tool) for row in rows if row.operation == "execute_tool"] == [
        ("mcp_tool_execution_started", True),
        ("tool_usage_started", False),
    ]


@pytest.mark.parametrize(
    ("told", "stored"), [(7, 7), (7.0, 7), (7.5, None), (1e300, None), (float("nan"), None), ("7", None)]
)
def test_counts_are_integers(told: object, stored: int | None) -> None:
    """Only a whole number of tokens that fits the column is stored in it."""
    script = Script()
    script.start("llm_call_started", call_id="c")
    script.end("llm_call_completed", call_id="c", usage={"prompt_tokens": told})

    assert rows_of(script.frames, Outcome("completed", LATER_NS))[0].input_tokens == stored


def test_any_time_of_the_calendar_has_a_row() -> None:
    """A time that is outside of the calendar in UTC is its first or last one, and no duration overflows."""
    east, west = timezone(timedelta(hours=5)), timezone(timedelta(hours=-5))
    start = make_frame("flow_started").model_copy(update={"timestamp": datetime(1, 1, 1, tzinfo=east)})
    end = make_frame("flow_finished", id="f1", data={"started_event_id": "f0"}).model_copy(
        update={"timestamp": datetime(9999, 12, 31, 23, tzinfo=west)}
    )
    row = rows_of([start, end], Outcome("completed", LATER_NS))[0]

    assert (row.started_at, row.ended_at, row.duration_ns) == (datetime.min, datetime.max, 2**63 - 1)
