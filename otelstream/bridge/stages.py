"""Frames of one session to a recording file, and what is told of its end.

Raises what goes wrong; the pipeline catches it, counts it and lets the program go on.
"""

from __future__ import annotations

import os
import platform
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cache
from importlib import metadata
from typing import Any, Final

from otelstream import __version__
from otelstream.bridge.counters import Reason
from otelstream.bridge.files import RecordingFile
from otelstream.bridge.stream import Beginning, End, Options
from otelstream.frame import FrameLike, Outcome, ns_datetime
from otelstream.jsontext import encode_json
from otelstream.redact import Redactor
from otelstream.span import names
from otelstream.span.model import AttributeValue
from recorder.exceptions import encode_exception
from recorder.session_row import SessionEnd, SessionStart, SpanRow
from recorder.values import encode_value

NAMING: Final = ("flow_name", "crew_name", "model")
"""Fields of the first frame that name a session."""


class RecordStage:
    """Frames of one session to a recording file."""

    def __init__(self, file: RecordingFile, options: Options, beginning: Beginning) -> None:
        self.file = file
        self._writer = file.writer
        self._began_ns = beginning.clock_ns
        self.session_id = uuid7(beginning.time_ns)
        self.count = 0
        self.lost = 0
        self._begun = False
        self._gaps: list[tuple[int, Reason]] = []
        self._options = options
        self._beginning = beginning

    def frame(self, frame: FrameLike, clock_ns: int, like: object) -> None:
        """Take the next frame, already redacted, the monotonic time of its arrival, and what it is like."""
        if not self._begun:
            self._begin(frame.data)
        self._add(self._encode(frame, self.count, clock_ns - self._began_ns, like))
        self.count += 1

    def gap(self, frames: int, reason: Reason) -> None:
        """Say that frames are missing here, and why."""
        self.lost += frames
        if self._begun:
            self._writer.add_gap(self.session_id, frames, reason, _now())
        else:
            self._gaps.append((frames, reason))  # the next frame names the session

    def spans(self, spans: Sequence[SpanRow]) -> None:
        """Take spans that have ended."""
        if self._begun:
            self._writer.add_spans(self.session_id, spans)

    def end(self, told: ToldEnd, trace_id: int | None, redactions: Mapping[str, int] | None) -> None:
        """Add the session's end."""
        if not self._begun:
            self._begin({})
        self._writer.end(
            self.session_id,
            SessionEnd(
                ended_at=ns_datetime(told.outcome.ended_ns).replace(tzinfo=None),
                state=told.outcome.state,
                frame_count=self.count,
                frames_dropped=self.lost,
                trace_id=None if trace_id is None else f"{trace_id:032x}",
                result=told.result,
                error_type=told.outcome.error_type,
                error_message=told.outcome.error_message,
                error=told.error,
                redactions=None if redactions is None else encode_json(dict(sorted(redactions.items()))),
            ),
        )

    def _begin(self, data: Mapping[str, Any]) -> None:
        if not isinstance(data, Mapping):  # the frame itself will be counted as lost
            data = {}
        parent = self._beginning.parent
        redactor = self._options.redactor
        named = [value for key in NAMING if isinstance(value := data.get(key), str)]
        conversation = data.get("session_id")
        self._writer.begin(
            SessionStart(
                session_id=self.session_id,
                started_at=ns_datetime(self._beginning.time_ns).replace(tzinfo=None),
                mode="async" if self._options.mode == "async" else "sync",
                name=named[0] if named else None,
                entry_point=_masked(self._options.entry_point, redactor),
                conversation_id=conversation if isinstance(conversation, str) else None,
                recorded_as=str(self.file.path),
                redacted=redactor is not None,
                parent_trace_id=None if parent is None else f"{parent.trace_id:032x}",
                parent_span_id=None if parent is None else f"{parent.span_id:016x}",
                parent_sampled=None if parent is None else parent.trace_flags.sampled,
                service_name=_masked(os.environ.get("OTEL_SERVICE_NAME"), redactor),
                host=socket.gethostname(),
                pid=os.getpid(),
                otelstream_version=__version__,
                crewai_version=_crewai_version(),
                python_version=platform.python_version(),
            )
        )
        self._encode, self._add = self._writer.adding_to(self.session_id)
        for frames, reason in self._gaps:
            self._writer.add_gap(self.session_id, frames, reason, _now())
        self._begun = True


@dataclass(frozen=True, slots=True)
class ToldEnd:
    """How a session ended, with result and exception as tagged JSON text, all of it redacted."""

    outcome: Outcome
    result: str | None
    error: str | None


def told(end: End, redactor: Redactor | None) -> ToldEnd:
    """Return the end of a session in the words that may leave the process."""
    result = encode_json(_redacted(encode_value(end.result[0]), redactor)) if end.result else None
    if end.state != "failed" or end.error is None:
        return replace(withheld(end, redactor), result=result)
    error = _redacted(encode_exception(end.error), redactor)
    outcome = replace(withheld(end, redactor).outcome, error_message=str(error["text"]))
    return ToldEnd(outcome, result, encode_json(error))


def withheld(end: End, redactor: Redactor | None) -> ToldEnd:
    """Return the end of a session with nothing that could hold a secret: no result, no text of an error."""
    error = end.error if end.state == "failed" else None
    return ToldEnd(
        outcome=Outcome(
            state=end.state,
            ended_ns=end.time_ns // 1000 * 1000,  # a recording keeps microseconds
            error_type=None if error is None else _masked(_class_name(error), redactor),
            error_message="the run ended without a result"
            if end.state == "failed" and error is None
            else None,
        ),
        result=None,
        error=None,
    )


def recording_attributes(
    file: str | None, session_id: uuid.UUID | None, dropped: int
) -> dict[str, AttributeValue]:
    """Return what the root span says of its recording, so that a person finds the replay of a trace."""
    attributes: dict[str, AttributeValue] = {}
    if file is not None and session_id is not None:
        attributes = {names.RECORDING_FILE: file, names.RECORDING_SESSION: str(session_id)}
    return {**attributes, names.FRAMES_DROPPED: dropped} if dropped else attributes


def uuid7(time_ns: int) -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562) of that time: ids sort by when their sessions began."""
    value = (time_ns // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    return uuid.UUID(int=value & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def _redacted(value: Any, redactor: Redactor | None) -> Any:  # noqa: ANN401  JSON is any value
    return value if redactor is None else redactor.redact(value)


def _masked(text: str | None, redactor: Redactor | None) -> str | None:
    """Return a name masked by the rules alone: a function of the user's may raise, and is for content."""
    return text if text is None or redactor is None else redactor.mask(text)


def _class_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


@cache
def _crewai_version() -> str | None:
    try:
        return metadata.version("crewai")
    except metadata.PackageNotFoundError:
        return None
