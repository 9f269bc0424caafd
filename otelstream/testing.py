"""Frames made by hand, for tests: fixed ids, a fixed clock, and a script that chains them like the runtime.

Needs no CrewAI, and must not read a clock or draw a random number: the same script gives the same frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from otelstream.frame import FrameLike, Outcome, StreamFrame, datetime_ns, timestamp_ns
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import Operation
from otelstream.span.options import SpanOptions

__all__ = ["START", "START_NS", "Script", "assembled", "make_frame"]

START: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""When every made-up session begins."""

START_NS: Final = datetime_ns(START)
"""The same moment in nanoseconds since the epoch."""


def make_frame(  # noqa: PLR0913  one parameter for each field of the envelope
    frame_type: str,
    /,
    *,
    id: str = "f0",  # noqa: A002  the field's own name
    parent: str | None = None,
    previous: str | None = None,
    at_ms: float = 0,
    data: Mapping[str, object] | None = None,
    channel: str = "custom",
    seq: int | None = None,
) -> StreamFrame:
    """Return one frame, valid and without surprises in the fields that are not given.

    Args:
        frame_type: The frame's `type`.
        id: Its id.
        parent: Id of the frame that opened the scope around it.
        previous: Id of the frame before it in its context.
        at_ms: Its time, in milliseconds after `START`.
        data: The source event's payload.
        channel: Its channel, which is also its namespace.
        seq: Its number in the execution.
    """
    return StreamFrame(
        id=id,
        seq=seq,
        type=frame_type,
        channel=channel,
        namespace=[channel],
        timestamp=START + timedelta(milliseconds=at_ms),
        parent_id=parent,
        previous_id=previous,
        data=dict(data or {}),
    )


@dataclass(slots=True)
class _Tape:
    """What the branches of one script share: the frames so far, and the time of the next."""

    step_ms: float
    next_ms: float = 0
    frames: list[StreamFrame] = field(default_factory=list)


class Script:
    """A session written down call by call; each call makes one frame and returns it.

    Ids are `f0`, `f1`, … in the order of the calls, and each frame comes `step_ms` after the one before it.

        script = Script()
        script.start("flow_started", flow_name="Greeting")
        script.emit("my_event", step=1)
        script.end("flow_finished")
        operations = assembled(script.frames)

    Args:
        step_ms: Milliseconds between two frames.
    """

    def __init__(self, *, step_ms: float = 1) -> None:
        self._tape = _Tape(step_ms)
        self._scopes: tuple[str, ...] = ()
        self._previous: str | None = None

    @property
    def frames(self) -> list[StreamFrame]:
        """All frames so far, those of every branch, in the order of their calls."""
        return list(self._tape.frames)

    def emit(self, frame_type: str, /, **data: object) -> StreamFrame:
        """Add a frame inside the current scope."""
        return self._add(frame_type, data)

    def start(self, frame_type: str, /, **data: object) -> StreamFrame:
        """Add a frame that opens a scope: what follows is inside it."""
        frame = self._add(frame_type, data)
        self._scopes = (*self._scopes, frame.id)
        return frame

    def end(self, frame_type: str, /, **data: object) -> StreamFrame:
        """Add a frame that closes the innermost scope, and say so in its `started_event_id`.

        Raises:
            IndexError: No scope is open.
        """
        started = self._scopes[-1]
        self._scopes = self._scopes[:-1]
        return self._add(frame_type, {"started_event_id": started, **data})

    def wait(self, milliseconds: float) -> None:
        """Let time pass before the next frame; a negative number sets the clock back."""
        self._tape.next_ms += milliseconds

    def fork(self) -> Script:
        """Return a parallel branch that starts here: its own scopes and chain, the same frames and clock."""
        branch = Script()
        branch._tape = self._tape
        branch._scopes = self._scopes
        branch._previous = self._previous
        return branch

    def _add(self, frame_type: str, data: Mapping[str, object]) -> StreamFrame:
        tape = self._tape
        frame = make_frame(
            frame_type,
            id=f"f{len(tape.frames)}",
            parent=self._scopes[-1] if self._scopes else None,
            previous=self._previous,
            at_ms=tape.next_ms,
            data=data,
            seq=len(tape.frames) + 1,
        )
        tape.frames.append(frame)
        tape.next_ms += tape.step_ms
        self._previous = frame.id
        return frame


def assembled(
    frames: Iterable[FrameLike],
    outcome: Outcome | None = None,
    options: SpanOptions | None = None,
) -> list[Operation]:
    """Return all span operations of a session: its frames fed one after the other, and its end.

    Args:
        frames: The frames in their order of arrival.
        outcome: How it ended; completed at its latest frame if not given.
        options: How frames become spans.
    """
    assembler = SpanAssembler(options or SpanOptions())
    operations: list[Operation] = []
    latest = 0
    for frame in frames:
        operations.extend(assembler.feed(frame))
        latest = max(latest, timestamp_ns(frame))
    operations.extend(assembler.close(outcome or Outcome("completed", latest)))
    return operations
