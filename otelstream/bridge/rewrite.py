"""Sessions out of recordings into a new one: as they are, redacted, or as far as they could be salvaged.

Frames take the way of a live recording: what is masked, the hash chain and the spans are made anew.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Final, NamedTuple, Protocol

from otelstream.bridge.spanrows import SpanRows
from otelstream.bridge.storedspans import StoredSpans
from otelstream.errors import RecordingError
from otelstream.frame import (
    FrameLike,
    Outcome,
    OutcomeState,
    datetime_ns,
    ns_datetime,
)
from otelstream.jsontext import decode_json, encode_json
from otelstream.redact import Redactor, StreamRedactor
from otelstream.span.rules import Pair
from recorder.commits import Connect
from recorder.items import items_of
from recorder.session_row import Item, RecordedSession, SessionEnd, SessionStart, StoredFrame, StoredGap
from recorder.texts import without_base64
from recorder.writing import AnyWriter

BATCH_FRAMES: Final = 1_000
BATCH_CHARACTERS: Final = 32_000_000
"""How much is written in one commit at most, unless a single frame has more."""

_OUTCOMES: Final[dict[str, OutcomeState]] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


class Original(Protocol):
    """A session that can be copied."""

    @property
    def start(self) -> SessionStart:
        """How it started."""

    def items(self) -> Iterator[Item]:
        """Yield its frames and gaps, in order."""

    def end(self) -> SessionEnd | None:
        """Return how it ended, once all items have been taken; None if it goes on."""


class Recorded:
    """A session of a sound recording, for copying.

    Args:
        connect: Gives a connection to its file.
        session: The session; without an end it counts as crashed.
    """

    def __init__(self, connect: Connect, session: RecordedSession) -> None:
        self.start = session.start
        self._connect = connect
        self._session = session
        self._gaps = 0

    def items(self) -> Iterator[Item]:
        """Yield its frames and gaps, in order. Raises `RecordingError` if the file is damaged."""
        for item in self._stored():
            if isinstance(item, StoredGap):
                self._gaps += item.frames
            yield item

    def _stored(self) -> Iterator[Item]:
        return items_of(self._connect, self._session)

    def end(self) -> SessionEnd | None:
        """Return how it ended, once all items have been taken."""
        session = self._session
        if session.end is not None:
            return session.end
        last = ns_datetime(session.last_ns).replace(tzinfo=None) if session.last_ns else self.start.started_at
        return SessionEnd(last, "crashed", session.frame_count, self._gaps, None, None, None, None, None)

    def own_spans(self) -> StoredSpans | None:
        """Return its spans, if there are some of frame types that somebody added to otelstream's table."""
        spans = StoredSpans(self._connect, self._session.number)
        return spans if spans.are_of_own_types() else None


class Copied(NamedTuple):
    """What came of copying a session.

    Attributes:
        frames: Frames that were written.
        fired: How often each rule of the redaction masked something.
    """

    frames: int
    fired: Counter[str]


def copy_session(
    original: Original, writer: AnyWriter, redactor: Redactor | None = None, rows: Sequence[Pair] = ()
) -> Copied:
    """Copy a session into a recording that is being written, and commit it.

    Its id, its ordinals, offsets, gaps, result and error stay; with a redactor all of its text is masked. Its
    spans are made anew, but for those of a session that has some of the user's own frame types: without
    `rows` they stay as they are.

    Args:
        original: The session.
        writer: The recording.
        redactor: The rules; None leaves everything as it is.
        rows: Start and end types of the user's own, for the spans.

    Raises:
        RecordingError: The session cannot be read, or the recording cannot be written.
    """
    stored = original.own_spans() if isinstance(original, Recorded) and not rows else None
    copying = _Copying(original.start, writer, StreamRedactor(redactor), SpanRows(rows), stored)
    for item in original.items():
        copying.put(item)
    copying.finish(original.end())
    return Copied(copying.frames, copying.fired)


