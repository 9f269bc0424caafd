"""A recorded session as a stream session again: same frames, same order, same result, same exception.

CrewAI's own classes carry it if the program has loaded CrewAI, else ours; either way the live path is taken.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from typing import Any, Final

from otelstream.frame import StreamFrame
from otelstream.jsontext import decode_json
from recorder import session as ours
from recorder.ahead import BatchesAhead, read_ahead
from recorder.batches import Batch
from recorder.cut import Bound, Part, cut_of
from recorder.exceptions import decode_exception
from recorder.listing import Selector
from recorder.pace import AsyncPace, HeldFrames, Holder, Pace
from recorder.playhead import Tempo
from recorder.reader import Recording
from recorder.session import AsyncStreamSession, StreamSession
from recorder.session_row import RecordedSession
from recorder.values import decode_value

_CREWAI: Final = "crewai.types.streaming"

_BREATH: Final = 100
"""After so many frames the event loop gets its turn, however fast they are consumed."""


def replay(  # noqa: PLR0913  the options of a player, each by its name
    path: str | os.PathLike[str],
    session: Selector = "last",
    *,
    rate: float = 0.0,
    idle_limit: float | None = None,
    start: Bound = None,
    until: Bound = None,
    channels: Iterable[str] | None = None,
) -> StreamSession[Any]:
    """Return a recorded session as a `StreamSession`: CrewAI's own class if CrewAI is loaded, else ours.

    Frames come as they were recorded, so with secrets masked unless they were recorded with `redact=False`,
    and in the recorded order at every rate. A failed run raises its exception where it did; one that was
    cancelled or died ends with `is_cancelled`. Closing early makes the result available, as closing a live
    run does, which waits for it; it also ends the wait for a frame in another thread.

    What `start` or `channels` leave out changes nothing of the end. Where `until` leaves out the last frame,
    the replay ends without exception and not as cancelled, and `result` is what the run gave.

    Args:
        path: The recording.
        session: `last`, an index, an id or the beginning of one, or a name.
        rate: 0 for frames as fast as they are asked for, 1 for the gaps with which they arrived, 4 for four
            times as fast. The time that the consumer takes for a frame is part of the gap behind it.
        idle_limit: How many seconds of the recording a gap between two frames has at most.
        start: The first frame: its ordinal from 0, or from the end if it is negative; its id, or its type, of
            which it is the first; the seconds (`float` or `timedelta`) from the session's start to its
            arrival; or its timestamp (a naive one is UTC). It comes at once if any are left out before it.
        until: The last frame, which is played, too; given like `start`. An id or a type is looked for from
            `start` on; an ordinal or a time behind the last frame leaves nothing out.
        channels: Only frames of these channels.

    Raises:
        RecordingError: The file is missing, no recording, of a newer format, or damaged; or the session has
            no such frame, or none from `start` on until `until`.
        SessionNotFoundError: It holds no such session.
        UsageError: `rate` or `idle_limit` is negative, or a number is none that can be used.
    """
    tempo = Tempo(rate, idle_limit)
    tape = Tape(path, session, Part(start, until, channels))
    return tape.stream(Pace(tempo) if tempo.rate else None)


def areplay(  # noqa: PLR0913  the options of a player, each by its name
    path: str | os.PathLike[str],
    session: Selector = "last",
    *,
    rate: float = 0.0,
    idle_limit: float | None = None,
    start: Bound = None,
    until: Bound = None,
    channels: Iterable[str] | None = None,
) -> AsyncStreamSession[Any]:
    """Return a recorded session as an `AsyncStreamSession`; otherwise like `replay`.

    The call itself looks the session up, and `start` and `until`; after it neither reading nor waiting blocks
    the event loop. Closing early gives no result, as closing a live run does, which cancels it.
    """
    tempo = Tempo(rate, idle_limit)
    tape = Tape(path, session, Part(start, until, channels))
    return tape.astream(AsyncPace(tempo) if tempo.rate else None)


class Tape:
    """Plays one recorded session, or a part of it, into the session object that a program holds.

    Args:
        path: The recording.
        selector: Which session.
        part: Which frames of it.

    Attributes:
        session: What `stream` or `astream` returned.
        cut: Which frames are played.

    Raises:
        RecordingError: As `replay` says.
        UsageError: As `replay` says.
    """

    session: Any

    def __init__(self, path: str | os.PathLike[str], selector: Selector, part: Part) -> None:
        self._recording = Recording(path)
        self._recorded: RecordedSession = self._recording.session(selector)
        self.cut = cut_of(self._recording, self._recorded, part)

    def stream(self, holder: Holder | None = None) -> StreamSession[Any]:
        """Return the session for `for`; `holder` says when each frame comes, None for at once."""
        module = sys.modules.get(_CREWAI) or ours  # None: somebody forbids to load it
        frames = self._play(holder, module.StreamFrame)
        iterator = frames if holder is None else HeldFrames(frames, holder)
        self.session = module.StreamSession(sync_iterator=iterator)
        return self.session  # type: ignore[no-any-return]  # the class of either module

    def astream(self, pace: AsyncPace | None = None) -> AsyncStreamSession[Any]:
        """Return the session for `async for`; `pace` says when each frame comes, None for at once."""
        module = sys.modules.get(_CREWAI) or ours  # None: somebody forbids to load it
        self.session = module.AsyncStreamSession(async_iterator=self._aplay(pace, module.StreamFrame))
        return self.session  # type: ignore[no-any-return]  # the class of either module

    def _play(self, holder: Holder | None, kind: type[StreamFrame]) -> Generator[StreamFrame, None, None]:
        channels = self.cut.channels
        batches = self._batches()
        try:
            for batch in batches if holder is None else read_ahead(batches, self.cut.end):
                if holder is None and channels is None:
                    yield from batch.frames_of(kind)
                    continue
                if holder is not None and batch.first == self.cut.first:
                    holder.begin(at_once=batch.first > 0)
                for ordinal, offset_ns, frame in _arrivals(batch, kind):
                    if channels is not None and frame.channel not in channels:
                        continue
                    if holder is not None and not holder.hold(ordinal, offset_ns):
                        return
                    yield frame
            self._finish()
        finally:
            self._recording.close()
            self._give_result()

    async def _aplay(self, pace: AsyncPace | None, kind: type[StreamFrame]) -> AsyncIterator[StreamFrame]:
        import asyncio  # 0.03 s, which only those wait for who have loaded it

        channels = self.cut.channels
        with self._recording:
            async with BatchesAhead(self._batches()) as batches:
                async for batch in batches:
                    if pace is not None and batch.first == self.cut.first:
                        pace.begin(at_once=batch.first > 0)
                    for ordinal, offset_ns, frame in _arrivals(batch, kind):
                        if ordinal % _BREATH == 0:
                            await asyncio.sleep(0)
                        if channels is not None and frame.channel not in channels:
                            continue
                        if pace is not None:
                            await pace.hold(offset_ns)
                        yield frame
            self._finish()
            self._give_result()

    def _batches(self) -> Iterator[Batch]:
        return self._recording.batches(self._recorded, self.cut.first, self.cut.end)

    def _finish(self) -> None:
        if not self.cut.reaches_end:
            return
        end = self._recorded.end
        if self._recorded.state in ("cancelled", "crashed", "recording"):
            self.session._cancelled = True
        if end is not None and end.error is not None:
            raise decode_exception(decode_json(end.error))

    def _give_result(self) -> None:
        end = self._recorded.end
        if end is not None and end.result is not None:
            self.session._set_result(decode_value(decode_json(end.result)))


def _arrivals(batch: Batch, kind: type[StreamFrame]) -> Iterator[tuple[int, int, StreamFrame]]:
    """Return ordinal, offset in nanoseconds, and frame of each frame of a batch."""
    ordinals = range(batch.first, batch.first + len(batch.offsets_ns))
    return zip(ordinals, batch.offsets_ns, batch.frames_of(kind), strict=True)
