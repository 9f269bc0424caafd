"""Frames of a live stream session, taken as the program consumes them.

The observed session is wrapped in a new one of its own class over a tap, so iteration, projections, flags and
`close` are the class's own (`crewai.types.streaming`), and the observed one is used as any program would.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Final, Literal, Protocol, TypeVar, runtime_checkable

from otelstream.frame import FrameLike

S = TypeVar("S")

CREWAI: Final = "crewai.types.streaming"

EndState = Literal["completed", "failed", "cancelled"]
Result = tuple[object, ...]
"""The result of a run as a tuple of one, or an empty tuple if it gave none."""

_REFUSALS: Final = ("generator already executing", "asynchronous generator is already running")


class Receiver(Protocol):
    """Where a tap hands its frames. None of its methods raises."""

    def begin(self) -> None:
        """Take note that the program is about to ask for the first frame."""

    def put(self, frame: FrameLike) -> None:
        """Take the next frame."""

    async def put_async(self, frame: FrameLike) -> None:
        """Take the next frame without blocking the event loop, also if it is cancelled meanwhile."""

    def end(self, state: EndState, result: Result, error: BaseException | None) -> Future[None]:
        """Take the end of the session, once; the future is done when all of it has been handled."""

    def abandon(self) -> None:
        """Take note that the program forgot the session without ending it."""

    def wait(self, done: Future[None]) -> None:
        """Wait for an end, as long as is allowed."""

    async def wait_async(self, done: Future[None]) -> None:
        """Wait for an end without blocking the event loop, as long as is allowed."""


@runtime_checkable
class SyncSession(Protocol):
    """What is used of a `StreamSession`."""

    def interleave(self, channels: Sequence[Any]) -> Iterator[Any]:
        """Return the frames of some channels."""

    def close(self) -> None:
        """Cancel the stream."""


@runtime_checkable
class AsyncSession(Protocol):
    """What is used of an `AsyncStreamSession`."""

    def interleave(self, channels: Sequence[Any]) -> AsyncIterator[Any]:
        """Return the frames of some channels."""

    async def aclose(self) -> None:
        """Cancel the stream."""


def observed(session: S, receiver: Receiver) -> S:
    """Return a session of the same class whose frames also reach the receiver.

    Raises:
        TypeError: It is no `StreamSession` and no `AsyncStreamSession`.
    """
    kind: Any = type(session)
    tap: _Tap | _AsyncTap
    if isinstance(session, AsyncSession):
        tap = _AsyncTap(session, receiver)
        outer = kind(async_iterator=tap)
    elif isinstance(session, SyncSession):
        tap = _Tap(session, receiver)
        outer = kind(sync_iterator=tap)
    else:
        raise TypeError(
            f"observe() takes a StreamSession or an AsyncStreamSession, not {kind.__name__}; get one from"
            " flow.stream_events(), flow.astream(), flow.stream_turn(), llm.stream_events(), or from"
            " kickoff() of a flow with stream=True."
        )
    # Weakly: the session owns its tap, and both must vanish together when a program drops them.
    tap.outer = weakref.ref(outer)
    weakref.finalize(tap, receiver.abandon).atexit = False
    return outer  # type: ignore[no-any-return]  # an instance of the class of `session`


class _TapBase:
    """What both taps share: the observed session, and an end that is told once."""

    def __init__(self, session: Any, receiver: Receiver) -> None:  # noqa: ANN401  of either library
        self.outer: weakref.ref[Any] | None = None
        self._session = session
        self._receiver = receiver
        self._begun = False
        self._ended = False

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._receiver.begin()

    def _end(self, state: EndState, error: BaseException | None = None) -> Future[None] | None:
        """Pass the result on to the outer session, and tell the receiver; None if it knows already."""
        if self._ended or not self._begun:
            return None
        self._ended = True
        result = () if state == "failed" else _result_of(self._session)
        if state == "completed" and not result and type(self._session).__module__ == CREWAI:
            # Even None is a result: CrewAI ends the stream like this if the run left by a SystemExit.
            state = "failed"
        outer = self.outer() if self.outer is not None else None
        if result and outer is not None:
            outer._set_result(result[0])
        return self._receiver.end(state, result, error)


class _Tap(_TapBase):
    """The iterator inside an observed `StreamSession`."""

    def __init__(self, session: SyncSession, receiver: Receiver) -> None:
        super().__init__(session, receiver)
        self._frames: Iterator[FrameLike] = iter(self._session)

    def __iter__(self) -> Iterator[FrameLike]:
        return self

    def __next__(self) -> FrameLike:
        self._begin()
        try:
            frame = next(self._frames)
        except StopIteration:
            self._finish("completed")
            raise
        except Exception as error:
            if not _is_refusal(error):
                self._finish("failed", error)
            raise
        except BaseException as error:
            self._finish("cancelled", error)
            raise
        self._receiver.put(frame)
        return frame

    def close(self) -> None:
        self._session.close()  # refused (ValueError) while another thread iterates: then it is no end
        self._finish("cancelled")

    def _finish(self, state: EndState, error: BaseException | None = None) -> None:
        done = self._end(state, error)
        if done is not None:
            self._receiver.wait(done)


class _AsyncTap(_TapBase):
    """The iterator inside an observed `AsyncStreamSession`."""

    def __init__(self, session: AsyncSession, receiver: Receiver) -> None:
        super().__init__(session, receiver)
        self._frames: AsyncIterator[FrameLike] = self._session.__aiter__()

    def __aiter__(self) -> AsyncIterator[FrameLike]:
        return self

    async def __anext__(self) -> FrameLike:
        self._begin()
        try:
            frame = await self._frames.__anext__()
        except StopAsyncIteration:
            await self._finish("completed")
            raise
        except Exception as error:
            if not _is_refusal(error):
                await self._finish("failed", error)
            raise
        except BaseException as error:
            # The task is being cancelled: say so, and do not make it wait.
            self._end("cancelled", error)
            raise
        await _in_between(self._receiver.put_async(frame))
        return frame

    async def aclose(self) -> None:
        await self._session.aclose()  # refused (RuntimeError) while another task iterates: then it is no end
        await self._finish("cancelled")

    async def _finish(self, state: EndState, error: BaseException | None = None) -> None:
        done = self._end(state, error)
        if done is not None:
            await _in_between(self._receiver.wait_async(done))


def _is_refusal(error: Exception) -> bool:
    """Tell whether a generator refused to go on, as another thread or task runs it: that ends no run.

    Then no code of the generator was reached.
    """
    reached = error.__traceback__
    return reached is not None and reached.tb_next is None and str(error).endswith(_REFUSALS)


async def _in_between(step: Awaitable[None]) -> None:
    """Await something that the program does not know of, so that it cannot be cancelled there.

    A cancellation cuts it short, but what the program was about to get (a frame, an end) it gets, and then is
    cancelled at its own next `await`, as it would be without us.
    """
    try:
        await step
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().call_soon(_cancel_again, task, error)


def _cancel_again(task: asyncio.Task[Any], error: asyncio.CancelledError) -> None:
    """Cancel a task, unless whoever wanted that wants it no more (`asyncio.timeout`, `asyncio.wait_for`)."""
    if sys.version_info >= (3, 11):
        if not task.cancelling():
            return
        task.uncancel()  # so that it is counted once
    task.cancel(*error.args)


def _result_of(session: Any) -> Result:  # noqa: ANN401  of either library
    try:
        return (session.result,)
    except RuntimeError:
        return ()  # "No result available": the run was cancelled before it gave one
