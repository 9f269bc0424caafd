"""The two sides of a comparison, wherever they are: recordings, sessions of a program, or frames.

Each gives its frames from any place on, and its outcome as one frame more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from pydantic import JsonValue

from otelstream.errors import UsageError
from otelstream.frame import FrameLike, StreamFrame, exact_json
from otelstream.jsontext import decode_json
from otelstream.redact import PLACEHOLDER
from recorder.exceptions import encode_exception
from recorder.listing import Selector
from recorder.reader import Recording
from recorder.session_row import RecordedSession
from recorder.values import encode_value

OUTCOME: Final = "(outcome)"
"""Type of the frame that stands for state, result and exception."""

_NO_RESULT: Final = "No result available"
_SOMETIME: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@runtime_checkable
class Session(Protocol):
    """A stream session that was consumed, of CrewAI or of ours; its `result` raises where the run did.

    So `result` is none of the members: to find out whether something is a session, each of them is asked for.
    """

    @property
    def frames(self) -> Sequence[Any]:
        """The frames collected so far."""

    @property
    def is_completed(self) -> bool:
        """Whether the stream has ended."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it was closed early."""


Comparable: TypeAlias = str | os.PathLike[str] | Session | Iterable[FrameLike]
"""What can be compared: a recording's path, a finished stream session, or frames."""


class Run(Protocol):
    """One side of a comparison."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def is_masked(self) -> bool:
        """Whether secrets are masked in it."""

    def frames(self, first: int = 0) -> Iterator[FrameLike]:
        """Yield its frames from an ordinal on, its outcome last if it is known."""

    def ordinal_of(self, place: int) -> int:
        """Return the ordinal in the session of what comes at that place in `frames`."""

    def close(self) -> None:
        """Let go of what it holds."""


class RecordedRun:
    """A session of a recording; its frames are read whenever they are asked for."""

    def __init__(self, path: str | os.PathLike[str], selector: Selector) -> None:
        self._recording = Recording(path)
        try:
            self._session = self._recording.session(selector)
        except BaseException:
            self._recording.close()
            raise
        self.name: Final = f"{os.fspath(path)} session {self._session.index}"
        self.is_masked: Final = self._session.start.redacted

    def frames(self, first: int = 0) -> Iterator[FrameLike]:
        """Yield its frames from an ordinal on, and its outcome."""
        if first < self._session.frame_count:
            yield from self._recording.frames(self._session, first)
        yield _outcome(*_recorded_outcome(self._session))

    def ordinal_of(self, place: int) -> int:
        """Return the ordinal in the session of what comes at that place."""
        return place

    def close(self) -> None:
        """Close the recording."""
        self._recording.close()


class KeptRun:
    """Frames in memory; with their ordinals, if they are not all that the session has."""

    def __init__(self, name: str, frames: Iterable[FrameLike], ordinals: Sequence[int] | None = None) -> None:
        self.name: Final = name
        self._frames: Final = list(frames)
        self._ordinals: Final = range(len(self._frames)) if ordinals is None else ordinals

    @property
    def is_masked(self) -> bool:
        """Whether secrets are masked in it: whether something is that the redaction put there."""
        return any(PLACEHOLDER in exact_json(frame) for frame in self._frames)

    def frames(self, first: int = 0) -> Iterator[FrameLike]:
        """Yield its frames from an ordinal on."""
        yield from self._frames[first:]

    def ordinal_of(self, place: int) -> int:
        """Return the ordinal in the session of what comes at that place."""
        return self._ordinals[place]

    def close(self) -> None:
        """Hold nothing."""


def run_of(source: Comparable, selector: Selector, name: str) -> RecordedRun | KeptRun:
    """Return what shall be compared.

    Raises:
        RecordingError: The path leads to no recording that can be read.
        SessionNotFoundError: The recording holds no such session.
        UsageError: The session has not been consumed.
    """
    if isinstance(source, (str, os.PathLike)):
        return RecordedRun(source, selector)
    if not isinstance(source, Session):
        return KeptRun(name, source)
    if not source.is_completed:
        raise UsageError(f"The {name} session has not been consumed; iterate over it before it is compared.")
    return KeptRun(name, [*source.frames, _outcome(*_live_outcome(source))])


def _live_outcome(session: Any) -> tuple[str, JsonValue, JsonValue]:  # noqa: ANN401  with a result
    try:
        return "cancelled" if session.is_cancelled else "completed", encode_value(session.result), None
    except Exception as error:  # noqa: BLE001  what the run raised may be anything
        if isinstance(error, RuntimeError) and str(error) == _NO_RESULT:
            return "cancelled" if session.is_cancelled else "completed", None, None
        return "failed", None, encode_exception(error)


def _recorded_outcome(session: RecordedSession) -> tuple[str, JsonValue, JsonValue]:
    end = session.end
    if end is None:
        return session.state, None, None
    result, error = (None if text is None else decode_json(text) for text in (end.result, end.error))
    return session.state, result, error


def _outcome(state: str, result: JsonValue, error: JsonValue) -> StreamFrame:
    return StreamFrame.model_construct(
        id=OUTCOME,
        seq=None,
        type=OUTCOME,
        channel=OUTCOME,
        namespace=[],
        timestamp=_SOMETIME,
        parent_id=None,
        previous_id=None,
        data={},
        state=state,
        result=result,
        error=_told(error),
    )


def _told(error: JsonValue) -> JsonValue:
    """Return what counts of an exception: where it was raised and what else it holds does not."""
    if not isinstance(error, dict):
        return error
    return {name: _told(error.get(name)) if name == "cause" else error.get(name) for name in _PARTS}


_PARTS: Final = ("class", "args", "text", "cause")
