"""Runs of a flow, of a turn of a conversation, or of a model, each from its start to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

from otelstream.source.entrypoint import Streams

Mode = Literal["sync", "async"]


@runtime_checkable
class Model(Protocol):
    """What is used of a CrewAI model (`crewai.llms.base_llm.BaseLLM`), beside `stream_events`."""

    model: str

    def call(self, messages: Any) -> Any:  # noqa: ANN401  CrewAI's
        """Answer."""


@runtime_checkable
class _Named(Protocol):
    name: str | None


def name_of(app: Streams) -> str:
    """Return the name under which the frames of a flow or a model appear."""
    if isinstance(app, Model):
        return app.model
    return (app.name if isinstance(app, _Named) else None) or type(app).__name__


def perform(begin: Callable[[], Any], mode: Mode) -> Any:  # noqa: ANN401  a session of CrewAI's
    """Run a session to its end, and return it; what the run raised, its session raises when it is asked.

    Args:
        begin: Starts it; if it is an `AsyncStreamSession`, in an event loop of its own.
        mode: Which of the two it is.
    """
    if mode == "async":
        return asyncio.run(_performed(begin))
    session = begin()
    try:
        for _ in session:
            pass
    except Exception as error:  # noqa: BLE001  the run's own, whatever it is
        forget_callers(error)
    return session


async def _performed(begin: Callable[[], Any]) -> Any:  # noqa: ANN401  as above
    session = begin()
    try:
        async for _ in session:
            pass
    except Exception as error:  # noqa: BLE001  as above
        forget_callers(error)
    return session


def forget_callers(error: Exception) -> None:
    """Cut an exception off from the calls that it came through.

    CrewAI keeps it for ever; its traceback would keep the frames of our program, and with them DuckDB, whose
    binding complains on stderr about whatever outlives the interpreter.
    """
    error.__traceback__ = None


def failure_of(performed: Any) -> Exception | None:  # noqa: ANN401  a session of CrewAI's
    """Return what a run raised that was performed, None if it came to its end."""
    try:
        _ = performed.result
    except Exception as error:  # noqa: BLE001  as above
        forget_callers(error)
        return error
    return None
