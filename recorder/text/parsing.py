"""Lines of a text recording to what they say; a reader passes over what it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from otelstream.errors import FrameError, RecordingError
from otelstream.frame import StreamFrame, frame_of_value, parse_exact
from otelstream.jsontext import decode_json, encode_json
from recorder.session_row import SessionEnd, SessionStart, StoredFrame, StoredGap
from recorder.text.headers import HEADER_FIELD
from recorder.text.lines import JSON_COLUMNS, TEXT_VERSION

Said: TypeAlias = SessionStart | StoredFrame | StoredGap | SessionEnd | UUID | None
"""What a line says: how a session starts, a frame, a gap, how a session ends, which session follows; or
nothing that this version knows."""

T = TypeVar("T")

_STATES: Final = frozenset({"completed", "failed", "cancelled", "crashed"})
_OFFSET: Final = re.compile(rb'\{"offset_ns":(-?[0-9]{1,18}),')
_USUAL: Final = re.compile(rb'\{"offset_ns":(-?[0-9]{1,18}),"frame":')
_DAY_S: Final = 86_400


def offset_of(line: bytes) -> int | None:
    """Return when the frame of a line arrived, without reading the frame; None if that takes more."""
    found = _OFFSET.match(line)
    return None if found is None else int(found[1])


def said_by(line: bytes) -> Said:
    """Return what a line says.

    Raises:
        FrameError: It is damaged; the text says what is wrong with it.
        RecordingError: It is a header of a later version; the text says of which one.
    """
    if (frame := _usual_frame(line)) is not None:
        return frame
    said = _object(line)
    for name, read in _READERS.items():
        if name in said:
            return read(said, len(line))
    return None


def _usual_frame(line: bytes) -> StoredFrame | None:
    """Return the frame of a line as otelstream writes most of them; None if it takes more to read it."""
    found = _USUAL.match(line)
    if found is None or not line.endswith(b"}}\n"):
        return None
    try:
        frame = StreamFrame.model_validate_json(line[found.end() : -2])
    except ValidationError:
        return None  # lone surrogates, for one; whatever it is, it is read piece by piece
    return StoredFrame(int(found[1]), frame, len(line))


def is_object(line: bytes) -> bool:
    """Tell whether a line is a whole JSON object."""
    try:
        _object(line)
    except FrameError:
        return False
    return True


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = decode_json(line.strip())
    except ValueError as error:
        raise FrameError(f"not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise FrameError("no JSON object")
    return value


def _start(said: dict[str, Any], _: int) -> SessionStart:
    version = said[HEADER_FIELD]
    if type(version) is not int:
        raise FrameError(f"{HEADER_FIELD} is {version!r}, no number of a version")
    if version > TEXT_VERSION:
        raise RecordingError(f"text form {version}, newer than the {TEXT_VERSION} that this version reads")
    return _valid(SessionStart, said)


def _frame(said: dict[str, Any], size: int) -> StoredFrame:
    text = said.get("frame_text")
    frame = parse_exact(text) if isinstance(text, str) else frame_of_value(said.get("frame"))
    if (seconds := said.get("utc_offset")) is not None:
        if type(seconds) is not int or abs(seconds) >= _DAY_S:
            raise FrameError(f"utc_offset is {seconds!r}, no number of seconds below a day")
        frame.timestamp = frame.timestamp.replace(tzinfo=timezone(timedelta(seconds=seconds)))
    offset_ns = said.get("offset_ns")
    if not (offset_ns is None or type(offset_ns) is int):
        raise FrameError(f"offset_ns is {offset_ns!r}, no whole number")
    return StoredFrame(offset_ns, frame, size)  # type: ignore[arg-type]  # NULL in some salvaged ones


def _gap(said: dict[str, Any], _: int) -> StoredGap:
    return _valid(StoredGap, {**said, "frames": said["gap"]})


def _end(said: dict[str, Any], _: int) -> SessionEnd:
    state = said["outcome"]
    if not isinstance(state, str) or state not in _STATES:
        raise FrameError(f"outcome is {state!r}, none of {', '.join(sorted(_STATES))}")
    texts = {name: _text_of(said, name) for name in JSON_COLUMNS}
    return _valid(SessionEnd, {**said, "state": state, **texts})


def _session(said: dict[str, Any], _: int) -> UUID:
    try:
        return UUID(said["session"])
    except (ValueError, AttributeError, TypeError):
        raise FrameError(f"session is {said['session']!r}, no id") from None


_READERS: Final[Mapping[str, Callable[[dict[str, Any], int], Said]]] = {
    HEADER_FIELD: _start,
    "frame": _frame,
    "frame_text": _frame,
    "gap": _gap,
    "outcome": _end,
    "session": _session,
}
"""By a field that only lines of one kind have, what reads the object of such a line and its size."""


def _text_of(said: dict[str, Any], name: str) -> str | None:
    """Return what a database holds as text, and a line as JSON or, rarely, as text, too."""
    if (text := said.get(f"{name}_text")) is not None:
        return str(text)
    return encode_json(said[name]) if name in said else None


def _valid(kind: type[T], said: Mapping[str, Any]) -> T:
    names, adapter = _shape_of(cast("Hashable", kind))
    try:
        row: T = adapter.validate_python({name: said.get(name) for name in names})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise FrameError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for name in names:
        if isinstance(moment := getattr(row, name), datetime) and moment.tzinfo is not None:
            raise FrameError(f"{name} has a time zone; times are in UTC, without one")
    return row


@cache
def _shape_of(kind: Any) -> tuple[tuple[str, ...], TypeAdapter[Any]]:  # noqa: ANN401  a class of rows
    names = StoredGap._fields if kind is StoredGap else tuple(field.name for field in fields(kind))
    return names, TypeAdapter(kind)
