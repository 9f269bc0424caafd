"""Sessions that are closed by somebody else than who iterates them, while that one waits for a frame."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.frame import StreamFrame
from tests.contract.programs import (
    DONE,
    Async,
    Status,
    Sync,
    aconsume,
    consume,
    frame,
    json_of,
    settle,
    status_of,
)

THREE = [frame(0), frame(1), frame(2)]
FINISHED = Status(completed=True, exhausted=True, cancelled=True, result=DONE)

each_stage = pytest.mark.parametrize("stage", ["live", "observed"])


def close_while_a_thread_waits(stage: str, path: Path) -> Sync:
    """Consume a session in a thread, and close it from this one while the program has no frame to give."""
    waits, goes_on = threading.Event(), threading.Event()

    def run() -> Iterator[StreamFrame]:
        yield THREE[0]
        waits.set()
        goes_on.wait(timeout=30)
        yield from THREE[1:]
        session._set_result(DONE)

    session: Sync = recorder.StreamSession(sync_iterator=run())
    used = otelstream.observe(session, record=path) if stage == "observed" else session
    thread = threading.Thread(target=consume, args=(used,))
    thread.start()
    waits.wait(timeout=30)
    with pytest.raises(ValueError, match="generator already executing"):
        used.close()
    goes_on.set()
    thread.join()
    return used


async def close_while_a_task_waits(stage: str, path: Path) -> Async:
    """Consume a session in a task, and close it from this one while the program has no frame to give."""
    waits, goes_on = asyncio.Event(), asyncio.Event()

    async def run() -> AsyncIterator[StreamFrame]:
        yield THREE[0]
        waits.set()
        await goes_on.wait()
        yield THREE[1]
        yield THREE[2]
        session._set_result(DONE)

    session: Async = recorder.AsyncStreamSession(async_iterator=run())
    used = otelstream.observe(session, record=path) if stage == "observed" else session
    task = asyncio.create_task(aconsume(used))
    await waits.wait()
    with pytest.raises(RuntimeError, match="asynchronous generator is already running"):
        await used.aclose()
    goes_on.set()
    await task
    await settle()
    return used


@each_stage
def test_a_refused_close_does_not_end_the_run(stage: str, tmp_path: Path) -> None:
    """A generator cannot be closed while it runs: the loop gets its frames, and the session its result."""
    session = close_while_a_thread_waits(stage, tmp_path / "run.duckdb")

    assert (session.frames, status_of(session)) == (THREE, FINISHED)


@each_stage
def test_a_refused_asynchronous_close_does_not_end_the_run(stage: str, tmp_path: Path) -> None:
    """A generator cannot be closed while it runs: the loop gets its frames, and the session its result."""
    session = asyncio.run(close_while_a_task_waits(stage, tmp_path / "run.duckdb"))

    assert (session.frames, status_of(session)) == (THREE, FINISHED)


def test_frames_after_a_refused_close_are_recorded(tmp_path: Path) -> None:
    """What the program saw is what the recording holds, or else the loss is counted."""
    session = close_while_a_thread_waits("observed", tmp_path / "run.duckdb")
    otelstream.flush()

    assert json_of(recorder.replay(tmp_path / "run.duckdb")) == json_of(session.frames)
