"""The views of a recording: over every golden stream they say what the frames themselves say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest

import recorder
from otelstream.bridge.spanrows import SpanRows
from otelstream.frame import Outcome, StreamFrame, timestamp_ns
from otelstream.span.rules import CHUNKS, RULES, Role
from recorder import Answer
from tests.conftest import NAMES, frames_of
from tests.recorder.recordings import end, session_id, start, writing

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]
Sql = Callable[..., Answer]

CALL_ENDS: Final = ("llm_call_completed", "llm_call_failed")
TOOL_STARTS: Final = ("tool_usage_started", "mcp_tool_execution_started")
TOOL_ENDS: Final = (
    *("tool_usage_finished", "tool_usage_error"),
    *("mcp_tool_execution_completed", "mcp_tool_execution_failed"),
)


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sql]:
    """Asks one recording with a session for each golden stream, and its spans; it stays open meanwhile."""
    path = tmp_path_factory.mktemp("views") / "golden.duckdb"
    with writing(path) as writer:
        for number, name in enumerate(NAMES):
            frames, rows, key = frames_of(name), SpanRows(), session_id(number)
            writer.begin(start(number))
            for ordinal, each in enumerate(frames):
                writer.add(key, ordinal, ordinal * 1_000, each)
                writer.add_spans(key, rows.feed(each))
            writer.add_spans(key, rows.close(Outcome("completed", timestamp_ns(frames[-1]))))
            writer.end(key, end(len(frames)))
            writer.flush()
    with recorder.open(path) as opened, opened.connection() as connection:
        yield partial(Answer, lambda: nullcontext(connection))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each golden stream in turn."""
    return str(request.param)


@pytest.fixture
def frames(name: str) -> tuple[StreamFrame, ...]:
    """Its frames."""
    return frames_of(name)


@pytest.fixture
def ask(sql: Sql, name: str) -> Ask:
    """What a view says of its session; `{}` stands for the condition."""
    key: UUID = session_id(NAMES.index(name))
    return lambda query: sql(query.format("WHERE session_id = $1"), [key]).dicts()


def in_utc(moment: datetime) -> datetime:
    """A time as the views tell it."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def seconds(first: StreamFrame, last: StreamFrame) -> float:
    """The time between two frames."""
    return (timestamp_ns(last) - timestamp_ns(first)) / 1e9


def calls_of(frames: tuple[StreamFrame, ...]) -> list[Row]:
    """The LLM calls of a stream, as its frames tell them."""
    found = []
    for first in (each for each in frames if each.type == "llm_call_started"):
        own = [each for each in frames if each.data.get("call_id") == first.data["call_id"]]
        last = next((each for each in own if each.type in CALL_ENDS), None)
        chunks = [each for each in own if each.type in CHUNKS]
        usage = (last.data.get("usage") if last else None) or {}
        row: Row = {
            "call_id": first.data["call_id"],
            "model": first.data["model"],
            "started_at": in_utc(first.timestamp),
            "input_tokens": usage.get("prompt_tokens"),
            "output_tokens": usage.get("completion_tokens"),
            "chunks": len(chunks),
            "time_to_first_chunk_s": seconds(first, chunks[0]) if chunks else None,
            "left_open": last is None,
        }
        if last is not None:
            row["duration_s"] = seconds(first, last)
            row["failed"] = last.type == "llm_call_failed"
        found.append(row)
    return found


def test_frames(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """Every field of the envelope, and the data, in the order of arrival."""
    rows = ask("FROM frames {} ORDER BY ordinal")

    assert [
        (
            *(row["id"], row["seq"], row["type"], row["channel"], row["namespace"], row["timestamp"]),
            *(row["parent_id"], row["previous_id"], json.loads(row["data"])),
        )
        for row in rows
    ] == [
        (
            *(each.id, each.seq, each.type, each.channel, each.namespace, in_utc(each.timestamp)),
            *(each.parent_id, each.previous_id, each.data),
        )
        for each in frames
    ]


def test_llm_calls(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """One row for each call, with the tokens, times and counts that its frames tell."""
    expected = calls_of(frames)
    rows = ask("SELECT *, error_type IS NOT NULL AS failed FROM llm_calls {} ORDER BY started_at, call_id")
    told = [{key: row[key] for key in wanted} for row, wanted in zip(rows, expected, strict=True)]

    assert told == [
        {key: pytest.approx(value) if isinstance(value, float) else value for key, value in row.items()}
        for row in expected
    ]


def test_tokens(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """One row for each token frame, with the time since the call's token before."""
    expected: list[tuple[object, ...]] = []
    last: dict[str, int] = {}
    for ordinal, each in enumerate(frames):
        if each.type in CHUNKS:
            call, now = each.data["call_id"], timestamp_ns(each)
            gap = now - last[call] if call in last else None
            last[call] = now
            tool_call = each.data.get("tool_call")
            expected.append((ordinal, call, in_utc(each.timestamp), each.data["chunk"], gap, tool_call))
    rows = ask("FROM tokens {} ORDER BY ordinal")

    assert [
        (
            *(row["ordinal"], row["call_id"], row["time"], row["text"], row["gap_ns"]),
            None if row["tool_call"] is None else json.loads(row["tool_call"]),
        )
        for row in rows
    ] == expected


