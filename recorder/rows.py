"""A row of `stored_frames` and the context that it shares with others, and the frame that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel

from otelstream.frame import (
    ENVELOPE,
    StreamFrame,
    parse_exact,
)
from otelstream.jsontext import decode_json

Row: TypeAlias = tuple[object, ...]
Frame = TypeVar("Frame", bound=BaseModel)


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


FRAME_COLUMNS: Final = ", ".join(
    "coalesce(id_text, id::VARCHAR) AS id" if name == "id" else name for name in FrameRow._fields
)
"""What to select from `stored_frames` to get the values of a `FrameRow`."""

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


def frame_of(row: FrameRow, context: ContextRow, before: str | None) -> StreamFrame:
    """Return the frame of a row.

    Args:
        row: The row.
        context: The context that it names.
        before: The `id` of the row before it in its session, None for the first.

    Raises:
        FrameError: `raw` is no frame (a damaged or foreign file).
        ValueError: `data` is no JSON object.
    """
    if row.raw is not None:
        frame = parse_exact(row.raw)
        # JSON has the minutes of an offset, the context its seconds.
        frame.timestamp = frame.timestamp.replace(tzinfo=_zone(context.utc_offset))
        return frame
    fields = {
        "id": row.id,
        "seq": row.seq,
        "type": row.type,
        "channel": context.channel,
        "namespace": context.namespace.copy(),
        "timestamp": _original(row.timestamp, context.utc_offset),
        "parent_id": row.parent_id,
        "previous_id": before if row.previous_id is None else row.previous_id or None,
        "data": _data_of(row, context),
    }
    return frame_from(StreamFrame, fields, extra={})


def frame_from(cls: type[Frame], fields: dict[str, Any], extra: dict[str, Any] | None) -> Frame:
    """Return a frame of a pydantic class with these fields: its `model_construct` in half the time.

    Args:
        cls: The class.
        fields: Every field of the envelope; the frame keeps the mapping.
        extra: Fields that the class does not declare; None if it keeps none.
    """
    frame = cls.__new__(cls)
    state = {"__dict__": fields, "__pydantic_fields_set__": set(ENVELOPE), "__pydantic_private__": None}
    frame.__setstate__({**state, "__pydantic_extra__": extra})
    return frame


def _data_of(row: FrameRow, context: ContextRow) -> dict[str, Any]:
    if row.data is not None or row.chunk is None:
        return _object(row.data or context.data or "{}")
    shared = _shared(context.data or "{}")
    data = _object(context.data or "{}") if shared is None else shared.copy()
    data["chunk"] = row.chunk
    if row.tool_call is not None:
        data["tool_call"] = decode_json(row.tool_call)
    return data


@lru_cache(maxsize=64)
def _shared(text: str) -> dict[str, Any] | None:
    """Return the data of a context if a copy of the mapping is a copy of it all; None otherwise."""
    data = _object(text)
    return None if any(isinstance(value, (dict, list)) for value in data.values()) else data


def _object(text: str) -> dict[str, Any]:
    data = decode_json(text)
    if not isinstance(data, dict):
        raise ValueError("the data is no JSON object")  # noqa: TRY004  it is the text that is wrong
    return data


def utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: lone surrogates are written as their escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _original(moment: datetime, utc_offset: int | None) -> datetime:
    if not utc_offset:
        return moment if utc_offset is None else moment.replace(tzinfo=timezone.utc)
    return moment.replace(tzinfo=timezone.utc).astimezone(_zone(utc_offset))


def _zone(utc_offset: int | None) -> timezone | None:
    if not utc_offset:
        return None if utc_offset is None else timezone.utc
    return timezone(timedelta(seconds=utc_offset))
