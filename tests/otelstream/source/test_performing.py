"""Runs of programs from start to end, and their names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from otelstream.frame import StreamFrame
from otelstream.source.performing import failure_of, name_of, perform
from otelstream.testing import make_frame
from recorder import AsyncStreamSession, StreamSession


class Tea:
    """A flow without a name of its own."""

    name: str | None = None

    def stream_events(self, inputs: dict[str, Any] | None = None) -> StreamSession[object]:
        """Start a run that fails after one frame."""

        def run() -> Iterator[StreamFrame]:
            yield make_frame("a")
            raise ValueError("cold")

        return StreamSession(sync_iterator=run())


class Named(Tea):
    """A flow with a name."""

    name = "Green tea"


class Model(Tea):
    """A model."""

    model = "small"

    def call(self, messages: object) -> object:
        """Answer."""


def test_a_name_is_that_of_its_frames() -> None:
    """A flow's own, else its class's; a model's."""
    assert [name_of(app) for app in (Tea(), Named(), Model())] == ["Tea", "Green tea", "small"]


def test_a_session_is_taken_whole() -> None:
    """Its frames are there, and its exception comes where one asks for the result."""
    session = perform(Tea().stream_events, "sync")

    assert ([frame.type for frame in session.frames], repr(failure_of(session))) == (
        ["a"],
        "ValueError('cold')",
    )


def test_a_run_that_came_to_its_end_has_no_failure() -> None:
    """Even where its result is None."""
    session = StreamSession[None](sync_iterator=iter([make_frame("a")]))
    session._set_result(None)

    assert failure_of(perform(lambda: session, "sync")) is None


def test_an_exception_keeps_nothing_of_ours_alive() -> None:
    """The runtime keeps it for ever, and it must not keep the calls that it came through."""
    error = failure_of(perform(Tea().stream_events, "sync"))

    assert error is not None
    assert error.__traceback__ is None


def test_an_asynchronous_session_is_begun_in_a_loop() -> None:
    """As CrewAI asks for the running loop when one is begun."""

    async def run() -> AsyncIterator[StreamFrame]:
        yield make_frame("a")
        raise ValueError("cold")

    def begin() -> AsyncStreamSession[object]:
        asyncio.get_running_loop()
        return AsyncStreamSession(async_iterator=run())

    session = perform(begin, "async")

    assert ([frame.type for frame in session.frames], repr(failure_of(session))) == (
        ["a"],
        "ValueError('cold')",
    )
