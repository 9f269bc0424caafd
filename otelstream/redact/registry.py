"""The calls of one session: which of them a token frame belongs to, and how long they are remembered."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final, TypeAlias

from otelstream.frame import FrameLike
from otelstream.redact.calls import CallText
from otelstream.redact.redactor import Redactor
from otelstream.redact.toolcalls import ToolCall

REMEMBERED_CALLS: Final = 10_000
"""How many calls are remembered that have not ended."""

REMEMBERED_CHARACTERS: Final = 8_000_000
"""How much of their texts is remembered, in all."""

REMEMBERED_ENDED: Final = 100
"""How many calls are remembered that have ended, as an end may come twice, and a call be tried again."""

_Key: TypeAlias = tuple[object, ...]


class Call(CallText):
    """A call of a session.

    Attributes:
        key: What its frames have in common.
        tool: The tool call that it is, if it is one.
        rest: The last frame's data but for its text, if it holds no secret; see `StreamRedactor`.
        keys: The order of its keys.
        place: The frame's channel and its namespace.
    """

    def __init__(self, key: _Key = ()) -> None:
        super().__init__()
        self.key = key
        self.tool = ToolCall()
        self.rest: dict[str, Any] | None = None
        self.keys: list[str] = []
        self.place: list[str] | None = None


class Calls:
    """What is remembered of calls: the ones that were used last."""

    def __init__(self) -> None:
        self._calls: OrderedDict[_Key, Call] = OrderedDict()
        self._ended: OrderedDict[_Key, Call] = OrderedDict()
        self._by_id: dict[str, list[Call]] = {}
        self._last: tuple[str, str, Call] = ("", "", Call())  # tokens mostly come one after the other
        self._characters = 0

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, frame: FrameLike) -> Call:
        """Return the call of a token frame."""
        call_id = frame.data.get("call_id")
        tool_call = frame.data.get("tool_call")
        if tool_call is None and self._last[:2] == (frame.type, call_id):
            return self._last[2]
        key = _key_of(frame, call_id, tool_call)
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = Call(key)
            if isinstance(call_id, str):
                self._by_id.setdefault(call_id, []).append(call)
        self._calls.move_to_end(key)
        self._ended.pop(key, None)
        if tool_call is None and isinstance(call_id, str):
            self._last = (frame.type, call_id, call)
        return call

    def end(self, call_id: object) -> None:
        """Take note that a call has ended: all that came of it is there, unless more of it comes."""
        if isinstance(call_id, str):
            for call in self._by_id.get(call_id, ()):
                call.complete = True
                self._ended[call.key] = call
            self._last = ("", "", Call()) if self._last[1] == call_id else self._last

    def settle(self, call: Call, redactor: Redactor) -> None:
        """Take note that what was taken of a call has left."""
        self._characters -= call.size
        call.settle(redactor)
        self._characters += call.size

    def forget(self) -> None:
        """Drop the calls that were used longest ago, where there are too many of them."""
        self._drop(self._ended, len(self._ended) - REMEMBERED_ENDED)
        surplus = len(self._calls) - REMEMBERED_CALLS
        if surplus > 0 or self._characters > REMEMBERED_CHARACTERS:
            self._drop(self._calls, max(surplus, len(self._calls) // 10))

    def _drop(self, calls: OrderedDict[_Key, Call], most: int) -> None:
        """Drop so many of the first calls, unless something of them waits."""
        for key, call in list(calls.items())[:most] if most > 0 else ():
            if call.waits:
                continue
            self._ended.pop(key, None)
            del self._calls[key]
            self._characters -= call.size
            call_id = key[1]
            if isinstance(call_id, str):
                self._by_id[call_id].remove(call)
                if not self._by_id[call_id]:
                    del self._by_id[call_id]
        if most > 0:
            self._last = ("", "", Call())


def _key_of(frame: FrameLike, call_id: object, tool_call: object) -> _Key:
    """Return what a text's frames have in common: the call, or who speaks, and which of its tool calls."""
    parts: list[object] = []
    if isinstance(tool_call, dict):
        index = tool_call.get("index")
        parts.append(_name_of(tool_call.get("id") if index is None else index))
    if not isinstance(call_id, str):
        names = (frame.data.get("agent_id"), frame.data.get("agent_role"))
        parts += (frame.namespace, *map(_name_of, names))
    return (frame.type, call_id if isinstance(call_id, str) else None, *map(repr, parts))


def _name_of(value: object) -> object:
    """Return a value that can name something; of any other its kind, as it may be nested without end."""
    return value if isinstance(value, str | int) else type(value).__name__