def test_tool_calls(ask: Ask, name: str, frames: tuple[StreamFrame, ...]) -> None:
    """One row for each call of a tool, of an MCP tool the one around, with arguments, result and time."""
    expected: list[tuple[object, ...]] = []
    ends = {each.data.get("started_event_id"): each for each in frames if each.type in TOOL_ENDS}
    tools = {each.id for each in frames if each.type in TOOL_STARTS}
    for first in frames:
        if first.type in TOOL_STARTS and first.parent_id not in tools:
            last = ends[first.id]
            expected.append(
                (
                    *(first.data["tool_name"], first.data["tool_args"], seconds(first, last)),
                    last.data.get("output", last.data.get("result")),
                    last.type.endswith(("_error", "_failed")),
                )
            )
    rows = ask("FROM tool_calls {} ORDER BY started_at, span_id")

    assert [
        (
            *(row["tool"], json.loads(row["arguments"]), pytest.approx(row["duration_s"])),
            *(row["result"], row["error_type"] is not None),
        )
        for row in rows
    ] == expected


def test_tasks(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """One row for each task, with what was asked for and what was answered."""
    ends = {
        each.data.get("started_event_id"): each
        for each in frames
        if each.type in ("task_completed", "task_failed")
    }
    expected = []
    for first in (each for each in frames if each.type == "task_started"):
        output = ends[first.id].data.get("output") if first.id in ends else None
        expected.append(
            (
                *(first.data["task"]["description"], first.data["task"]["expected_output"]),
                *(in_utc(first.timestamp), output["raw"] if isinstance(output, dict) else None),
            )
        )
    rows = ask("FROM tasks {} ORDER BY started_at")

    assert [
        (row["description"], row["expected_output"], row["started_at"], row["output"]) for row in rows
    ] == expected


def test_messages(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """One row for each message of a prompt and for each answer."""
    expected: list[tuple[object, ...]] = []
    for ordinal, each in enumerate(frames):
        if each.type == "llm_call_started":
            messages = each.data["messages"]
            for place, one in enumerate(messages if isinstance(messages, list) else [messages], start=1):
                told = ("user", one) if isinstance(one, str) else (one["role"], one.get("content"))
                expected.append((ordinal, "prompt", place, *told))
        elif each.type == "llm_call_completed" and each.data["response"] is not None:
            answer = each.data["response"]
            expected.append(
                (ordinal, "response", 1, "assistant", answer if isinstance(answer, str) else None)
            )
    rows = ask("FROM messages {} ORDER BY ordinal, position")

    assert [
        (row["ordinal"], row["direction"], row["position"], row["role"], row["content"]) for row in rows
    ] == expected


def test_sessions(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """Its counts are those of the other views."""
    calls = ask("FROM llm_calls {}")
    spans = ask("FROM spans {}")
    (row,) = ask("FROM sessions {}")
    tokens = {
        key: sum(told) if (told := [call[key] for call in calls if call[key] is not None]) else None
        for key in ("input_tokens", "output_tokens")
    }

    assert {key: row[key] for key in ("frame_count", "span_count", "failed_spans", "llm_calls", *tokens)} == {
        "frame_count": len(frames),
        "span_count": len(spans),
        "failed_spans": sum(span["error_type"] is not None for span in spans),
        "llm_calls": len(calls),
        **tokens,
    }
    assert row["tool_calls"] == len(ask("FROM tool_calls {}"))


def test_spans(ask: Ask) -> None:
    """They are one tree, and none ends before it began."""
    rows = ask("FROM spans {}")
    known = {row["span_id"] for row in rows}
    outside = [row["parent_span_id"] for row in rows if row["parent_span_id"] not in known]

    assert (len(known), outside) == (len(rows), [None])
    assert [row["name"] for row in rows if row["duration_s"] < 0 or row["ended_at"] < row["started_at"]] == []


def test_agents(ask: Ask) -> None:
    """Its sums are those of the spans that have an agent."""
    spans = [row for row in ask("FROM spans {}") if row["agent"] is not None]
    expected = {}
    for role in {row["agent"] for row in spans}:
        own = [row for row in spans if row["agent"] == role]
        tools = [row for row in own if row["operation"] == "execute_tool" and not row["within_tool"]]
        works = [row for row in own if row["operation"] == "invoke_agent"]
        busy = [row["duration_s"] for row in works if not row["left_open"]]
        expected[role] = {
            "executions": len(works),
            "llm_calls": sum(row["operation"] == "chat" for row in own),
            "tool_calls": len(tools),
            "busy_s": pytest.approx(sum(busy)) if busy else None,
        }
    rows = ask("FROM agents {}")

    assert {row["agent"]: {key: row[key] for key in expected[row["agent"]]} for row in rows} == expected


def test_timeline(ask: Ask, frames: tuple[StreamFrame, ...]) -> None:
    """Every span, and every frame that is no part of one and says something, each once and at some depth."""
    known = {
        *RULES,
        *(row["type"] for row in ask("FROM frame_types WHERE role = 'minor' AND $1 IS NOT NULL")),
    }
    rows = ask("FROM timeline {}")
    events = sorted(row["name"] for row in rows if row["source"] == "frame")

    assert sum(row["source"] == "span" for row in rows) == len(ask("FROM spans {}"))
    assert events == sorted(each.type for each in frames if each.type not in known)
    assert [row for row in rows if row["depth"] is None] == []


def test_errors(ask: Ask) -> None:
    """Every failed span says what one of its rows says: no failure is hidden by another one's."""
    rows = ask("FROM errors {}")
    texts = [row["error_message"] or "" for row in rows]
    failed = [row for row in ask("FROM spans {}") if row["error_type"] is not None]

    assert [
        row["name"]
        for row in failed
        if not any(text in row["error_message"] or row["error_message"] in text for text in texts)
    ] == []


def test_frame_types_are_the_rules(sql: Sql) -> None:
    """The view names each type that means something to spans, with its part and its operation."""
    expected = {
        name: (
            "opens" if rule.role is Role.OPEN else "fails" if rule.failed else "closes",
            None if rule.kind is None else rule.kind.span_name,
        )
        for name, rule in RULES.items()
    }
    expected |= dict.fromkeys(CHUNKS, ("token", "chat"))

    assert {row[0]: row[1:] for row in sql("FROM frame_types WHERE role <> 'minor'").rows()} == expected


def test_every_column_of_a_view_says_what_it_is(sql: Sql) -> None:
    """No view and none of its columns is without a comment."""
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
    columns = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"

    assert (sql(views).rows(), sql(columns).rows()) == ([], [])
