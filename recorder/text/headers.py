"""Whether a file is a text recording at all: what it begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from recorder.names import shown

HEADER_FIELD: Final = "otelstream_recording"
"""The field that only the line has with which a session begins."""

_START: Final = 4_096


def why_foreign(path: Path) -> str | None:
    """Return why a file is no text recording, in a sentence; None if it may be one."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return None  # opening it says so
    return None if may_begin_recording(start) else without_header(path)


def why_left_out(path: Path) -> str | None:
    """Return why a file is none of a directory's recordings, in a sentence; an empty one may be anybody's."""
    try:
        is_empty = path.stat().st_size == 0
    except OSError:
        return None  # opening it says so
    return f"{shown(path)} is empty, so no recording yet." if is_empty else why_foreign(path)


def may_begin_recording(start: bytes) -> bool:
    """Tell whether a text recording may begin like this, also one of which no more has been written."""
    whole = f'{{"{HEADER_FIELD}":'.encode()
    first, _, _ = start.lstrip().partition(b"\n")
    return whole.startswith(first) or f'"{HEADER_FIELD}"'.encode() in first


def without_header(path: Path) -> str:
    """Return the sentence for a file that is no text recording."""
    name = shown(path)
    return (
        f"{name} has no header, so it is no recording; if it holds frames, `otelstream ingest {name} --record"
        " X.jsonl` makes a recording of them."
    )
