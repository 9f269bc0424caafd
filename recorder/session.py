"""The stream sessions of a program without CrewAI: the public surface and the quirks of CrewAI's own.

`crewai.types.streaming` is the contract: the same names, the same order of effects, the same messages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

from typing_extensions import Self

from otelstream.frame import StreamFrame

T = TypeVar("T")

_MISSING: Final = object()


@runtime_checkable
class _Closes(Protocol):
    def close(self) -> None: ...


@runtime_checkable
class _AsyncCloses(Protocol):
    async def aclose(self) -> None: ...


class StreamSessionBase(Generic[T]):
    """What both sessions share: the frames collected so far, the result and the flags."""

    def __init__(
        self,
        sync_iterator: Iterator[StreamFrame] | None = None,
        async_iterator: AsyncIterator[StreamFrame] | None = None,
    ) -> None:
        self._result: T | object = _MISSING
        self._completed = False
        self._frames: list[StreamFrame] = []
        self._error: Exception | None = None
        self._cancelled = False
        self._exhausted = False
        self._sync_iterator = sync_iterator
        self._async_iterator = async_iterator

    @property
    def result(self) -> T:
        """The run's result.

        Raises:
            RuntimeError: The stream has not been consumed, or gave no result.
            Exception: The exception that ended the run.
        """
        if not self._completed:
            raise RuntimeError(
                "Streaming has not completed yet. Iterate over all frames before accessing result."
            )
        if self._error is not None:
            raise self._error
        if self._result is _MISSING:
            raise RuntimeError("No result available")
        return self._result  # type: ignore[return-value]  # anything but the marker is a T

    @property
    def is_completed(self) -> bool:
        """Whether the stream has ended, for whatever reason."""
        return self._completed

    @property
    def is_cancelled(self) -> bool:
        """Whether the stream was closed early."""
        return self._cancelled

    @property
    def is_exhausted(self) -> bool:
        """Whether every frame was consumed."""
        return self._exhausted

    @property
    def frames(self) -> list[StreamFrame]:
        """The frames collected so far, as a new list."""
        return self._frames.copy()

    def _set_result(self, result: T) -> None:
        self._result = result
        self._completed = True


class StreamSession(StreamSessionBase[T]):
    """A session that is iterated with `for`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if not self._exhausted:
            self.close()

    def __iter__(self) -> Iterator[StreamFrame]:
        return self.events

    @property
    def events(self) -> Iterator[StreamFrame]:
        """All frames."""
        return self.subscribe()

    @property
    def llm(self) -> Iterator[StreamFrame]:
        """Token and thinking frames, and those of LLM calls."""
        return self.subscribe(channels=["llm"])

    @property
    def messages(self) -> Iterator[StreamFrame]:
        """Conversation message frames."""
        return self.subscribe(channels=["messages"])

    @property
    def flow(self) -> Iterator[StreamFrame]:
        """Flow and method frames."""
        return self.subscribe(channels=["flow"])

    @property
    def tools(self) -> Iterator[StreamFrame]:
        """Tool frames."""
        return self.subscribe(channels=["tools"])

    def interleave(self, channels: Sequence[str]) -> Iterator[StreamFrame]:
        """Frames of some channels, in their common order."""
        return self.subscribe(channels=channels)

    def subscribe(self, channels: Sequence[str] | None = None) -> Iterator[StreamFrame]:
        """Frames of some channels or of all, live or, once the stream was exhausted, from the cache.

        Raises:
            RuntimeError: The session was made for `async for`.
        """
        selected = None if channels is None else set(channels)
        if self._exhausted:
            yield from (frame for frame in self._frames if selected is None or frame.channel in selected)
            return
        if self._sync_iterator is None:
            raise RuntimeError("Sync iterator not available")
        try:
            for frame in self._sync_iterator:
                self._frames.append(frame)
                if selected is None or frame.channel in selected:
                    yield frame
            self._exhausted = True
        except Exception as error:
            self._error = error
            raise
        finally:
            self._completed = True

    def close(self) -> None:
        """Cancel the stream; nothing happens after its end."""
        if self._cancelled or self._exhausted or self._error is not None:
            return
        self._cancelled = True
        self._completed = True
        if isinstance(self._sync_iterator, _Closes):
            self._sync_iterator.close()


class AsyncStreamSession(StreamSessionBase[T]):
    """A session that is iterated with `async for`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if not self._exhausted:
            await self.aclose()

    def __aiter__(self) -> AsyncIterator[StreamFrame]:
        return self.events

    @property
    def events(self) -> AsyncIterator[StreamFrame]:
        """All frames."""
        return self.subscribe()

    @property
    def llm(self) -> AsyncIterator[StreamFrame]:
        """Token and thinking frames, and those of LLM calls."""
        return self.subscribe(channels=["llm"])

    @property
    def messages(self) -> AsyncIterator[StreamFrame]:
        """Conversation message frames."""
        return self.subscribe(channels=["messages"])

    @property
    def flow(self) -> AsyncIterator[StreamFrame]:
        """Flow and method frames."""
        return self.subscribe(channels=["flow"])

    @property
    def tools(self) -> AsyncIterator[StreamFrame]:
        """Tool frames."""
        return self.subscribe(channels=["tools"])

    def interleave(self, channels: Sequence[str]) -> AsyncIterator[StreamFrame]:
        """Frames of some channels, in their common order."""
        return self.subscribe(channels=channels)

    async def subscribe(self, channels: Sequence[str] | None = None) -> AsyncIterator[StreamFrame]:
        """Frames of some channels or of all, live or, once the stream was exhausted, from the cache.

        Raises:
            RuntimeError: The session was made for `for`.
        """
        selected = None if channels is None else set(channels)
        if self._exhausted:
            for frame in self._frames:
                if selected is None or frame.channel in selected:
                    yield frame
            return
        if self._async_iterator is None:
            raise RuntimeError("Async iterator not available")
        try:
            async for frame in self._async_iterator:
                self._frames.append(frame)
                if selected is None or frame.channel in selected:
                    yield frame
            self._exhausted = True
        except Exception as error:
            self._error = error
            raise
        finally:
            self._completed = True

    async def aclose(self) -> None:
        """Cancel the stream; nothing happens after its end."""
        if self._cancelled or self._exhausted or self._error is not None:
            return
        self._cancelled = True
        self._completed = True
        if isinstance(self._async_iterator, _AsyncCloses):
            await self._async_iterator.aclose()
