"""A frame as a row of the table `frames`, and the row as the same frame again; nothing is lost either way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from pydantic_core import PydanticSerializationError, to_json

from otelstream.frame import (
    FrameLike,
    StreamFrame,
    decode_json,
    extra_fields,
    frame_json,
    is_faithful,
    parse_frame,
)

INT64: Final = range(-(2**63), 2**63)


class FrameRow(NamedTuple):
    """One row of `frames`, column by column in the order of the table after `session_id`."""

    ordinal: int
    offset_ns: int
    id: str
    seq: int | None
    type: str
    channel: str
    namespace: list[str]
    timestamp: datetime
    utc_offset: int | None
    parent_id: str | None
    previous_id: str | None
    data: str | None
    raw: str | None


COLUMNS: Final = FrameRow._fields


def row_of(frame: FrameLike, ordinal: int, offset_ns: int) -> FrameRow:
    """Return the row of a frame.

    A frame that the columns cannot hold (lone surrogates, fields that this version does not know, numbers
    beyond 64 bits) is kept whole in `raw`, and the columns hold what they can for SQL.
    """
    offset = frame.timestamp.utcoffset()
    moment = _utc(frame.timestamp)
    data = _json(frame.data)
    typed = data is not None and moment is not None and _is_plain(frame)
    return FrameRow(
        ordinal=ordinal,
        offset_ns=offset_ns,
        id=utf8(frame.id),
        seq=frame.seq if frame.seq is None or frame.seq in INT64 else None,
        type=utf8(frame.type),
        channel=utf8(frame.channel),
        namespace=[utf8(part) for part in frame.namespace],
        timestamp=frame.timestamp.replace(tzinfo=None) if moment is None else moment,
        utc_offset=None if offset is None else int(offset.total_seconds()),
        parent_id=None if frame.parent_id is None else utf8(frame.parent_id),
        previous_id=None if frame.previous_id is None else utf8(frame.previous_id),
        data=data,
        raw=None if typed else frame_json(frame),
    )


def frame_of(row: FrameRow) -> StreamFrame:
    """Return the frame of a row.

    Raises:
        FrameError: `raw` is no frame (a damaged or foreign file).
        ValueError: `data` is no JSON.
    """
    if row.raw is not None:
        return parse_frame(row.raw)
    return StreamFrame.model_construct(
        id=row.id,
        seq=row.seq,
        type=row.type,
        channel=row.channel,
        namespace=row.namespace,
        timestamp=_original(row.timestamp, row.utc_offset),
        parent_id=row.parent_id,
        previous_id=row.previous_id,
        data=decode_json(row.data or "{}"),
    )


def _json(data: dict[str, Any]) -> str | None:
    try:
        text = to_json(data, inf_nan_mode="constants", fallback=repr).decode()
    except (PydanticSerializationError, ValueError, RecursionError):
        return None
    return text if is_faithful(text, data, "constants") else None


def _is_plain(frame: FrameLike) -> bool:
    if extra_fields(frame) or (frame.seq is not None and frame.seq not in INT64):
        return False
    texts = (frame.id, frame.type, frame.channel, frame.parent_id or "", frame.previous_id or "")
    return all(utf8(text) == text for text in (*texts, *frame.namespace))


def utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: lone surrogates are written as their escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _utc(moment: datetime) -> datetime | None:
    offset = moment.utcoffset()
    try:
        return moment if offset is None else moment.replace(tzinfo=None) - offset
    except OverflowError:
        return None  # the first or last hours of the calendar, elsewhere than in UTC


def _original(moment: datetime, utc_offset: int | None) -> datetime:
    if utc_offset is None:
        return moment
    zone = timezone(timedelta(seconds=utc_offset))
    return moment.replace(tzinfo=timezone.utc).astimezone(zone)
