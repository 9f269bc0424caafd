"""What a session with `async for` says of itself in every state it can be in."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.conftest import Kind
from tests.contract.programs import (
    DONE,
    FAILED,
    NO_RESULT,
    NOT_YET,
    RAISED,
    TYPES,
    Async,
    Status,
    aconsume,
    settle,
    status_of,
    types_of,
)


async def first(session: Async) -> None:
    """Take one frame and leave the loop."""
    async for _ in session:
        break
    await settle()


async def left_by_exception(session: Async) -> None:
    """Leave the loop and the context by an exception."""
    async with session:
        async for _ in session:
            raise KeyError("of the loop")


def test_before_the_first_frame(kind: Kind) -> None:
    """Asking for the result too early is an error that says what to do."""

    async def status() -> Status:
        return status_of(kind.astream(kind.world.works))

    assert asyncio.run(status()) == Status(completed=False, exhausted=False, cancelled=False, result=NOT_YET)


def test_between_two_frames(kind: Kind) -> None:
    """A session that is being iterated has no result yet."""

    async def status() -> Status:
        session = kind.astream(kind.world.works)
        frames = session.events
        await frames.__anext__()
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=False, exhausted=False, cancelled=False, result=NOT_YET)


def test_after_the_last_frame(kind: Kind) -> None:
    """A session that was consumed has its result."""

    async def status() -> Status:
        session = kind.astream(kind.world.works)
        await aconsume(session)
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_after_an_error(kind: Kind) -> None:
    """A failed session is completed, not exhausted, and its result is the exception."""

    async def status() -> Status:
        session = kind.astream(kind.world.fails)
        await aconsume(session)
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=False, result=RAISED)


def test_after_break(kind: Kind) -> None:
    """Leaving the loop completes a session without exhausting it."""

    async def status() -> Status:
        session = kind.astream(kind.world.waits)
        await first(session)
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=False, result=NO_RESULT)


def test_iterating_again_after_break_yields_the_rest(kind: Kind) -> None:
    """A second loop goes on where the first was left, and no frame is lost or repeated."""

    async def rest() -> list[str]:
        session = kind.astream(kind.world.works)
        await first(session)
        return types_of([frame async for frame in session])

    assert asyncio.run(rest()) == TYPES[1:]


def test_iterating_again_after_break_gives_the_result(kind: Kind) -> None:
    """After the second loop the session is as if there had been one."""

    async def status() -> Status:
        session = kind.astream(kind.world.works)
        await first(session)
        await aconsume(session)
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_iterating_a_failed_run_again_after_break_raises(kind: Kind) -> None:
    """The exception comes where it came live: behind the last frame, in whichever loop that is."""

    async def second_loop() -> list[str]:
        session = kind.astream(kind.world.fails)
        await first(session)
        with pytest.raises(ValueError, match=r"^boom$"):
            [frame async for frame in session]
        return types_of(session.frames)

    assert asyncio.run(second_loop()) == FAILED


def test_iterating_again_after_an_error_yields_nothing(kind: Kind) -> None:
    """A failed session has no more frames, and its result still raises."""

    async def second_loop() -> tuple[list[str], Status]:
        session = kind.astream(kind.world.fails)
        await aconsume(session)
        frames = [frame async for frame in session]
        return types_of(frames), status_of(session)

    assert asyncio.run(second_loop()) == (
        [],
        Status(completed=True, exhausted=True, cancelled=False, result=RAISED),
    )


def test_after_close_before_the_first_frame(kind: Kind) -> None:
    """A program that never started is cancelled without a result."""

    async def status() -> Status:
        session = kind.astream(kind.world.works)
        await session.aclose()
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)


def test_iterating_after_close_before_the_first_frame(kind: Kind) -> None:
    """A session that was closed unused is empty."""

    async def second_loop() -> tuple[list[str], Status]:
        session = kind.astream(kind.world.works)
        await session.aclose()
        frames = await aconsume(session)
        return types_of(frames), status_of(session)

    assert asyncio.run(second_loop()) == (
        [],
        Status(completed=True, exhausted=True, cancelled=True, result=NO_RESULT),
    )


def test_close_midway_gives_no_result(kind: Kind) -> None:
    """Closing cancels the run, so there will never be a result."""

    async def status() -> Status:
        session = kind.astream(kind.world.waits)
        await first(session)
        await session.aclose()
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)


def test_iterating_after_close_midway(kind: Kind) -> None:
    """A closed session has no more frames than were taken from it."""

    async def frames() -> list[str]:
        session = kind.astream(kind.world.waits)
        await first(session)
        await session.aclose()
        return types_of(await aconsume(session))

    assert asyncio.run(frames()) == TYPES[:1]


def test_close_after_the_last_frame(kind: Kind) -> None:
    """Closing a consumed session changes nothing."""

    async def status() -> Status:
        session = kind.astream(kind.world.works)
        await aconsume(session)
        await session.aclose()
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_close_after_an_error(kind: Kind) -> None:
    """Closing a failed session changes nothing."""

    async def status() -> Status:
        session = kind.astream(kind.world.fails)
        await aconsume(session)
        await session.aclose()
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=False, result=RAISED)


def test_leaving_the_context_early(kind: Kind) -> None:
    """The end of an `async with` closes a session that was not consumed."""

    async def status() -> Status:
        async with kind.astream(kind.world.waits) as session:
            await first(session)
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)


def test_leaving_the_context_after_the_last_frame(kind: Kind) -> None:
    """The end of an `async with` leaves a consumed session as it is."""

    async def status() -> Status:
        async with kind.astream(kind.world.works) as session:
            await aconsume(session)
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_leaving_the_context_by_an_exception_of_the_program(kind: Kind) -> None:
    """What the loop body raises reaches the program, and the session is closed on the way."""

    async def status() -> Status:
        session = kind.astream(kind.world.waits)
        with pytest.raises(KeyError, match="of the loop"):
            await left_by_exception(session)
        await settle()
        return status_of(session)

    assert asyncio.run(status()) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)
