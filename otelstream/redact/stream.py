"""Frames of one session without their secrets, also those that came in pieces over several token frames.

A frame is held back while its text may be the beginning of a secret, and at most until the second `release`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from otelstream.frame import FrameLike, extra_fields
from otelstream.redact.calls import CallText
from otelstream.redact.frames import redacted_frame
from otelstream.redact.pairs import PLACEHOLDER
from otelstream.redact.redactor import Redactor
from otelstream.redact.tails import doubtful_from, masked_spans

Attempt: TypeAlias = Callable[[Callable[[], object]], bool]
Released: TypeAlias = tuple[FrameLike | None, object]
"""A frame that may leave, masked, and an object that is the same for token frames whose data differs in its
text alone (None if nobody knows); or None and why there is no frame."""

_Key: TypeAlias = tuple[object, ...]

_FLAT: Final = frozenset((str, type(None)))

REMEMBERED_CALLS: Final = 1_000
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
        self._waiting: deque[tuple[FrameLike | None, CallText | str | None]] = deque()
        self._calls: OrderedDict[_Key, CallText] = OrderedDict()
        self._by_id: dict[str, list[_Key]] = {}
        self._last: tuple[str, str, CallText] = ("", "", CallText())  # tokens mostly come one after the other

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
        call: CallText | None = None
        if self._redactor is not None:
            chunk = data.get("chunk")
            if type(chunk) is str:
                call = self._call_of(frame)
                call.put(chunk)
            else:
                self._note_end(data.get("call_id"))
        self._waiting.append((frame, call))

    def put_lost(self, reason: str) -> None:
        """Keep the place of a frame that could not be taken; it is given back as None and the reason."""
        self._waiting.append((None, reason))

    def release(self, *, final: bool = False, at_once: bool = False) -> list[Released]:
        """Return the frames that may leave, in order.

        Args:
            final: Whether the session has ended, so that no more of any text will come.
            at_once: Whether nothing may wait; what is in doubt is masked then.
        """
        redactor = self._redactor
        if redactor is None:
            frames: list[Released] = [
                (frame, reason if frame is None else None) for frame, reason in self._waiting
            ]
            self._waiting.clear()
            return frames
        calls = [call for call in self._calls.values() if call.waits]
        for call in calls:
            call.complete = call.complete or final
            call.judge(redactor, at_once=at_once)
        released = self._leave(redactor)
        for call in calls:
            call.settle(redactor)
        self._forget()
        return released

    def _leave(self, redactor: Redactor) -> list[Released]:
        released: list[Released] = []
        for frame, of in self._waiting:
            if frame is None:
                released.append((None, of))
            elif not isinstance(of, CallText):
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

    def _token(self, redactor: Redactor, call: CallText, frame: FrameLike) -> Released:
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
        if not self._attempt(lambda: kept.append(_spelled(redactor, frame, piece))):
            return None, None
        if is_flat and kept[0] is frame and not redactor.has_function:
            call.rest, call.keys, call.place = rest, list(rest), [frame.channel, *frame.namespace]
        return kept[0], None

    def _call_of(self, frame: FrameLike) -> CallText:
        call_id = frame.data.get("call_id")
        tool_call = frame.data.get("tool_call")
        if tool_call is None and self._last[:2] == (frame.type, call_id):
            return self._last[2]
        index = tool_call.get("index") if isinstance(tool_call, dict) else None
        key = (
            frame.type,
            call_id if isinstance(call_id, str) else None,
            index if isinstance(index, (int, str)) else None,
        )
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = CallText()
            if isinstance(call_id, str):
                self._by_id.setdefault(call_id, []).append(key)
        if index is None and isinstance(call_id, str):
            self._last = (frame.type, call_id, call)
        return call

    def _note_end(self, call_id: object) -> None:
        """A frame of a call that is no token follows its last one."""
        if isinstance(call_id, str):
            for key in self._by_id.get(call_id, ()):
                self._calls[key].complete = True

    def _forget(self) -> None:
        """Drop the calls that have ended, and the oldest where too many have not."""
        surplus = len(self._calls) - REMEMBERED_CALLS
        for key, call in list(self._calls.items()) if surplus > 0 or self._by_id else ():
            if not call.waits and (call.complete or surplus > 0):
                del self._calls[key]
                self._last = ("", "", CallText())
                surplus -= 1
                keys = self._by_id.get(str(key[1]), [])
                if key in keys:
                    keys.remove(key)
                if not keys:
                    self._by_id.pop(str(key[1]), None)


def redacted(frames: Iterable[FrameLike], redactor: Redactor | None) -> Iterator[FrameLike]:
    """Yield the frames of one session masked, in order.

    Raises:
        Exception: Whatever a function of the redactor raises.
    """
    stream = StreamRedactor(redactor)
    for frame in frames:
        stream.put(frame)
        if stream.waiting >= RELEASED_TOGETHER:
            yield from (frame for frame, _ in stream.release() if frame is not None)
    yield from (frame for frame, _ in stream.release(final=True) if frame is not None)


def _spelled(redactor: Redactor, frame: FrameLike, piece: str) -> FrameLike:
    if piece is frame.data["chunk"] and frame.data.get("tool_call") is None:
        return redacted_frame(frame, redactor)
    data = {**frame.data, "chunk": piece}
    function = _function_of(data.get("tool_call"))
    if function is not None:
        arguments = _certain(redactor, function["arguments"])
        data["tool_call"] = {**data["tool_call"], "function": {**function, "arguments": arguments}}
    return redacted_frame(frame, redactor, data)


def _function_of(tool_call: Any) -> dict[str, Any] | None:  # noqa: ANN401  a part of a frame's data
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    has_text = isinstance(function, dict) and isinstance(function.get("arguments"), str)
    return function if has_text else None


def _certain(redactor: Redactor, text: str) -> str:
    """Return a text that grows from frame to frame, with its end masked where that may be half a secret."""
    spans = masked_spans(text, redactor.counting().mask(text))
    doubt = doubtful_from(redactor, text, spans, 0)
    return text if doubt == len(text) else text[:doubt] + PLACEHOLDER


def _plainly(step: Callable[[], object]) -> bool:
    step()
    return True