class _Copying:
    """A session on its way, with one batch of it in memory.

    Attributes:
        frames: Frames that were written.
    """

    def __init__(
        self,
        start: SessionStart,
        writer: AnyWriter,
        redaction: StreamRedactor,
        spans: SpanRows,
        stored: StoredSpans | None,
    ) -> None:
        self._writer = writer
        self._redaction = redaction
        self._redactor = redaction.redactor
        self._spans = spans
        self._stored = stored
        self._id = start.session_id
        self.frames = self._size = 0
        self._waiting: deque[Item] = deque()
        writer.begin(start if self._redactor is None else _masked_start(start, self._redactor))

    @property
    def fired(self) -> Counter[str]:
        """How often each rule masked something."""
        return self._redaction.fired

    def put(self, item: Item) -> None:
        """Take the next frame or gap."""
        self._waiting.append(item)
        if isinstance(item, StoredFrame):
            self._redaction.put(item.frame)
            self._size += item.size
        if len(self._waiting) >= BATCH_FRAMES or self._size >= BATCH_CHARACTERS:
            self._write(final=False)

    def finish(self, end: SessionEnd | None) -> None:
        """Write what is left, and the end if there is one."""
        self._write(final=True)
        if end is not None:
            self._end(end)

    def _end(self, end: SessionEnd) -> None:
        redactor = self._redactor
        if redactor is not None:
            end = _masked_end(end, redactor)
        state = _OUTCOMES.get(end.state, "cut")
        outcome = Outcome(state, datetime_ns(end.ended_at), end.error_type, end.error_message)
        if self._stored is None:
            self._writer.add_spans(self._id, self._spans.close(outcome))
        else:
            for rows in self._stored.rows(redactor):
                self._writer.add_spans(self._id, rows)
                self._writer.flush()
        self._writer.end(self._id, replace(end, frame_count=self.frames))
        self._writer.flush()

    def _write(self, *, final: bool) -> None:
        """Write and commit what the redaction lets go."""
        released = deque(frame for frame, _ in self._redaction.release(final=final))
        while self._waiting:
            item = self._waiting[0]
            if isinstance(item, StoredGap):
                self._writer.add_gap(self._id, item.frames, item.reason, item.noticed_at)
            elif released:
                self._add(released.popleft(), item.offset_ns)
            else:
                break
            self._waiting.popleft()
        self._size = 0
        self._writer.flush()

    def _add(self, frame: FrameLike | None, offset_ns: int) -> None:
        if frame is None:  # the redaction could not mask it
            self._writer.add_gap(self._id, 1, "redaction", datetime.now(timezone.utc).replace(tzinfo=None))
            return
        self._writer.add(self._id, self.frames, offset_ns, frame)
        if self._stored is None:
            self._writer.add_spans(self._id, self._spans.feed(frame))
        self.frames += 1


def _masked_start(start: SessionStart, redactor: Redactor) -> SessionStart:
    return replace(
        start,
        redacted=True,
        name=_masked_text(start.name, redactor),
        entry_point=_masked_text(start.entry_point, redactor),
        conversation_id=_masked_text(start.conversation_id, redactor),
        service_name=_masked_text(start.service_name, redactor),
    )


def _masked_end(end: SessionEnd, redactor: Redactor) -> SessionEnd:
    masked = replace(
        end,
        result=_masked_json(end.result, redactor),
        error=_masked_json(end.error, redactor),
        error_type=_masked_text(end.error_type, redactor),
        error_message=_masked_text(end.error_message, redactor),
    )
    before = Counter[str]({} if end.redactions is None else decode_json(end.redactions))
    return replace(masked, redactions=encode_json(dict(sorted((before + redactor.fired).items()))))


def _masked_json(text: str | None, redactor: Redactor) -> str | None:
    if text is None:
        return None
    try:
        return encode_json(redactor.redact(without_base64(decode_json(text))))
    except ValueError as error:
        raise RecordingError(
            f"a result or an error is no JSON ({error}); recover the recording first."
        ) from None


def _masked_text(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.redact_text(text)
