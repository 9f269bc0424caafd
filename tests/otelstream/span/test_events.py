"""A frame as a span event, and what must never be in one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from otelstream.frame import StreamFrame
from otelstream.span import names
from otelstream.span.events import MAX_LEAVES, MAX_TEXT, envelope, event_of
from otelstream.span.model import AddEvent, AttributeValue, Operation
from otelstream.span.options import SpanOptions
from otelstream.span.rules import PAIRS
from otelstream.testing import START_NS, Script, assembled, make_frame

EVENT_TYPES: dict[str, dict[str, list[str]]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "event_types.json").read_text()
)

CONTENT = frozenset(
    {
        "agent",
        "agent_info",
        "chunk",
        "content",
        "context",
        "crew",
        "feedback",
        "formatted_answer",
        "inputs",
        "message",
        "messages",
        "output",
        "params",
        "query",
        "response",
        "result",
        "results",
        "state",
        "task",
        "task_description",
        "task_prompt",
        "tool_args",
        "tool_call",
        "tools",
        "user_message",
        "value",
    }
)
"""Fields of the runtime's events whose values are prompts, answers, arguments, state, or dumps of these."""

LEAKING = frozenset(
    {
        "artifact_description",
        "final_result",
        "guardrail",
        "key_information_learned",
        "memory_content",
        "plan",
        "plan_step_description",
        "replan_reason",
        "retrieved_knowledge",
        "step_description",
    }
)
"""Such fields that are texts which a model wrote about its plan, its memory or its result."""

ALL_CHUNKS = SpanOptions(chunk_events="all")
CANARY = "canary-7f3a"
CANARIES: list[object] = [CANARY, {"inner": {"text": CANARY}}, [{"text": CANARY}]]


def content_fields(frame_type: str, kinds: frozenset[str]) -> list[str]:
    """The fields of a type that are content."""
    return [name for name in EVENT_TYPES.get(frame_type, {}).get("fields", []) if name in kinds]


def cases(kinds: frozenset[str]) -> list[str]:
    """The types that have content of those kinds."""
    return [frame_type for frame_type in EVENT_TYPES if content_fields(frame_type, kinds)]


def in_every_place(frame_type: str, data: dict[str, object]) -> list[StreamFrame]:
    """A session with that frame as what it is, as an end without a start, as a second end, and before all."""
    script = Script()
    script.emit(frame_type, **data)
    script.start("flow_started", flow_name="F")
    script.emit(frame_type, **data)
    for pair in PAIRS:
        if frame_type in (pair.start, *pair.ends, *pair.fails):
            script.start(pair.start, **(data if frame_type == pair.start else {}))
            for end in pair.ends + pair.fails:
                script.emit(end, **(data if frame_type == end else {}))
    script.start("agent_execution_started")
    script.start("flow_started", flow_name="AgentExecutor", inputs={"text": CANARY})
    script.emit(frame_type, **data)
    script.end("flow_finished", flow_name="AgentExecutor", result=CANARY, state={"id": "s1", "text": CANARY})
    return script.frames


def leaks(frame_type: str, kinds: frozenset[str]) -> set[str]:
    """The content fields of a type whose values are found in the operations."""
    return {
        name
        for name in content_fields(frame_type, kinds)
        for canary in CANARIES
        if CANARY in repr(assembled(in_every_place(frame_type, {name: canary}), options=ALL_CHUNKS))
    }


@pytest.mark.parametrize("frame_type", cases(CONTENT))
def test_content_is_not_exported(frame_type: str) -> None:
    """No prompt, answer, argument, input or state is in any operation, wherever the frame stands."""
    assert leaks(frame_type, CONTENT) == set()


def test_texts_of_plans_and_memories_are_not_exported() -> None:
    """What a model planned, learned or remembered is content like its answers."""
    leaking = {frame_type: leaks(frame_type, LEAKING) for frame_type in cases(LEAKING)}
    assert {frame_type: fields for frame_type, fields in leaking.items() if fields} == {}


def test_no_content_of_a_dump_is_exported() -> None:
    """Of an agent only id, role and goal are told, of a task only id and name."""
    secret = {"text": CANARY, "api_key": CANARY}
    agent = {"id": "a1", "role": "Writer", "goal": "Write", "backstory": CANARY, "llm": secret}
    task = {"id": "t1", "name": "write", "description": CANARY, "expected_output": CANARY, "agent": agent}
    script = Script()
    script.start("crew_kickoff_started", crew_name="c", inputs=secret, crew=secret)
    script.start("task_started", task_name=CANARY, task=task, context=CANARY)
    script.start("agent_execution_started", agent=agent, task=task, task_prompt=CANARY, tools=[secret])
    script.emit("agent_logs_started", agent_role="Writer", task_description=CANARY)
    script.end("agent_execution_completed", agent=agent, output=CANARY)
    script.end("task_completed", task_name=CANARY, task=task, output=secret)
    script.end("crew_kickoff_completed", crew_name="c", output=secret, total_tokens=1)
    assert CANARY not in repr(assembled(script.frames))


