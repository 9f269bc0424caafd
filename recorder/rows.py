"""A row of `stored_frames` and the context that it shares with others, and the frame that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from pydantic import BaseModel

from otelstream.frame import ENVELOPE, StreamFrame, envelope_of, parse_exact
from otelstream.jsontext import decode_json

Row: TypeAlias = tuple[object, ...]
FrameValues: TypeAlias = tuple[
    int,
    int,
    int,
    int,
    datetime,
    str,
    str,
    int | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
]
"""The values of a `FrameRow`; to name them costs 0.8 µs a row."""

Frame = TypeVar("Frame", bound=BaseModel)
Build: TypeAlias = Callable[[dict[str, Any]], Frame]


class FrameRow(NamedTuple):
    """One row of `stored_frames`, in the order of its columns; `id` is either of its two."""

    session: int
    ordinal: int
    context: int
    offset_ns: int
    timestamp: datetime
    type: str
    id: str
    seq: int | None
    parent_id: str | None
    previous_id: str | None
    chunk: str | None
    tool_call: str | None
    data: str | None
    raw: str | None


def value_of(column: str) -> str:
    """Return what to select from `stored_frames` to get a value of a `FrameRow`."""
    return "coalesce(id_text, id::VARCHAR)" if column == "id" else column


FRAME_COLUMNS: Final = ", ".join(f"{value_of(name)} AS {name}" for name in FrameRow._fields)
"""What to select from `stored_frames` to get the values of a `FrameRow`."""

ORDINAL: Final = 1
CONTEXT: Final = 2
ID: Final = 6
_NAMES: Final = set(ENVELOPE)
_STATE: Final = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
# What pydantic keeps of a model, written as `object.__setattr__` does, in two thirds of the time.
_set_fields, _set_names, _set_extra, _set_private = (vars(BaseModel)[name].__set__ for name in _STATE)
_HYPHENS: Final = (8, 13, 18, 23)


def are_uuids(ids: Sequence[str]) -> bool:
    """Tell whether the column `id` holds all of these: UUIDs in the form in which they are read back.

    One look at all of them together costs a tenth of one at each.
    """
    if any(size != 36 for size in set(map(len, ids))):
        return False
    text = "".join(ids)
    digits = text.replace("-", "")
    if len(digits) != 32 * len(ids) or text != text.lower():
        return False
    if any(text[place::36].count("-") != len(ids) for place in _HYPHENS):
        return False
    try:
        return len(bytes.fromhex(digits)) == 16 * len(ids)  # it passes over blanks
    except ValueError:
        return False


class ContextRow(NamedTuple):
    """One row of `contexts`, in the order of its columns."""

    session: int
    context: int
    channel: str
    namespace: list[str]
    utc_offset: int | None
    data: str | None


@dataclass(frozen=True, slots=True)
class Shared:
    """What a context says of its frames, as it goes into them.

    Attributes:
        envelope: The fields of a frame, of which only `channel` has its value.
        namespace: Their namespace.
        zone: Their time zone, None for naive times.
        data: The JSON of their data, without the text of a token.
        template: The same as a mapping, if a copy of the mapping is a copy of it all.
    """

    envelope: dict[str, Any]
    namespace: list[str]
    zone: timezone | None
    data: str
    template: dict[str, Any] | None


def shared_of(context: ContextRow) -> Shared:
    """Return what the frames of a context share."""
    envelope = {**dict.fromkeys(ENVELOPE), "channel": context.channel}
    data = context.data or "{}"
    return Shared(envelope, context.namespace, _zone(context.utc_offset), data, _flat(data))


def frame_of(row: FrameValues, shared: Shared, before: str | None, build: Build[Frame]) -> Frame:
    """Return the frame of a row.

    Args:
        row: The row.
        shared: What the context that it names says.
        before: The `id` of the row before it in its session, None for the first.
        build: Builds a frame of the class that it shall have; see `builder`.

    Raises:
        FrameError: `raw` is no frame (a damaged or foreign file).
        ValueError: `data` is no JSON object.
    """
    _, _, _, _, moment, frame_type, frame_id, seq, parent_id, previous_id, chunk, call, data, raw = row
    if raw is not None:
        return build(_fields_of(raw, shared.zone))
    if data is not None or chunk is None:
        content = _object(data or shared.data)
    else:
        content = _object(shared.data) if shared.template is None else shared.template.copy()
        content["chunk"] = chunk
        if call is not None:
            content["tool_call"] = decode_json(call)
    fields = shared.envelope.copy()
    fields["id"] = frame_id
    fields["seq"] = seq
    fields["type"] = frame_type
    fields["namespace"] = shared.namespace.copy()
    fields["timestamp"] = _in_zone(moment, shared.zone)
    fields["parent_id"] = parent_id
    fields["previous_id"] = before if previous_id is None else previous_id or None
    fields["data"] = content
    return build(fields)


def builder(kind: type[Frame]) -> Build[Frame]:
    """Return what makes a frame of a pydantic class out of fields of its envelope, a mapping that it keeps.

    It does what the class's `model_construct` does, in a sixth of the time.
    """
    new = kind.__new__
    keeps_more = kind.model_config.get("extra") == "allow"
    is_envelope = tuple(kind.model_fields) == ENVELOPE and not kind.__private_attributes__

    def build(fields: dict[str, Any]) -> Frame:
        if not is_envelope or len(fields) != len(ENVELOPE):
            return _constructed(kind, fields, keeps_more=keeps_more)
        frame = new(kind)
        _set_fields(frame, fields)
        # One for all frames: each its own would be 40 % of what a token weighs. Pydantic adds nothing to it
        # but names of fields, which are all there, and copies it where it takes some out.
        _set_names(frame, _NAMES)
        _set_extra(frame, {} if keeps_more else None)
        _set_private(frame, None)
        return frame

    return build


build_frame: Final = builder(StreamFrame)
"""Makes a frame of our own class out of the fields of its envelope."""


def converter(kind: type[Frame]) -> Callable[[StreamFrame], Frame]:
    """Return what makes a frame of a class out of one of ours, which is not used any more."""
    if issubclass(StreamFrame, kind):
        return lambda frame: cast("Frame", frame)
    build = builder(kind)
    return lambda frame: build(envelope_of(frame))


def _constructed(kind: type[Frame], fields: dict[str, Any], *, keeps_more: bool) -> Frame:
    """Return a frame of a class of a newer CrewAI, or with fields that this version does not know."""
    known = {name: value for name, value in fields.items() if name in kind.model_fields}
    frame = kind.model_construct(_fields_set=set(fields if keeps_more else known), **known)
    if keeps_more:
        more = {name: value for name, value in fields.items() if name not in known}
        _set_extra(frame, more)
    return frame


def _fields_of(raw: str, zone: timezone | None) -> dict[str, Any]:
    frame = parse_exact(raw)
    # JSON has the minutes of an offset, the context its seconds.
    return {**envelope_of(frame), "timestamp": frame.timestamp.replace(tzinfo=zone)}


def _flat(text: str) -> dict[str, Any] | None:
    """Return the mapping that is written there if it holds no others; None otherwise, also if it is none."""
    try:
        data = _object(text)
    except ValueError:
        return None  # it is told of the frame that needs it
    return None if any(isinstance(value, (dict, list)) for value in data.values()) else data


def _object(text: str) -> dict[str, Any]:
    data = decode_json(text)
    if not isinstance(data, dict):
        raise ValueError("the data is no JSON object")  # noqa: TRY004  it is the text that is wrong
    return data


def utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: lone surrogates are written as their escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _in_zone(moment: datetime, zone: timezone | None) -> datetime:
    if zone is timezone.utc:
        return datetime.combine(moment, moment.time(), zone)  # `replace` takes six times as long
    return moment if zone is None else moment.replace(tzinfo=timezone.utc).astimezone(zone)


def _zone(utc_offset: int | None) -> timezone | None:
    if not utc_offset:
        return None if utc_offset is None else timezone.utc
    return timezone(timedelta(seconds=utc_offset))
