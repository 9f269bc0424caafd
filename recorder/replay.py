"""A recorded session as a stream session again: same frames, same order, same result, same exception.

CrewAI's own classes carry it if the program has loaded CrewAI, else ours; either way the live path is taken.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from otelstream.frame import FrameLike, StreamFrame, envelope_of, extra_fields
from otelstream.jsontext import decode_json
from recorder import session as ours
from recorder.exceptions import decode_exception
from recorder.listing import Selector
from recorder.reader import Recording
from recorder.rows import frame_from
from recorder.session import AsyncStreamSession, StreamSession
from recorder.session_row import RecordedSession
from recorder.values import decode_value

_CREWAI: Final = "crewai.types.streaming"


def replay(path: str | os.PathLike[str], session: Selector = "last") -> StreamSession[Any]:
    """Return a recorded session as a `StreamSession`: CrewAI's own class if CrewAI is loaded, else ours.

    Frames come as they were recorded, so with secrets masked unless they were recorded with `redact=False`.
    A failed run raises its exception where it did; one that was cancelled or died ends with
    `is_cancelled`. Closing early makes the result available, as closing a live run does, which waits for it.

    Args:
        path: The recording.
        session: `last`, an index, an id or the beginning of one, or a name.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged.
        SessionNotFoundError: It holds no such session.
    """
    tape = _Tape(path, session)
    module = sys.modules.get(_CREWAI, ours)
    tape.session = module.StreamSession(sync_iterator=tape.play())
    return tape.session  # type: ignore[no-any-return]  # the class of either module


def areplay(path: str | os.PathLike[str], session: Selector = "last") -> AsyncStreamSession[Any]:
    """Return a recorded session as an `AsyncStreamSession`; otherwise like `replay`.

    Closing early gives no result, as closing a live run does, which cancels it.
    """
    tape = _Tape(path, session)
    module = sys.modules.get(_CREWAI, ours)
    tape.session = module.AsyncStreamSession(async_iterator=tape.aplay())
    return tape.session  # type: ignore[no-any-return]  # the class of either module


class _Tape:
    """Plays one recorded session into the session object that a program holds."""

    session: Any

    def __init__(self, path: str | os.PathLike[str], selector: Selector) -> None:
        self._recording = Recording(path)
        self._recorded: RecordedSession = self._recording.session(selector)

    def play(self) -> Iterator[FrameLike]:
        try:
            for frame in self._recording.frames(self._recorded):
                yield _as_program_knows_it(frame)
            self._finish()
        finally:
            self._recording.close()
            self._give_result()

    async def aplay(self) -> AsyncIterator[FrameLike]:
        batches = self._recording.batches(self._recorded)
        try:
            # The file is read in a thread: the event loop has more to do than to wait for a disk.
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                for frame in batch.frames:
                    yield _as_program_knows_it(frame)
            self._finish()
            self._give_result()
        finally:
            self._recording.close()

    def _finish(self) -> None:
        end = self._recorded.end
        if self._recorded.state in ("cancelled", "crashed", "recording"):
            self.session._cancelled = True
        if end is not None and end.error is not None:
            raise decode_exception(decode_json(end.error))

    def _give_result(self) -> None:
        end = self._recorded.end
        if end is not None and end.result is not None:
            self.session._set_result(decode_value(decode_json(end.result)))


def _as_program_knows_it(frame: StreamFrame) -> FrameLike:
    module = sys.modules.get(_CREWAI)
    if module is None:
        return frame
    if extra_fields(frame):
        return module.StreamFrame.model_construct(**envelope_of(frame))  # type: ignore[no-any-return]  # a frame
    return frame_from(module.StreamFrame, vars(frame), extra=None)  # type: ignore[no-any-return]  # the same
