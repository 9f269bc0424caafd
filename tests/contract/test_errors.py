"""A run that raises: the same exception, at the same place, from every kind of session."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from tests.contract.conftest import Kind
from tests.contract.programs import FAILED, Program, World, aconsume, types_of
from tests.contract.sessions import OrderRejectedError, caused
from tests.contract.transcripts import Raised, seen

VALUE_ERROR = Raised(ValueError, ("boom",), "boom")
REJECTED = Raised(
    OrderRejectedError, (7, "sold out"), "order 7 was rejected: sold out", attributes=(("order", 7),)
)
LOOKUP = Raised(LookupError, ("no such order",), "no such order", cause=REJECTED, suppress_context=True)


@cache  # so that each is recorded once
def program(world: World, expected: Raised) -> Program:
    """The program that fails as expected."""
    makers = {
        ValueError: lambda: ValueError("boom"),
        OrderRejectedError: lambda: OrderRejectedError(7, reason="sold out"),
        LookupError: lambda: caused(LookupError("no such order"), OrderRejectedError(7, reason="sold out")),
    }
    return world.raising(makers[expected.cls])


each_error = pytest.mark.parametrize(
    "expected", [VALUE_ERROR, REJECTED, LOOKUP], ids=["builtin", "own-class", "with-cause"]
)


@each_error
def test_the_exception_comes_behind_the_last_frame(kind: Kind, expected: Raised) -> None:
    """Type, arguments, text and cause are those of the run, and all frames came before it."""
    session = kind.stream(program(kind.world, expected))
    with pytest.raises(expected.cls) as raised:
        list(session)

    assert (seen(raised.value), types_of(session.frames)) == (expected, FAILED)


@each_error
def test_the_result_raises_the_same_exception(crewai_kind: Kind, expected: Raised) -> None:
    """The very object that ended the loop is raised again by `result`."""
    session = crewai_kind.stream(program(crewai_kind.world, expected))
    with pytest.raises(expected.cls) as raised:
        list(session)
    with pytest.raises(expected.cls) as again:
        _ = session.result

    assert again.value is raised.value


@each_error
def test_an_asynchronous_session_raises_the_same(crewai_kind: Kind, expected: Raised) -> None:
    """The exception comes behind the last frame, and from `result`."""

    async def both() -> list[Raised | None]:
        session = crewai_kind.astream(program(crewai_kind.world, expected))
        with pytest.raises(expected.cls) as raised:
            [frame async for frame in session]
        with pytest.raises(expected.cls) as again:
            _ = session.result
        return [seen(raised.value), seen(again.value)]

    assert asyncio.run(both()) == [expected, expected]


def test_a_projection_raises_too(crewai_kind: Kind) -> None:
    """The exception ends every projection, also one that shows none of the frames."""
    session = crewai_kind.stream(crewai_kind.world.fails)

    with pytest.raises(ValueError, match=r"^boom$"):
        list(session.tools)


def test_an_exception_leaves_the_context(crewai_kind: Kind) -> None:
    """A `with` around the loop lets the exception through."""
    with pytest.raises(ValueError, match=r"^boom$"), crewai_kind.stream(crewai_kind.world.fails) as session:
        list(session)


def test_the_recorded_frames_of_a_failed_run_come_asynchronously(crewai_kind: Kind) -> None:
    """No frame is lost because the run failed."""

    async def types() -> list[str]:
        return types_of(await aconsume(crewai_kind.astream(crewai_kind.world.fails)))

    assert asyncio.run(types()) == FAILED
