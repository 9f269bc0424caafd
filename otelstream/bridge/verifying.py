"""Recorded runs executed again by today's code, each compared with what was recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from otelstream.bridge import unobserved
from otelstream.bridge.beginnings import Begin, Beginnings
from otelstream.bridge.invocations import Turn, UnrepeatableError, invocation_of
from otelstream.bridge.verdicts import Kind, Verdict
from otelstream.errors import DivergedError, RecordingError, RerunError
from otelstream.jsontext import decode_json
from otelstream.redact import Redactor, secret_values
from otelstream.source.entrypoint import EntryPoint
from otelstream.source.performing import failure_of, perform
from recorder import RecordedSession, Recording
from recorder.diff import Policy, diff
from recorder.rerun import rerun
from recorder.values import decode_value

_CUT: Final = {
    "recording": "it is still being recorded",
    "crashed": "its process died before its end; only whole runs are compared",
    "cancelled": "it was cancelled before its end; only whole runs are compared",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """How runs are executed again, and what of them is compared.

    Attributes:
        serve: What is served from the recording: `llm`, `tools`.
        on_miss: What happens at a call that is not recorded: `error`, or `live`, where it is made.
        run_tools: Names of tools whose bodies do run.
        policy: What two runs of the same code may differ in.
    """

    serve: frozenset[Literal["llm", "tools"]] = frozenset(("llm", "tools"))
    on_miss: Literal["error", "live"] = "error"
    run_tools: frozenset[str] = frozenset()
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class _Compared:
    kind: Kind
    frame: int | None = None
    text: str = ""


def verify(
    recording: Recording, sessions: Sequence[RecordedSession], app: EntryPoint, terms: Terms
) -> Iterator[Verdict]:
    """Execute sessions again, and yield the verdict of each when it is known; then of files left out.

    Args:
        recording: What holds them.
        sessions: Which ones, oldest first: later turns of a conversation build on earlier ones.
        app: The flow or model of today.
        terms: How it is executed.

    Raises:
        EntryPointError: The app is one flow that exists already, or cannot be made.
    """
    beginnings = Beginnings(app)
    for session in sessions:
        began = time.perf_counter()
        compared = _verified(recording, session, beginnings, terms)
        yield Verdict(
            session.file,
            session.id,
            session.index,
            session.start.name,
            compared.kind,
            compared.frame,
            compared.text,
            time.perf_counter() - began,
        )
    for file, sentence in recording.skipped:
        yield Verdict(file, None, None, None, "unreadable", text=sentence)


def _verified(
    recording: Recording, session: RecordedSession, beginnings: Beginnings, terms: Terms
) -> _Compared:
    try:
        _refuse_cut(recording, session)
        invocation = invocation_of(recording.frames(session))
        begin = beginnings.begin(invocation, session.start.mode, _result_of(session))
        compared, performed = _compared(session, begin, terms)
        if isinstance(invocation, Turn):
            beginnings.ended(invocation, None if performed is None else _messages(performed))
    except UnrepeatableError as error:
        return _Compared("skipped", text=str(error))
    except RecordingError as error:
        return _Compared("unreadable", text=str(error))
    return compared


def _refuse_cut(recording: Recording, session: RecordedSession) -> None:
    if session.state in _CUT:
        raise UnrepeatableError(_CUT[session.state])
    missing = sum(gap.frames for gap in recording.gaps(session))
    if missing:
        raise UnrepeatableError(f"{missing} of its frames are missing in the recording")


def _result_of(session: RecordedSession) -> object:
    end = session.end
    return None if end is None or end.result is None else decode_value(decode_json(end.result))


def _compared(session: RecordedSession, begin: Begin, terms: Terms) -> tuple[_Compared, Any]:
    """Execute a run again, and return how it compares, and its session if it was the same."""
    served = rerun(
        session.file,
        session.start.session_id,
        serve=terms.serve,
        on_miss=terms.on_miss,
        run_tools=terms.run_tools,
    )
    try:
        with served, unobserved():
            performed = perform(begin, session.start.mode)
    except DivergedError as error:
        return _Compared("diverged", error.frame, str(error)), None
    except SystemExit as leaving:
        return _Compared("diverged", text=f"it ends the process now: SystemExit: {leaving.code}"), None
    except RerunError as error:
        raise UnrepeatableError(str(error)) from None
    found = diff(session.file, performed, session=session.start.session_id, policy=terms.policy)
    if found.verdict == "different":
        first = found.first
        frame = None if first is None else first.right if first.left is None else first.left
        return _Compared("diverged", frame, _failure_before(session, performed) + str(found)), None
    return _Compared(found.verdict), performed


def _failure_before(session: RecordedSession, performed: Any) -> str:  # noqa: ANN401  a session of CrewAI's
    """Return a line about what was raised where nothing was: frames that are missing then follow from it."""
    error = failure_of(performed) if session.state == "completed" else None
    if error is None:
        return ""
    told = str(error)
    if session.start.redacted:  # as the frames are, with which it is told
        told = Redactor(values=secret_values(os.environ)).redact_text(told)
    return f"it fails now: {type(error).__name__}: {told}\n"


def _messages(performed: Any) -> int:  # noqa: ANN401  a session of CrewAI's
    """Return how many messages a conversation has after a turn."""
    indexes = [
        frame.data["message_index"]
        for frame in performed.frames
        if frame.type == "conversation_message_added"
    ]
    return int(max(indexes)) + 1
