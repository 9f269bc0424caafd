"""A live session that runs again on its recording, and is compared with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otelstream.errors import DivergedError
from recorder.cassettes.live import LiveAsyncSession, leave

if TYPE_CHECKING:
    from otelstream.redact import Redactor


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A live session, and the recorded one that it shall be like.

    Attributes:
        live: The live session.
        path: The recording.
        session_id: The recorded session.
        advice: What to do if they differ and that is right.
    """

    live: Any
    path: Path
    session_id: str
    advice: str

    def begin(self, serve: frozenset[str], redactor: Redactor | None) -> None:
        """Have models or tools answer from the recording when the session is read, and while it is.

        Args:
            serve: Which of them, `llm` and `tools`; nothing if it is empty.
            redactor: The rules with which it was recorded, if not the default ones.

        Raises:
            RerunError: CrewAI is missing, or too different a version of it.
        """
        block = self._block(serve, redactor)
        # The session's own iterator is replaced, not the session: its result and its flags stay CrewAI's.
        if isinstance(self.live, LiveAsyncSession):
            self.live._async_iterator = _aserved(self.live._async_iterator, block, self.advice)  # type: ignore[attr-defined]  # both classes have it
        else:
            self.live._sync_iterator = _served(self.live._sync_iterator, block, self.advice)

    def check(self) -> None:
        """Compare the two, as `recorder.assert_same_run` does.

        Raises:
            AssertionError: They differ.
            UsageError: The live session has not been read.
        """
        from recorder.diff import assert_same_run

        leave(self.live)
        try:
            assert_same_run(self.live, self.path, self.session_id)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.advice}") from None

    def _block(self, serve: frozenset[str], redactor: Redactor | None) -> AbstractContextManager[object]:
        if not serve:
            return nullcontext()
        from recorder.rerun import rerun

        return rerun(self.path, self.session_id, serve=serve, redactor=redactor)  # type: ignore[arg-type]  # the marker was checked


def _served(frames: Iterator[Any], block: AbstractContextManager[object], advice: str) -> Iterator[Any]:
    __tracebackhide__ = True
    try:
        with block:
            yield from frames
    except DivergedError as error:
        raise _advised(error, advice) from error.__cause__


async def _aserved(
    frames: AsyncIterator[Any], block: AbstractContextManager[object], advice: str
) -> AsyncIterator[Any]:
    __tracebackhide__ = True
    try:
        with block:
            try:
                async for frame in frames:
                    yield frame
            finally:
                if isinstance(frames, AsyncGenerator):
                    await frames.aclose()
    except DivergedError as error:
        raise _advised(error, advice) from error.__cause__


def _advised(error: DivergedError, advice: str) -> DivergedError:
    return DivergedError(error.sentence, f"{error.difference}\n{advice}", error.frame)
