"""A program that is cancelled while we wait in between gets what it would have got without us."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Any

import pytest

from otelstream.frame import FrameLike
from otelstream.source.session import EndState, Result, observed
from otelstream.testing import make_frame
from recorder import AsyncStreamSession

FRAMES = [make_frame("tick", id=f"f{number}") for number in range(3)]
IDS = [frame.id for frame in FRAMES]


class Slow:
    """A receiver that waits for ever, for room and for the end; it takes a frame when it is cut short.

    Attributes:
        waits: Set while it waits.
        has_room: Whether it does not wait for room.
    """

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.has_room = False
        self.got: list[str] = []
        self.states: list[EndState] = []

    def begin(self) -> None: ...

    def put(self, frame: FrameLike) -> None:
        raise AssertionError("would block the event loop")

    async def put_async(self, frame: FrameLike) -> None:
        try:
            if not self.has_room:
                await self._forever()
        finally:
            self.got.append(frame.id)

    def end(self, state: EndState, result: Result, error: BaseException | None) -> Future[None]:
        self.states.append(state)
        return Future()

    def abandon(self) -> None: ...

    def wait(self, done: Future[None]) -> None: ...

    async def wait_async(self, done: Future[None]) -> None:
        await self._forever()

    async def _forever(self) -> None:
        self.waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.waits.clear()


def observed_by(receiver: Slow) -> AsyncStreamSession[Any]:
    """Return a session of three frames and a result."""

    async def frames() -> AsyncIterator[Any]:
        for frame in FRAMES:
            yield frame
        session._set_result(4)

    session: AsyncStreamSession[Any] = AsyncStreamSession(async_iterator=frames())
    return observed(session, receiver)


def test_a_wait_that_takes_too_long_for_the_program_costs_no_frame() -> None:
    """`asyncio.wait_for` returns the frame, late, and the session goes on to its end."""

    async def run() -> tuple[list[str], object, Slow]:
        receiver = Slow()
        session = observed_by(receiver)
        iterator = session.__aiter__()
        got = [(await asyncio.wait_for(iterator.__anext__(), 0.01)).id for _ in FRAMES]
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(iterator.__anext__(), 0.01)
        return got, session.result, receiver

    got, result, receiver = asyncio.run(run())

    assert (got, result, receiver.got, receiver.states) == (IDS, 4, IDS, ["completed"])


def test_a_task_that_is_cancelled_is_cancelled_where_it_would_have_been() -> None:
    """It has the frame that was there, and the cancellation comes at its own next wait."""

    async def run() -> tuple[list[str], list[str], bool]:
        receiver, got, log = Slow(), list[str](), list[str]()

        async def program() -> None:
            async for frame in observed_by(receiver):
                got.append(frame.id)
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError as error:
                    log.append(*error.args)
                    raise

        task = asyncio.create_task(program())
        await receiver.waits.wait()
        task.cancel("the user left")
        await asyncio.wait({task})
        return got, log, task.cancelled()

    assert asyncio.run(run()) == (IDS[:1], ["the user left"], True)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there is no asyncio.timeout")
def test_a_timeout_around_the_loop_is_one() -> None:
    """It ends the loop with a `TimeoutError`, and not with a cancellation."""

    async def run() -> list[str]:
        receiver, got = Slow(), list[str]()
        try:
            async with asyncio.timeout(0.01):  # type: ignore[attr-defined,unused-ignore]  # mypy looks at 3.10
                async for frame in observed_by(receiver):
                    got.append(frame.id)
                    await asyncio.sleep(0)
        except TimeoutError:
            return [*got, "timed out"]
        return got

    assert asyncio.run(run()) == [IDS[0], "timed out"]


def test_a_task_that_is_cancelled_at_the_end_has_its_result() -> None:
    """The wait for the recording is cut short, and the program is cancelled after the loop."""

    async def run() -> tuple[object, bool]:
        receiver, results = Slow(), list[object]()

        async def program() -> None:
            session = observed_by(receiver)
            async for _ in session:
                pass
            results.append(session.result)
            await asyncio.Event().wait()

        receiver.has_room = True
        task = asyncio.create_task(program())
        await receiver.waits.wait()
        task.cancel()
        await asyncio.wait({task})
        return results, task.cancelled()

    assert asyncio.run(run()) == ([4], True)
