"""Why a frame says that its span failed."""

from __future__ import annotations

import re
from typing import Final

from otelstream.frame import Outcome
from otelstream.span import names, rules
from otelstream.span.model import SpanError
from otelstream.span.scalars import Data, mapping, message, text

_EXCEPTION_REPR: Final = re.compile(r"([A-Za-z_][\w.]*)\(")
_CLASS_REPR: Final = re.compile(r"<class '([\w.<>]+)'>")
_HTTP_STATUS: Final = re.compile(r"\bError code: ([45]\d\d)\b")
_QUALIFIED: Final = re.compile(r"[A-Za-z_][\w.:]*")

MIN_PART: Final = 12
"""Shortest text, in characters, that is taken for a part of another and not for a word in it."""


def failure_of(rule: rules.Rule, data: Data, beneath: SpanError | None = None) -> SpanError | None:
    """Return why an end frame says that its span failed, None if it did not.

    Args:
        rule: What the frame's type does. A type may always fail, or fail where a field says so; a tool that
            is finished may have reported a failure (`crewai.tools.tool_failure`).
        data: The frame's `data`.
        beneath: The last failure of a span beneath the one that ends.
    """
    if rule.failed:
        return error_of(data, beneath)
    reported = mapping(data.get("failure")) if rule.kind is rules.TOOL else {}
    if reported:
        return SpanError(
            text(reported.get("reason")) or names.ERROR_TYPE_OTHER,
            message(reported.get("message")) or "failed",
        )
    fails_if = None if rule.pair is None else rule.pair.fails_if
    failed = fails_if is not None and data.get(fails_if[0]) == fails_if[1]
    return error_of(data, beneath) if failed else None


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
            message(outcome.error_message) or "the run failed",
        )
    if outcome.state == "cut":
        return SpanError("cut", "the recording ends here: the process died")
    return None


def _tells(error: SpanError, beneath: SpanError) -> bool:
    """Tell whether a failure speaks of the one beneath it: the texts are equal, or one holds the other."""
    shorter, longer = sorted((error.message, beneath.message), key=len)
    return shorter == longer or (len(shorter) >= MIN_PART and shorter in longer)


def _told(data: Data) -> SpanError:
    told = message(data.get("error")) or "failed"
    declared = text(data.get("error_type")) or ""
    match = _CLASS_REPR.fullmatch(declared)
    if match is None and _QUALIFIED.fullmatch(declared):
        return SpanError(declared, told)
    if match is None and "tool_name" in data:
        match = _EXCEPTION_REPR.match(told)
    if match is None and "call_id" in data:
        match = _HTTP_STATUS.search(told)
    return SpanError(match[1] if match else names.ERROR_TYPE_OTHER, told)
