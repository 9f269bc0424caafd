"""The exceptions of recorded calls, made anew from the little that frames say of them.

A frame has only a text. Classes come from the session's own exception or from later frames that name them, if
they are loaded; else a `ReplayedError` stands in. Nothing is imported or evaluated.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from pydantic import JsonValue

from otelstream.frame import FrameLike
from otelstream.jsontext import decode_json
from otelstream.span.literals import restored
from recorder.classes import guarded
from recorder.exceptions import ReplayedError, decode_exception
from recorder.rerun.calls import RecordedCall

_PREFIX: Final = re.compile(r"\A[\w.-]+(?: [\w.-]+){0,4} (?:call )?failed: ", re.IGNORECASE)
_STATUS: Final = re.compile(r"\AError code: (\d{3})\b")
_REPR: Final = re.compile(r"\A(\w+)\((.*)\)\Z", re.DOTALL)
_CONTEXT: Final = (
    "crewai.utilities.exceptions.context_window_exceeding_exception:LLMContextLengthExceededError"
)

_KNOWN_TEXTS: Final = (
    (re.compile(r"\AFailed to connect to "), "builtins:ConnectionError"),
    (re.compile(r"\AModel \S+ not found"), "builtins:ValueError"),
    (re.compile(r"maximum context length|context length exceeded|context_length_exceeded"), _CONTEXT),
)
"""Texts that CrewAI's providers give to exceptions of their own making."""

_BY_STATUS: Final = {
    "400": "openai:BadRequestError",
    "401": "openai:AuthenticationError",
    "403": "openai:PermissionDeniedError",
    "404": "openai:NotFoundError",
    "409": "openai:ConflictError",
    "422": "openai:UnprocessableEntityError",
    "429": "openai:RateLimitError",
}
_OTHER: Final = "builtins:RuntimeError"
"""What a model raises "for other reasons", as `crewai.llms.base_llm.BaseLLM.call` has it."""


class Failures:
    """Makes the exceptions of one session's calls.

    Args:
        frames: The session's frames.
        error: The exception that ended it, as recorded.
    """

    def __init__(self, frames: Iterable[FrameLike], error: str | None) -> None:
        self._error = None if error is None else decode_json(error)
        self._told = [
            (ordinal, frame)
            for ordinal, frame in enumerate(frames)
            if isinstance(frame.data.get("error"), str)
        ]

    def of_model(self, call: RecordedCall) -> Exception:
        """Return the exception that a failed LLM call raised."""
        text = next(str(step.data.get("error")) for step in reversed(call.steps) if "error" in step.data)
        known = self._of_session(lambda error: bool(str(error)) and text.endswith(str(error)))
        if known is not None:
            return known
        for ordinal, frame in self._told:
            said = frame.data["error"]
            if ordinal > call.ordinal and said and text.endswith(said) and "error_type" in frame.data:
                return _named(frame.data["error_type"], said)
        said = _PREFIX.sub("", text)
        return _named(_class_of(said), said)

    def of_tool(self, call: RecordedCall) -> Exception:
        """Return the exception that a failed tool raised."""
        end = next(step for step in call.steps if step.type == "tool_usage_error")
        told, text = str(end.data.get("error")), _failure_text(call.steps)
        known = self._of_session(lambda error: repr(error) == told)
        if known is not None:
            return known
        return _read(told, text)

    def _of_session(self, fits: Callable[[BaseException], bool]) -> Exception | None:
        if self._error is None:
            return None
        # Decoded each time: an exception that is raised twice would keep the traceback of the first time.
        for error in _chain(decode_exception(self._error)):
            if isinstance(error, Exception) and guarded(partial(fits, error), lambda _: False):
                return error
        return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _class_of(text: str) -> str:
    for pattern, path in _KNOWN_TEXTS:
        if pattern.search(text):
            return path
    status = _STATUS.match(text)
    if status is None:
        return _OTHER
    return _BY_STATUS.get(
        status[1], "openai:InternalServerError" if status[1] >= "500" else "openai:APIStatusError"
    )


def _named(path: Any, text: str) -> Exception:  # noqa: ANN401  what a frame has as `error_type`
    """Return an exception of a class, if that is loaded, or one that stands in for it."""
    status = _STATUS.match(text)
    encoded: JsonValue = {
        "$type": "exception",
        "class": str(path),
        "bases": ["RuntimeError"],
        "args": [text],
        "text": text,
        # By it CrewAI tells whether a call is worth repeating.
        "attributes": {"status_code": int(status[1])} if status else {},
    }
    error = decode_exception(encoded)
    return error if isinstance(error, Exception) else ReplayedError(text)


def _failure_text(steps: Sequence[FrameLike]) -> str | None:
    for step in steps:
        failure = step.data.get("failure")
        if step.type == "tool_failure_detected" and isinstance(failure, dict):
            return str(failure.get("message"))
    return None


def _read(told: str, text: str | None) -> Exception:
    """Return an exception whose `repr` and text are these, a builtin one if there is one."""
    match = _REPR.match(told)
    if match is None:  # a tool that its model ran: the text has a sentence before it
        return RuntimeError(told.partition("': ")[2] or told)
    name, arguments = match[1], _literals(match[2])
    cls = vars(builtins).get(name)
    if isinstance(cls, type) and issubclass(cls, Exception) and arguments is not None:
        error: Exception | None = guarded(lambda: cls(*arguments), lambda _: None)
        if error is not None and repr(error) == told and text in (None, str(error)):
            return error
    if text is None:
        text = match[2] if arguments is None or len(arguments) != 1 else str(arguments[0])
    kind = type(name, (_ToldError,), {"__module__": "recorder.rerun.failures"})
    stand_in: _ToldError = kind(text)
    stand_in.recorded_text, stand_in.recorded_repr = text, told
    return stand_in


def _literals(text: str) -> tuple[Any, ...] | None:
    read = restored(f"({text},)" if text else "()", (0,))
    return read if isinstance(read, tuple) else None


class _ToldError(ReplayedError):
    """Stands in for the exception of a tool of which a frame has the `repr`."""

    recorded_repr = ""

    def __repr__(self) -> str:
        return self.recorded_repr