def events_in(operations: list[Operation]) -> Iterator[AddEvent]:
    """The events among operations."""
    return (one for one in operations if isinstance(one, AddEvent))


def data_of(data: Mapping[str, object]) -> dict[str, AttributeValue]:
    """What a frame's data adds to its envelope."""
    attributes = dict(event_of(make_frame("tick", data=data), "span").attributes)
    return {key: value for key, value in attributes.items() if not key.startswith("crewai.frame.")}


def test_an_event_is_this() -> None:
    """The frame's own type and time, its envelope, and the leaves of its data."""
    frame = make_frame(
        "checkpoint_completed",
        id="f7",
        previous="f6",
        at_ms=1.5,
        seq=8,
        data={"branch": "main", "duration_ms": 0.5, "removed_count": 2, "is_last": False, "trigger": None},
    )
    assert event_of(frame, "span") == AddEvent(
        "span",
        "checkpoint_completed",
        START_NS + 1_500_000,
        {
            "crewai.frame.id": "f7",
            "crewai.frame.type": "checkpoint_completed",
            "crewai.frame.seq": 8,
            "crewai.frame.previous_id": "f6",
            "crewai.data.branch": "main",
            "crewai.data.duration_ms": 0.5,
            "crewai.data.removed_count": 2,
            "crewai.data.is_last": False,
        },
    )


def test_the_common_keys_are_not_repeated() -> None:
    """What the enclosing spans say already is neither exported nor counted."""
    assert data_of({"task_name": "t", "agent_role": "r", "started_event_id": "f1", "source_type": "a"}) == {}


def test_nested_data_becomes_paths() -> None:
    """Keys are joined by dots, to the third level; what lies deeper is counted."""
    data = {"a": {"b": {"c": 1, "d": {"e": 2, "f": 3}}}}
    assert data_of(data) == {"crewai.data.a.b.c": 1, "otelstream.data.omitted": 2}


def test_empty_values_are_nothing() -> None:
    """Null, empty text, list and mapping are neither exported nor counted; zero and false are values."""
    data: dict[str, object] = {"a": None, "b": "", "c": [], "d": {}, "e": {"f": None}, "zero": 0, "no": False}
    assert data_of(data) == {"crewai.data.zero": 0, "crewai.data.no": False}


def test_what_is_left_out_is_counted() -> None:
    """Content, lists and integers beyond 64 bits stay out, each counted once."""
    data = {"message": "hello", "state": {"a": 1, "b": 2}, "items": [1, 2], "big": 2**64, "kept": 1}
    assert data_of(data) == {"crewai.data.kept": 1, "otelstream.data.omitted": 4}


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (MAX_TEXT, {"crewai.data.note": "x" * 256}),
        (MAX_TEXT + 1, {"otelstream.data.omitted": 1}),
        (1_000_000, {"otelstream.data.omitted": 1}),
    ],
)
def test_a_long_string_is_content(length: int, expected: dict[str, AttributeValue]) -> None:
    """A text longer than a label is not exported, whatever its key."""
    assert data_of({"note": "x" * length}) == expected


def test_an_event_has_a_limited_size() -> None:
    """The envelope and the first leaves fill 32 attributes; the others are counted."""
    frame = make_frame("tick", id="f1", seq=1, data={f"k{number}": number for number in range(100)})
    attributes = event_of(frame, "span").attributes
    kept = {f"crewai.data.k{number}": number for number in range(MAX_LEAVES - 4)}
    assert attributes == {
        "crewai.frame.id": "f1",
        "crewai.frame.type": "tick",
        "crewai.frame.seq": 1,
        "crewai.frame.previous_id": "",
        **kept,
        "otelstream.data.omitted": 72,
    }


def test_odd_text_can_be_carried() -> None:
    """Lone surrogates in ids, types, keys and values are spelled out."""
    frame = make_frame("t\ud800", id="i\ud800", data={"k\ud800": "v\ud800"})
    assert event_of(frame, "span") == AddEvent(
        "span",
        "t\\ud800",
        START_NS,
        {
            "crewai.frame.id": "i\\ud800",
            "crewai.frame.type": "t\\ud800",
            "crewai.frame.previous_id": "",
            "crewai.data.k\\ud800": "v\\ud800",
        },
    )


def test_a_frame_without_a_type_is_an_event() -> None:
    """An event has a name, even where the frame has none."""
    assert event_of(make_frame("", data={"": 1}), "span") == AddEvent(
        "span",
        "frame",
        START_NS,
        {
            "crewai.frame.id": "f0",
            "crewai.frame.type": "",
            "crewai.frame.previous_id": "",
            "crewai.data._": 1,
        },
    )


@pytest.mark.parametrize("seq", [None, 2**64])
def test_a_seq_that_is_no_number_is_left_out(seq: int | None) -> None:
    """The envelope has a seq only where OTLP can carry it."""
    assert envelope(make_frame("tick", seq=seq)) == {names.FRAME_ID: "f0", names.FRAME_TYPE: "tick"}
