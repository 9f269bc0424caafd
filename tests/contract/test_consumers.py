"""Sessions in the hands of several threads and tasks, and sessions that nobody finishes."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

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
    stream,
)

MANY = [frame(number) for number in range(3_000)]
THREE = MANY[:3]

each_stage = pytest.mark.parametrize("stage", ["live", "observed"])


@pytest.fixture(scope="module", params=["duckdb", "jsonl"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 3,000 frames, recorded in one form or the other."""
    path = tmp_path_factory.mktemp("consumers") / f"run.{request.param}"
    consume(otelstream.observe(stream(MANY), record=path, redact=False))
    return path


def two_threads(stage: str, path: Path) -> tuple[Sync, object]:
    """Iterate a session in a thread, and in this one while that waits; return it and what it said then."""
    waits, goes_on = threading.Event(), threading.Event()

    def run() -> Iterator[StreamFrame]:
        yield THREE[0]
        waits.set()
        goes_on.wait(timeout=30)
        yield from THREE[1:]
        session._set_result(DONE)

    session: Sync = recorder.StreamSession(sync_iterator=run())
    used = otelstream.observe(session, record=path, redact=False) if stage == "observed" else session
    thread = threading.Thread(target=consume, args=(used,))
    thread.start()
    waits.wait(timeout=30)
    with pytest.raises(ValueError, match="generator already executing"):
        list(used)
    said = status_of(used)
    goes_on.set()
    thread.join()
    return used, said


async def two_tasks(stage: str, path: Path) -> tuple[Async, object]:
    """Do the same with two tasks."""
    waits, goes_on = asyncio.Event(), asyncio.Event()

    async def run() -> AsyncIterator[StreamFrame]:
        yield THREE[0]
        waits.set()
        await goes_on.wait()
        yield THREE[1]
        yield THREE[2]
        session._set_result(DONE)

    session: Async = recorder.AsyncStreamSession(async_iterator=run())
    used = otelstream.observe(session, record=path, redact=False) if stage == "observed" else session
    task = asyncio.create_task(aconsume(used))
    await waits.wait()
    with pytest.raises(RuntimeError, match="asynchronous generator is already running"):
        [each async for each in used]
    said = status_of(used)
    goes_on.set()
    await task
    await settle()
    return used, said


@each_stage
def test_a_second_thread_is_refused_and_the_first_goes_on(stage: str, tmp_path: Path) -> None:
    """The session says what the second was told, and the first gets all frames."""
    session, said = two_threads(stage, tmp_path / "run.duckdb")
    told = (ValueError, "generator already executing")

    assert (session.frames, said, status_of(session)) == (
        THREE,
        Status(completed=True, exhausted=False, cancelled=False, result=told),
        Status(completed=True, exhausted=True, cancelled=False, result=told),
    )


@each_stage
def test_a_second_task_is_refused_and_the_first_goes_on(stage: str, tmp_path: Path) -> None:
    """The session says what the second was told, and the first gets all frames."""
    session, said = asyncio.run(two_tasks(stage, tmp_path / "run.duckdb"))
    told = (RuntimeError, "anext(): asynchronous generator is already running")

    assert (session.frames, said, status_of(session)) == (
        THREE,
        Status(completed=True, exhausted=False, cancelled=False, result=told),
        Status(completed=True, exhausted=True, cancelled=False, result=told),
    )


def test_a_refused_thread_does_not_end_the_recording(tmp_path: Path) -> None:
    """The run is recorded to its end, and has its result."""
    session, _ = two_threads("observed", tmp_path / "run.duckdb")
    replayed = recorder.replay(tmp_path / "run.duckdb")

    assert (json_of(replayed), replayed.result) == (json_of(session.frames), DONE)


