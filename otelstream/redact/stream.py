"""Frames of one session without their secrets, also those that came in pieces over several token frames.

A frame is held back while its text may be a part of a secret, until its turn comes all the same (`due`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from otelstream.frame import FrameLike, extra_fields
from otelstream.redact.frames import redacted_frame
from otelstream.redact.redactor import Redactor
from otelstream.redact.registry import Call, Calls

Attempt: TypeAlias = Callable[[Callable[[], object]], bool]
Released: TypeAlias = tuple[FrameLike | None, object]
"""A frame that may leave, masked, and an object that is the same for token frames whose data differs in its
text alone (None if nobody knows); or None and why there is no frame."""

_FLAT: Final = frozenset((str, type(None)))
_ENDS: Final = frozenset(("llm_call_completed", "llm_call_failed"))

RELEASED_TOGETHER: Final = 1_000


class StreamRedactor:
    """Takes the frames of one session in order, and gives each of them back masked.

    Args:
        redactor: The rules; None lets every frame pass.
        attempt: Runs a step that may raise and tells whether it succeeded. By default the exception passes.
    """

    def __init__(self, redactor: Redactor | None, attempt: Attempt | None = None) -> None:
        self._redactor = None if redactor is None else redactor.counting()
        self._attempt = attempt or _plainly
        # A number is masked if its key is told to be a secret's, and never for what it is.
        self._hides_chunks = redactor is not None and redactor.counting().redact({"chunk": 1}) != {"chunk": 1}
        self._waiting: deque[tuple[FrameLike | None, Call | str | None]] = deque()
        self._calls = Calls()
        self._busy: list[Call] = []  # those of which something waits

    @property
    def redactor(self) -> Redactor | None:
        """The rules, with this session's count of which of them fired."""
        return self._redactor

    @property
    def fired(self) -> Counter[str]:
        """How often each rule masked something, by its name."""
        return Counter() if self._redactor is None else self._redactor.fired

    @property
    def waiting(self) -> int:
        """How many frames have not been given back."""
        return len(self._waiting)

    @property
    def remembered(self) -> int:
        """How many calls are remembered."""
        return len(self._calls)

    def put(self, frame: FrameLike) -> None:
        """Take the next frame."""
        data = frame.data
        call: Call | None = None
        if self._redactor is not None:
            chunk = data.get("chunk")
            if type(chunk) is str and not self._hides_chunks:
                call = self._calls.of(frame)
                if not call.waits:
                    self._busy.append(call)
                call.put(chunk)
            elif frame.type in _ENDS:
                self._calls.end(data.get("call_id"))
        self._waiting.append((frame, call))

    def put_lost(self, reason: str) -> None:
        """Keep the place of a frame that could not be taken; it is given back as None and the reason."""
        self._waiting.append((None, reason))

    def release(self, *, final: bool = False, at_once: bool = False, due: int = 0) -> list[Released]:
        """Return the frames that may leave, in order.

        Args:
            final: Whether the session has ended, so that no more of any text will come.
            at_once: Whether nothing may wait; what is in doubt is masked then.
            due: How many frames, from the first one on, may not wait.
        """
        redactor = self._redactor
        if redactor is None:
            frames: list[Released] = [
                (frame, reason if frame is None else None) for frame, reason in self._waiting
            ]
            self._waiting.clear()
            return frames
        for _, of in islice(self._waiting, len(self._waiting) if at_once else due):
            if isinstance(of, Call):
                of.due += 1
        for call in self._busy:
            call.complete = call.complete or final
            call.judge(redactor)
        released = self._leave(redactor)
        for call in self._busy:
            self._calls.settle(call, redactor)
        self._busy = [call for call in self._busy if call.waits]
        self._calls.forget()
        return released

    def _leave(self, redactor: Redactor) -> list[Released]:
        released: list[Released] = []
        for frame, of in self._waiting:
            if frame is None:
                released.append((None, of))
            elif not isinstance(of, Call):
                released.append((self._masked(redactor, frame), None))
            elif of.free:
                released.append(self._token(redactor, of, frame))
            else:
                break
        for _ in released:
            self._waiting.popleft()
        return released

    def _masked(self, redactor: Redactor, frame: FrameLike) -> FrameLike | None:
        kept: list[FrameLike] = []
        return kept[0] if self._attempt(lambda: kept.append(redacted_frame(frame, redactor))) else None

    def _token(self, redactor: Redactor, call: Call, frame: FrameLike) -> Released:
        """Return a token frame with its masked text; what else it holds seldom differs from the last."""
        piece = call.free.popleft()
        rest = frame.data.copy()
        chunk, rest["chunk"] = rest["chunk"], ""
        # Only texts and nulls: what is equal then is the same, and cannot have been changed since.
        is_flat = piece is chunk and _FLAT.issuperset(map(type, rest.values())) and not extra_fields(frame)
        same = is_flat and call.rest == rest and call.keys == list(rest)  # their order is told nowhere else
        if same and call.place == [frame.channel, *frame.namespace]:
            return frame, call.rest
        kept: list[FrameLike] = []
        if not self._attempt(lambda: kept.append(_spelled(redactor, frame, piece, call))):
            return None, None
        if is_flat and kept[0] is frame and not redactor.has_function:
            call.rest, call.keys, call.place = rest, list(rest), [frame.channel, *frame.namespace]
        return kept[0], None


def redacted(frames: Iterable[FrameLike], redactor: Redactor | None) -> Iterator[FrameLike]:
    """Yield the frames of one session masked, in order.

    Raises:
        Exception: Whatever a function of the redactor raises.
    """
    stream = StreamRedactor(redactor)
    source = iter(frames)
    while batch := list(islice(source, RELEASED_TOGETHER)):
        held = stream.waiting
        for frame in batch:
            stream.put(frame)
        yield from (frame for frame, _ in stream.release(due=held) if frame is not None)
    yield from (frame for frame, _ in stream.release(final=True) if frame is not None)


def _spelled(redactor: Redactor, frame: FrameLike, piece: str, call: Call) -> FrameLike:
    """Return a token frame with its text as it is judged, and the rules applied to all else."""
    before = frame.data.get("tool_call")
    tool_call = before if before is None else call.tool.masked(redactor, before)
    is_same = piece is frame.data["chunk"] and tool_call is before
    if is_same and redacted_frame(frame, redactor.counting()) is frame:
        return frame
    # The rules see no piece alone: it may look like a secret, and be none where it stands.
    alone = piece if redactor.has_function else ""
    data = {**frame.data, "chunk": alone}
    if tool_call is not before:
        data["tool_call"] = tool_call
    masked = redacted_frame(frame, redactor, data)
    if not redactor.has_function:
        masked.data["chunk"] = piece
    return masked


def _plainly(step: Callable[[], object]) -> bool:
    step()
    return True
