"""What to say of a live call that the recording does not hold: which it is, and how it differs.

Pure: values in, text out.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any, Final, NamedTuple

from otelstream.errors import DivergedError
from recorder.rerun.calls import CallName, RecordedCall
from recorder.rerun.requests import Request

_SHOWN: Final = 100
"""Characters of a value in a sentence."""

_LINES: Final = 200
"""Lines of a difference."""

_COMPARED: Final = 20_000
"""Characters of a request by which the nearest recorded one is found."""

_ADVICE: Final = "If that is intended, record the run again."


class Difference(NamedTuple):
    """The first thing in which two requests differ: where, and both values."""

    where: str
    recorded: Any
    live: Any


def diverged(name: CallName, request: Request, unused: Sequence[RecordedCall]) -> DivergedError:
    """Return the error for a call that has no recorded one.

    Args:
        name: What the live call is called.
        request: What it asks.
        unused: The recorded calls of its kind that are still to be served.
    """
    there = [call for call in unused if call.name.path == name.path]
    nearest = _nearest(request, there)
    if nearest is None:
        elsewhere = next((call for call in unused if call.request.digest == request.digest), None)
        hint = f" The same was asked in {elsewhere.name}." if elsewhere else ""
        told = (
            f"{name} is not in the recording, which holds no further call of its kind there.{hint} {_ADVICE}"
        )
        return DivergedError(told, _diff([], _lines(request.fields), "recorded", "now"))
    return changed(name, nearest, nearest.request.fields, request.fields)


def changed(
    name: CallName, call: RecordedCall, recorded: Mapping[str, Any], live: Mapping[str, Any]
) -> DivergedError:
    """Return the error for a call that asks something else than a recorded one.

    Args:
        name: What the live call is called.
        call: The recorded call.
        recorded: What that asked, as the fields of a request.
        live: What is asked now.
    """
    first = next(differences(recorded, live))
    told = f"{name} is not the recorded one: {first.where} differs{_values(first)}. {_ADVICE}"
    label = f"recorded ({call.name}, frame {call.ordinal})"
    return DivergedError(told, _diff(_lines(first.recorded), _lines(first.live), label, "now"), call.ordinal)


def differences(recorded: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield in what two requests differ, messages and arguments one by one."""
    for field in {**recorded, **live}:
        before, now = recorded.get(field), live.get(field)
        if before == now:
            continue
        parts = _PARTS.get(field)
        if parts is not None and isinstance(before, list | dict) and type(before) is type(now):
            yield from _part_differences(parts, before, now)
        else:
            yield Difference(field, before, now)


_PARTS: Final[Mapping[str, str]] = {"messages": "message", "tools": "tool", "tool_args": "argument"}


def _part_differences(word: str, recorded: Any, live: Any) -> Iterator[Difference]:  # noqa: ANN401  JSON
    pairs: Iterable[tuple[Any, Any, Any]]
    if isinstance(recorded, dict):
        pairs = ((repr(key), recorded.get(key), live.get(key)) for key in {**recorded, **live})
    else:
        pairs = (
            (number, before, now) for number, (before, now) in enumerate(zip_longest(recorded, live), start=1)
        )
    for name, before, now in pairs:
        if before != now:
            yield Difference(f"{word} {name}{_role(now or before)}", before, now)


def _role(message: Any) -> str:  # noqa: ANN401  JSON
    role = message.get("role") if isinstance(message, Mapping) else None
    return f" ({role})" if isinstance(role, str) else ""


def _values(difference: Difference) -> str:
    shown = [_short(difference.recorded), _short(difference.live)]
    return "" if max(map(len, shown)) > _SHOWN else f": recorded {shown[0]}, now {shown[1]}"


def _short(value: Any) -> str:  # noqa: ANN401  JSON
    return json.dumps(value, ensure_ascii=False, default=str)


def _nearest(request: Request, calls: Sequence[RecordedCall]) -> RecordedCall | None:
    live = _short(request.fields)[-_COMPARED:]

    def likeness(call: RecordedCall) -> float:
        recorded = _short(call.request.fields)[-_COMPARED:]
        return difflib.SequenceMatcher(None, recorded, live).quick_ratio()

    return max(calls, key=likeness, default=None)


def _lines(value: Any) -> list[str]:  # noqa: ANN401  JSON
    """Return a value as lines, a message as its role and its text."""
    if value is None:
        return []
    if isinstance(value, Mapping) and isinstance(value.get("content"), str):
        rest = {name: item for name, item in value.items() if name not in ("role", "content") and item}
        told = [f"{value.get('role')}:", *value["content"].splitlines()]
        return [*told, *(json.dumps(rest, indent=2, default=str).splitlines() if rest else [])]
    if isinstance(value, str):
        return value.splitlines()
    return json.dumps(value, indent=2, ensure_ascii=False, default=str).splitlines()


def _diff(recorded: list[str], live: list[str], before: str, now: str) -> str:
    lines = difflib.unified_diff(recorded, live, before, now, lineterm="")
    return "\n".join(islice(lines, _LINES))