def test_a_refused_task_does_not_end_the_recording(tmp_path: Path) -> None:
    """The run is recorded to its end, and has its result."""
    session, _ = asyncio.run(two_tasks("observed", tmp_path / "run.duckdb"))
    replayed = recorder.replay(tmp_path / "run.duckdb")

    assert (json_of(replayed), replayed.result) == (json_of(session.frames), DONE)


def test_a_replay_is_iterated_in_another_thread(recorded: Path) -> None:
    """A session belongs to no thread: it may be begun in one and finished in another."""
    session = recorder.replay(recorded)
    frames = session.events
    taken = [next(frames)]
    thread = threading.Thread(target=lambda: taken.extend(frames))
    thread.start()
    thread.join()

    assert (json_of(taken), session.result) == (json_of(MANY), DONE)


def test_a_replay_is_closed_by_another_thread(recorded: Path) -> None:
    """Closed between two frames, the loop ends there, as a live one does."""
    session = recorder.replay(recorded)
    taken = []
    for each in session:
        taken.append(each)
        if len(taken) == 1_500:
            closing = threading.Thread(target=session.close)
            closing.start()
            closing.join()

    assert (len(taken), status_of(session)) == (
        1_500,
        Status(completed=True, exhausted=True, cancelled=True, result=DONE),
    )


def test_two_replays_of_a_recording_do_not_know_of_each_other(recorded: Path) -> None:
    """Two threads with a session each get all frames each."""
    taken: dict[int, list[str]] = {}

    def replay(number: int) -> None:
        taken[number] = json_of(recorder.replay(recorded))

    threads = [threading.Thread(target=replay, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken == {0: json_of(MANY), 1: json_of(MANY)}


def left_over(folder: Path) -> tuple[set[str], list[str]]:
    """What is open of a folder in this process, and what is in the place for temporary files."""
    gc.collect()
    links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    opened = {os.readlink(link) for link in links if link.is_symlink()}
    return {name for name in opened if name.startswith(str(folder))}, os.listdir(tempfile.gettempdir())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def begin(recorded: Path) -> None:
    """Begin a replay and forget it."""
    next(recorder.replay(recorded).events)


async def abegin(recorded: Path) -> None:
    """Begin an asynchronous replay and forget it."""
    await anext(recorder.areplay(recorded).events)


@pytest.mark.parametrize("way", ["unused", "begun", "closed unused", "begun in a loop that ends", "timed"])
def test_a_replay_that_nobody_finishes_leaves_nothing(way: str, recorded: Path, place: Path) -> None:
    """No file is open, no folder is left, and nobody is warned (warnings are errors here)."""
    ways: dict[str, Any] = {
        "unused": lambda: recorder.replay(recorded),
        "begun": lambda: begin(recorded),
        "closed unused": lambda: recorder.replay(recorded).close(),
        "begun in a loop that ends": lambda: asyncio.run(abegin(recorded)),
        "timed": lambda: next(recorder.replay(recorded, rate=1e9).events),
    }
    before = left_over(recorded.parent)
    ways[way]()

    assert left_over(recorded.parent) == before


def test_a_loop_may_be_closed_over_an_unfinished_replay(recorded: Path, place: Path) -> None:
    """A program that closes its loop by hand, and then forgets the session, hears nothing of it."""
    before = left_over(recorded.parent)
    loop = asyncio.new_event_loop()
    session = recorder.areplay(recorded)
    frames = session.events
    loop.run_until_complete(anext(frames))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    del session, frames

    assert left_over(recorded.parent) == before


def test_a_task_may_be_cancelled_while_a_replay_reads(recorded: Path, place: Path) -> None:
    """The cancellation reaches the program, and the file is let go."""
    before = left_over(recorded.parent)

    async def cancelled() -> Status:
        session = recorder.areplay(recorded)
        task = asyncio.create_task(aconsume(session))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await settle()
        return status_of(session)

    status = asyncio.run(cancelled())

    assert (status.completed, status.exhausted, left_over(recorded.parent)) == (True, False, before)
