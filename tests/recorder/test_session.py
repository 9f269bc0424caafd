"""Our own session classes, where CrewAI's contract leaves the recording aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from otelstream.frame import StreamFrame
from recorder import AsyncStreamSession, StreamSession
from tests.contract.programs import Async, Status, Sync, consume, frame, json_of, status_of

THREE = [frame(0), frame(1), frame(2)]


async def three() -> AsyncIterator[StreamFrame]:
    """Three frames."""
    for each in THREE:
        yield each


class Closable:
    """An iterator that counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Closable:
        return self

    def __next__(self) -> StreamFrame:
        return THREE[0]

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_any_iterator_makes_a_session() -> None:
    """A list of frames from anywhere can be iterated as a session."""
    session: Sync = StreamSession(sync_iterator=iter(THREE))

    assert json_of(session) == json_of(THREE)


def test_any_asynchronous_iterator_makes_a_session() -> None:
    """Frames from anywhere can be iterated as an asynchronous session."""
    session: Async = AsyncStreamSession(async_iterator=three())

    async def frames() -> list[str]:
        return json_of([each async for each in session])

    assert asyncio.run(frames()) == json_of(THREE)


def test_a_session_without_an_iterator() -> None:
    """A session that was made with nothing to iterate says so when it is iterated."""
    session: Sync = StreamSession(async_iterator=three())

    with pytest.raises(RuntimeError, match=r"^Sync iterator not available$"):
        list(session)


def test_an_asynchronous_session_without_an_iterator() -> None:
    """A session that was made with nothing to iterate says so when it is iterated."""
    session: Async = AsyncStreamSession(sync_iterator=iter(THREE))

    async def frames() -> list[StreamFrame]:
        return [each async for each in session]

    with pytest.raises(RuntimeError, match=r"^Async iterator not available$"):
        asyncio.run(frames())


def test_an_iterator_that_cannot_be_closed() -> None:
    """Closing a session over a plain iterator cancels it, and what is left can still be had."""
    session: Sync = StreamSession(sync_iterator=iter(THREE))
    next(session.events)
    session.close()

    assert (session.is_cancelled, len(list(session))) == (True, 2)


def test_the_iterator_is_closed_once() -> None:
    """Closing twice closes once."""
    iterator = Closable()
    session: Sync = StreamSession(sync_iterator=iterator)
    next(session.events)
    session.close()
    session.close()

    assert iterator.closed == 1


def test_setting_the_result_completes_the_session() -> None:
    """The runtime sets the result when the run ends, before the last frame may have been read."""
    session: Sync = StreamSession(sync_iterator=iter(THREE))
    session._set_result("early")

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=False, result="early")


def test_a_result_of_none_is_a_result() -> None:
    """A run that returned None is no run without a result."""
    session: Sync = StreamSession(sync_iterator=iter(()))
    session._set_result(None)
    consume(session)

    assert session.result is None


@pytest.mark.crewai
@pytest.mark.parametrize("name", ["StreamSession", "AsyncStreamSession"])
def test_our_classes_have_the_public_names_of_crewais(name: str) -> None:
    """Whatever a program uses of CrewAI's session, ours has it."""
    from importlib import import_module

    theirs, ours = (
        getattr(import_module(module), name) for module in ("crewai.types.streaming", "recorder.session")
    )

    assert {each for each in dir(theirs) if not each.startswith("_")} == {
        each for each in dir(ours) if not each.startswith("_")
    }


@pytest.mark.crewai
def test_our_frame_has_the_fields_of_crewais() -> None:
    """Same names, same order, so that the JSON is the same."""
    from crewai.types.streaming import StreamFrame as CrewAIFrame

    assert list(StreamFrame.model_fields) == list(CrewAIFrame.model_fields)
