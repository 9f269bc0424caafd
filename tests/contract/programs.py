"""What the contract is tested on: programs that stream frames, here without CrewAI, and what sessions say.

This module must not import CrewAI: half of the contract is for programs that never load it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from otelstream.frame import StreamFrame, frame_json
from recorder import AsyncStreamSession, StreamSession

Sync = StreamSession[Any]
Async = AsyncStreamSession[Any]

BOOM: Final = "boom"
DONE: Final = "done"
GATE: Final = threading.Event()
"""Programs called `waits` stop after their first token until this is set."""

EVENTS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("flow_started", "flow", {}),
    ("method_execution_started", "flow", {}),
    ("llm_stream_chunk", "llm", {"chunk": "hello"}),
    ("llm_thinking_chunk", "llm", {"chunk": "thinking"}),
    ("conversation_message_added", "messages", {"content": "hello"}),
    ("tool_usage_started", "tools", {"tool_name": "search"}),
    ("method_execution_finished", "flow", {}),
    ("flow_finished", "flow", {}),
)
TYPES: Final = [type_ for type_, _, _ in EVENTS]
FAILED: Final = ["flow_started", "method_execution_started", "method_execution_failed", "flow_failed"]

NOT_YET: Final = (
    RuntimeError,
    "Streaming has not completed yet. Iterate over all frames before accessing result.",
)
NO_RESULT: Final = (RuntimeError, "No result available")
RAISED: Final = (ValueError, BOOM)


@dataclass(frozen=True)
class Program:
    """Something that can be run again and again: how to get a session that runs it."""

    stream: Callable[[], Sync]
    astream: Callable[[], Async]


@dataclass(frozen=True)
class World:
    """The same programs with or without CrewAI; `returning` and `raising` make further ones."""

    works: Program
    fails: Program
    waits: Program
    returning: Callable[[object], Program]
    raising: Callable[[Callable[[], Exception]], Program]


@dataclass(frozen=True)
class Status:
    """Everything that a session says of itself; a result that is not there, as the exception that says so."""

    completed: bool
    exhausted: bool
    cancelled: bool
    result: object


def status_of(session: Sync | Async) -> Status:
    """The flags and the result of a session, in whatever state it is."""
    return Status(session.is_completed, session.is_exhausted, session.is_cancelled, _result_of(session))


def _result_of(session: Sync | Async) -> object:
    try:
        return session.result
    except Exception as error:  # noqa: BLE001  any exception is what the session says
        return type(error), str(error)


def types_of(frames: Iterable[StreamFrame]) -> list[str]:
    """The frame types, without the one that names the coding agent CrewAI thinks it runs under."""
    return [frame.type for frame in frames if not frame.type.endswith("_env")]


def json_of(frames: Iterable[StreamFrame]) -> list[str]:
    """The JSON form of each frame."""
    return [frame_json(frame) for frame in frames]


def consume(session: Sync) -> list[StreamFrame]:
    """Iterate to the end, whatever it is, and return the frames."""
    with suppress(Exception):  # the session keeps it for `result`
        list(session)
    return session.frames


async def aconsume(session: Async) -> list[StreamFrame]:
    """Do the same with an asynchronous session."""
    with suppress(Exception):  # the session keeps it for `result`
        [frame async for frame in session]
    return session.frames


async def settle() -> None:
    """Let the event loop close generators that nobody holds any more."""
    for _ in range(5):
        await asyncio.sleep(0)


def frame(number: int = 0, **fields: Any) -> StreamFrame:  # noqa: ANN401  fields of any type
    """A token frame, a microsecond after the one before it; fields are not checked."""
    known = {
        "id": f"frame-{number}",
        "seq": number,
        "type": "llm_stream_chunk",
        "channel": "llm",
        "namespace": ["llm"],
        "timestamp": datetime(2026, 11, 20, tzinfo=timezone.utc) + timedelta(microseconds=number),
        "parent_id": None,
        "previous_id": f"frame-{number - 1}" if number else None,
        "data": {"chunk": f"{number} "},
    }
    return StreamFrame.model_construct(**{**known, **fields})


def stream(frames: Iterable[StreamFrame], result: object = DONE, error: Exception | None = None) -> Sync:
    """A session as CrewAI builds one: closing it early waits for the end of the run, which has a result."""

    def run() -> Iterator[StreamFrame]:
        try:
            yield from frames
            if error is not None:
                raise error
        finally:
            if error is None:
                session._set_result(result)

    session: Sync = StreamSession(sync_iterator=run())
    return session


def astream(frames: Iterable[StreamFrame], result: object = DONE, error: Exception | None = None) -> Async:
    """The same with `async for`: closing it early cancels the run, and there is no result."""

    async def run() -> AsyncIterator[StreamFrame]:
        for each in frames:
            yield each
        if error is not None:
            raise error
        session._set_result(result)

    session: Async = AsyncStreamSession(async_iterator=run())
    return session


def _frames(events: Iterable[tuple[str, str, dict[str, Any]]]) -> list[StreamFrame]:
    return [
        frame(number, type=type_, channel=channel, data=data)
        for number, (type_, channel, data) in enumerate(events)
    ]


def _returning(result: object) -> Program:
    frames = _frames(EVENTS)
    return Program(lambda: stream(frames, result), lambda: astream(frames, result))


def _raising(make: Callable[[], Exception]) -> Program:
    frames = _frames((type_, "flow", {}) for type_ in FAILED)
    return Program(lambda: stream(frames, error=make()), lambda: astream(frames, error=make()))


WITHOUT_CREWAI: Final = World(
    works=_returning(DONE),
    fails=_raising(lambda: ValueError(BOOM)),
    waits=_returning(DONE),
    returning=_returning,
    raising=_raising,
)
