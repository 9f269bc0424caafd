"""The calls of a recorded session: what was asked, where, and the frames of the answer.

Pure: frames in, calls out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otelstream.frame import FrameLike
from recorder.causal import ELSEWHERE, CausalPath, CausalPaths
from recorder.rerun.requests import Kind, Request, model_request, tool_request

_STARTS: Final[Mapping[str, tuple[Kind, Callable[[Mapping[str, Any]], Request]]]] = {
    "llm_call_started": ("llm", model_request),
    "tool_usage_started": ("tool", tool_request),
}
_OF_MODELS: Final = frozenset(
    ("llm_stream_chunk", "llm_thinking_chunk", "llm_call_completed", "llm_call_failed")
)
_OF_TOOLS: Final = frozenset(("tool_usage_finished", "tool_usage_error"))


@dataclass(frozen=True, slots=True)
class CallName:
    """What a call is called in reports.

    Attributes:
        kind: Whether a model or a tool was asked.
        number: The how manieth of its kind in its run it was, from 1.
        path: The scopes around it.
        tool: The name of the tool.
    """

    kind: Kind
    number: int
    path: CausalPath
    tool: str = ""

    def __str__(self) -> str:
        what = f"tool call {self.number} {self.tool}" if self.kind == "tool" else f"LLM call {self.number}"
        return f"{what} ({' > '.join(self.path) or 'at the top'})"


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call of a recorded session.

    Attributes:
        name: What it is called.
        ordinal: Ordinal of the frame that started it.
        request: What was asked.
        steps: The frames of the answer, in order: of a model its chunks, the starts of the tools that it ran
            itself, and its ends; of a tool its end, and what it said of a failure.
        inside: Ordinals of the tool calls around it, outermost first.
        within: Types of the frames that began within it.
    """

    name: CallName
    ordinal: int
    request: Request
    steps: tuple[FrameLike, ...]
    inside: tuple[int, ...]
    within: tuple[FrameLike, ...]


@dataclass(slots=True)
class _Open:
    """A call whose frames are being collected."""

    name: CallName
    ordinal: int
    frame: FrameLike
    inside: tuple[int, ...]
    steps: list[FrameLike]
    within: list[FrameLike]


def rooted(path: CausalPath) -> CausalPath:
    """Return a path without a root that one of two streams may not have seen the beginning of."""
    return path[1:] if path[:1] == ELSEWHERE else path


def recorded_calls(frames: Iterable[FrameLike]) -> list[RecordedCall]:
    """Return the calls of a session, in the order in which they began."""
    paths, calls = CausalPaths(), _Calls()
    for ordinal, frame in enumerate(frames):
        path = rooted(paths.feed(frame))
        if frame.type in _STARTS:
            calls.begin(ordinal, frame, path)
        calls.continue_with(frame)
    return calls.all()


class _Calls:
    def __init__(self) -> None:
        self._calls: list[_Open] = []
        self._by_start: dict[str, _Open] = {}
        self._by_call: dict[str, _Open] = {}
        self._parents: dict[str, str | None] = {}
        self._counts: dict[Kind, int] = {"llm": 0, "tool": 0}

    def begin(self, ordinal: int, frame: FrameLike, path: CausalPath) -> None:
        kind = _STARTS[frame.type][0]
        self._counts[kind] += 1
        tool = str(frame.data.get("tool_name", "")) if kind == "tool" else ""
        name = CallName(kind, self._counts[kind], path, tool)
        around = [call.ordinal for call in self._around(frame) if call.name.kind == "tool"]
        call = _Open(name, ordinal, frame, tuple(reversed(around)), [], [])
        self._calls.append(call)
        self._by_start[frame.id] = call
        if kind == "llm":
            self._by_call[str(frame.data.get("call_id"))] = call

    def continue_with(self, frame: FrameLike) -> None:
        if frame.type.endswith("_started"):
            self._parents[frame.id] = frame.parent_id
        call = None
        if frame.type in _OF_MODELS:
            call = self._by_call.get(str(frame.data.get("call_id")))
        elif frame.type in _OF_TOOLS:
            call = self._by_start.get(str(frame.data.get("started_event_id")))
        if call is not None:
            call.steps.append(frame)
            return
        if frame.type == "tool_failure_detected":
            self._tell_failure(frame)
        around = self._around(frame)
        if around and frame.id not in (around[0].frame.id,):
            self._put_within(around, frame)

    def all(self) -> list[RecordedCall]:
        return [
            RecordedCall(
                name=call.name,
                ordinal=call.ordinal,
                request=_STARTS[call.frame.type][1](call.frame.data),
                steps=tuple(call.steps),
                inside=call.inside,
                within=tuple(call.within),
            )
            for call in self._calls
        ]

    def _put_within(self, around: list[_Open], frame: FrameLike) -> None:
        nearest = around[0]
        if nearest.name.kind == "llm" and frame.type == "tool_usage_started":
            nearest.steps.append(frame)
        for call in around:
            call.within.append(frame)

    def _tell_failure(self, frame: FrameLike) -> None:
        # It comes right after the end of the call that it is about, and names only the tool.
        for call in reversed(self._calls):
            if call.name.tool == frame.data.get("tool_name") and call.steps:
                call.steps.append(frame)
                return

    def _around(self, frame: FrameLike) -> list[_Open]:
        """Return the calls around a frame, the nearest first."""
        around: list[_Open] = []
        scope, seen = frame.parent_id, set[str]()
        while scope is not None and scope not in seen:
            seen.add(scope)
            if (call := self._by_start.get(scope)) is not None:
                around.append(call)
            scope = self._parents.get(scope)
        return around
