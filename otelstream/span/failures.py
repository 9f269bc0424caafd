"""Why a frame says that its span failed."""

from __future__ import annotations

import re
from typing import Final

from otelstream.frame import Outcome
from otelstream.span import names, rules
from otelstream.span.model import SpanError
from otelstream.span.scalars import Data, text

_EXCEPTION_REPR: Final = re.compile(r"([A-Za-z_][\w.]*)\(")
_CLASS_REPR: Final = re.compile(r"<class '([\w.<>]+)'>")
_HTTP_STATUS: Final = re.compile(r"\bError code: ([45]\d\d)\b")
_QUALIFIED: Final = re.compile(r"[A-Za-z_][\w.:]*")

MIN_PART: Final = 12
"""Shortest text, in characters, that is taken for a part of another and not for a word in it."""


def error_of(data: Data, beneath: SpanError | None = None) -> SpanError:
    """Return why a frame says that its span failed.

    `error.type` is the exception's class where the runtime gives one: `error_type` of task, MCP and A2A
    frames and the `repr` of tool frames. Of LLM failures it is the HTTP status, if their text says one in
    the words of the OpenAI and Anthropic clients. Other frames have the text alone: one that holds the text
    of a failure beneath, or is a part of it, has its type; any other gets the convention's `_OTHER`.

    Args:
        data: The frame's `data`.
        beneath: The last failure of a span beneath the one that failed.
    """
    found = _told(data)
    if found.type == names.ERROR_TYPE_OTHER and beneath is not None and _tells(found, beneath):
        return SpanError(beneath.type, found.message)
    return found


def error_of_outcome(outcome: Outcome) -> SpanError | None:
    """Return why a session failed, None if it did not."""
    if outcome.state == "failed":
        return SpanError(
            text(outcome.error_type) or names.ERROR_TYPE_OTHER,
            text(outcome.error_message) or "the run failed",
        )
    if outcome.state == "cut":
        return SpanError("cut", "the recording ends here: the process died")
    return None


def declares_failure(pair: rules.Pair, data: Data) -> bool:
    """Tell whether an end frame of a pair without a failing type says that it failed."""
    return pair.fails_if is not None and data.get(pair.fails_if[0]) == pair.fails_if[1]


def _tells(error: SpanError, beneath: SpanError) -> bool:
    """Tell whether a failure speaks of the one beneath it: one of the texts holds the other."""
    long_enough = len(error.message) >= MIN_PART
    return beneath.message in error.message or (long_enough and error.message in beneath.message)


def _told(data: Data) -> SpanError:
    message = text(data.get("error")) or "failed"
    declared = text(data.get("error_type")) or ""
    match = _CLASS_REPR.fullmatch(declared)
    if match is None and _QUALIFIED.fullmatch(declared):
        return SpanError(declared, message)
    if match is None and "tool_name" in data:
        match = _EXCEPTION_REPR.match(message)
    if match is None and "call_id" in data:
        match = _HTTP_STATUS.search(message)
    return SpanError(match[1] if match else names.ERROR_TYPE_OTHER, message)
