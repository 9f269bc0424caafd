"""What a session holds as the lines of a text recording; `docs/FORMAT.md` is their specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic_core import to_json

from otelstream.frame import FrameLike, exact_json
from otelstream.jsontext import decode_json, encode_json
from recorder.rows import utf8
from recorder.session_row import SessionEnd, SessionStart, StoredGap
from recorder.text.headers import HEADER_FIELD

TEXT_VERSION: Final = 1
"""The version of the text form; a reader refuses a greater one."""

FRAME_START: Final = b'{"offset_ns":'
"""What the line of a frame begins with, as otelstream writes it."""

JSON_COLUMNS: Final = ("result", "error", "redactions")
"""What is JSON text in a database and JSON in a line."""

_SECOND: Final = timedelta(seconds=1)


def header_line(start: SessionStart) -> bytes:
    """Return the line with which a session begins."""
    return _line([(HEADER_FIELD, TEXT_VERSION), *_columns(start)])


def frame_line(frame: FrameLike, offset_ns: int | None) -> bytes:
    """Return the line of a frame that arrived so many nanoseconds after the session's start.

    Raises:
        ValueError: The frame's data holds itself.
    """
    offset = frame.timestamp.utcoffset()
    seconds = offset // _SECOND if offset else 0
    zone = f'"utc_offset":{seconds},' if seconds % 60 else ""
    text = exact_json(frame)
    when = "null" if offset_ns is None else offset_ns
    named = f'"frame":{text}' if text[0] == "{" else f'"frame_text":{_json(text)}'
    return f'{{"offset_ns":{when},{zone}{named}}}\n'.encode()


def gap_line(gap: StoredGap) -> bytes:
    """Return the line that says that frames are missing at its place."""
    return _line([("gap", gap.frames), ("reason", gap.reason), ("noticed_at", gap.noticed_at)])


def outcome_line(end: SessionEnd) -> bytes:
    """Return the line with which a session ends."""
    others = (pair for pair in _columns(end) if pair[0] != "state")
    return _line([("outcome", end.state), *others])


def session_line(session_id: UUID) -> bytes:
    """Return the line that says to which session what follows belongs."""
    return _line([("session", session_id)])


def _line(pairs: list[tuple[str, object]]) -> bytes:
    return f"{{{','.join(_fields(pairs))}}}\n".encode()


def _fields(pairs: list[tuple[str, object]]) -> Iterator[str]:
    for name, value in pairs:
        if name not in JSON_COLUMNS:
            yield f'"{name}":{_json(value)}'
        elif isinstance(value, str):
            yield f'"{name}":{value}' if _comes_back(value) else f'"{name}_text":{_json(value)}'


def _columns(row: SessionStart | SessionEnd) -> Iterator[tuple[str, object]]:
    return ((field.name, getattr(row, field.name)) for field in fields(row))


def _json(value: object) -> str:
    return to_json(utf8(value) if isinstance(value, str) else value).decode()


def _comes_back(text: str) -> bool:
    """Tell whether a JSON text is the same text when it has been read as a value and written again."""
    try:
        return encode_json(decode_json(text)) == text and "\n" not in text and text[0] != " "
    except ValueError:
        return False
