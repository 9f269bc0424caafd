"""What the assembler keeps of a session, however long it gets: counted in values, not in bytes or seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from otelstream.frame import Outcome, StreamFrame
from otelstream.span import scopes
from otelstream.span.assembler import SpanAssembler
from otelstream.span.options import SpanOptions
from otelstream.span.rules import Kind, Pair
from otelstream.testing import START_NS, make_frame

ROWS = (Pair(Kind("upload", "upload"), "up_started", ("up_done",), key="file", encloses=False),)
OPTIONS = SpanOptions(content="SPAN_AND_EVENT", rows=ROWS)


def parts_of(value: object) -> Iterator[object]:
    """What an object holds: items, slots and attributes."""
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from value
    for kind in type(value).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            yield getattr(value, slot, None)
    yield from getattr(value, "__dict__", {}).values()


def sizes_of(whole: object) -> tuple[int, int]:
    """How many items all containers within reach of an object hold, and how many characters its texts."""
    seen: set[int] = set()
    waiting: list[object] = [whole]
    items = characters = 0
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type | StreamFrame | SpanOptions):
            continue
        seen.add(id(value))
        if isinstance(value, str):
            characters += len(value)
        elif not isinstance(value, int | float | None):
            items += len(value) if isinstance(value, dict | list | deque | set) else 0
            waiting.extend(parts_of(value))
    return items, characters


def calls(numbers: Iterable[int]) -> Iterator[StreamFrame]:
    """Model calls of a method each, one after the other: start, two chunks, an event, end."""
    for number in numbers:
        method, call = f"m{number}", f"c{number}"
        data: dict[str, Any] = {"call_id": call, "model": "gpt-4o-mini"}
        prompt = {**data, "messages": [{"role": "user", "content": f"{number} " * 50}]}
        yield make_frame("method_execution_started", id=method, parent="root", previous="root", at_ms=number)
        yield make_frame(
            "llm_call_started", id=call, parent=method, previous=method, at_ms=number, data=prompt
        )
        yield make_frame(
            "llm_stream_chunk", id=f"{call}a", parent=call, previous=call, at_ms=number, data=data
        )
        yield make_frame("tick", id=f"{call}b", parent=call, previous=f"{call}a", at_ms=number)
        end = {**data, "response": "y" * 100}
        yield make_frame(
            "llm_call_completed", id=f"{call}c", parent=method, previous=f"{call}b", at_ms=number, data=end
        )
        ended = {"started_event_id": method}
        yield make_frame(
            "method_execution_finished",
            id=f"{method}e",
            parent="root",
            previous=f"{call}c",
            at_ms=number,
            data=ended,
        )


def chain(numbers: Iterable[int]) -> Iterator[StreamFrame]:
    """One context that never ends: each frame follows the one before it, and each method its trigger."""
    for number in numbers:
        before = f"e{number - 1}" if number else "root"
        data = {"triggered_by_event_id": before, "state": {"id": "s1"}}
        yield make_frame(
            "method_execution_started",
            id=f"s{number}",
            parent="root",
            previous=before,
            at_ms=number,
            data=data,
        )
        yield make_frame(
            "method_execution_finished",
            id=f"e{number}",
            parent="root",
            previous=f"s{number}",
            at_ms=number,
            data={"started_event_id": f"s{number}"},
        )


def leaves(numbers: Iterable[int]) -> Iterator[StreamFrame]:
    """Pairs that stand beside what follows, each with a key of its own."""
    for number in numbers:
        data = {"file": f"file {number}"}
        yield make_frame(
            "up_started", id=f"s{number}", parent="root", previous="root", at_ms=number, data=data
        )
        yield make_frame(
            "up_done", id=f"e{number}", parent="root", previous=f"s{number}", at_ms=number, data=data
        )


def odd(numbers: Iterable[int]) -> Iterator[StreamFrame]:
    """Frames of which nothing fits: ends without starts, unknown parents, chunks of unknown calls."""
    for number in numbers:
        data = {"call_id": f"c{number}", "chunk": "x", "started_event_id": f"x{number}"}
        for name in ("llm_stream_chunk", "llm_call_completed", "task_completed", "tick"):
            yield make_frame(
                name,
                id=f"{name}{number}",
                parent=f"p{number}",
                previous=f"q{number}",
                at_ms=-number,
                data=data,
            )


@pytest.mark.parametrize(("session", "rounds"), [(calls, 300), (chain, 800), (leaves, 800), (odd, 400)])
def test_memory_does_not_grow_with_a_session(
    session: Callable[[Iterable[int]], Iterator[StreamFrame]], rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the oldest frames are forgotten, as many again make nothing larger.

    A tenth is remembered, so that a tenth of the frames is enough; below it is what it is by default.
    """
    monkeypatch.setattr(scopes, "REMEMBERED_FRAMES", scopes.REMEMBERED_FRAMES // 10)
    monkeypatch.setattr(scopes, "REMEMBERED_SCOPES", scopes.REMEMBERED_SCOPES // 10)
    monkeypatch.setattr("otelstream.span.assembler.MAX_EARLY", 100)
    assembler = SpanAssembler(OPTIONS)
    assembler.feed(make_frame("flow_started", id="root"))
    sizes = []
    for part in range(3):
        for frame in session(range(part * rounds, (part + 1) * rounds)):
            assembler.feed(frame)
        sizes.append(sizes_of(assembler))
    (_, _), (items, characters), (later_items, later_characters) = sizes
    # What is forgotten now and then comes in lots of less than fifty; one a round would be six times as much.
    assert (later_items <= items * 1.02 + 50, later_characters <= characters * 1.05) == (True, True), sizes


def test_a_long_session_leaves_little() -> None:
    """Thousands of short calls leave what is remembered of the last ones, and no content.

    That more of them leave no more is the test above; so many as fill every memory are enough here.
    """
    assembler = SpanAssembler(OPTIONS)
    assembler.feed(make_frame("flow_started", id="root"))
    for frame in calls(range(6_000)):
        assembler.feed(frame)
    items, characters = sizes_of(assembler)
    assert (items < 60_000, characters < 1_000_000) == (True, True), (items, characters)


def test_a_closed_session_keeps_no_span_open() -> None:
    """After `close` nothing waits for an end."""
    assembler = SpanAssembler(OPTIONS)
    assembler.feed(make_frame("flow_started", id="root"))
    for frame in list(calls(range(3)))[:-2]:
        assembler.feed(frame)
    assembler.close(Outcome("cancelled", START_NS))
    assert (assembler._open, assembler._budget._spans) == ({}, {})
