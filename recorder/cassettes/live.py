"""Live sessions that a test hands over: of which kind they are, and how one ends that never begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from otelstream.errors import RecordingError
from recorder.session_row import Mode


@runtime_checkable
class LiveSession(Protocol):
    """What is used of a `StreamSession`, CrewAI's or ours."""

    @property
    def frames(self) -> Sequence[Any]:
        """The frames that were read so far."""

    @property
    def is_completed(self) -> bool:
        """Whether it has ended."""

    def close(self) -> None:
        """Cancel it."""


@runtime_checkable
class LiveAsyncSession(Protocol):
    """What is used of an `AsyncStreamSession`."""

    @property
    def frames(self) -> Sequence[Any]:
        """The frames that were read so far."""

    @property
    def is_completed(self) -> bool:
        """Whether it has ended."""

    async def aclose(self) -> None:
        """Cancel it."""


def kind_of(session: object) -> Mode:
    """Return how a live session is iterated.

    Raises:
        TypeError: It is no stream session.
        RecordingError: It has been read already, so that it can neither be recorded nor replaced.
    """
    __tracebackhide__ = True
    if not isinstance(session, (LiveSession, LiveAsyncSession)):
        raise TypeError(
            f"recording.wrap() takes a StreamSession or an AsyncStreamSession, not {type(session).__name__};"
            " get one from flow.stream_events(), flow.astream(), flow.stream_turn(), llm.stream_events(), or"
            " from kickoff() of a flow with stream=True."
        )
    if is_begun(session):
        count = len(session.frames)
        what = (
            f"of which {count} frame{' was' if count == 1 else 's were'} read" if count else "that has ended"
        )
        raise RecordingError(f"recording.wrap() got a session {what}; wrap it before it is iterated.")
    return "async" if isinstance(session, LiveAsyncSession) else "sync"


def is_begun(session: LiveSession | LiveAsyncSession) -> bool:
    """Tell whether anything of a session was read."""
    return session.is_completed or bool(session.frames)


def dismiss(session: object) -> None:
    """Close a session that has not begun: it never runs, as CrewAI runs at the first frame."""
    if isinstance(session, LiveAsyncSession):
        closing = session.aclose()
        try:
            closing.send(None)  # a generator that was not started has nothing to wait for
        except StopIteration:
            return
        closing.close()
    elif isinstance(session, LiveSession):
        session.close()


def leave(session: object) -> None:
    """Close a session that may have been half read, as far as that can be done outside an event loop."""
    if isinstance(session, LiveSession):
        session.close()
