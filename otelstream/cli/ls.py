"""`otelstream ls`: the sessions of a recording."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic_core import to_json
from rich.table import Table

from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.opening import opened
from otelstream.cli.terminal import cell, console
from recorder import RecordedSession

_COLUMNS: Final = {
    "index": "#",
    "id": "id",
    "name": "name",
    "state": "state",
    "started_at": "started (UTC)",
    "duration_s": "seconds",
    "frames": "frames",
    "frames_dropped": "dropped",
}
_NUMBERS: Final = ("index", "duration_s", "frames", "frames_dropped")


def ls(recording: RecordingPath, *, as_json: AsJson = False) -> None:
    """List the sessions of a recording, oldest first."""
    with opened(recording) as reading:
        sessions, many = reading.sessions(), len(reading.files) > 1
    if as_json:
        print(to_json([_facts(session) for session in sessions], indent=2).decode())
        return
    columns = {**_COLUMNS, "file": "file"} if many else _COLUMNS
    table = Table(box=None, pad_edge=False)
    for key, heading in columns.items():
        table.add_column(heading, no_wrap=True, justify="right" if key in _NUMBERS else "left")
    for session in sessions:
        facts = {**_facts(session), "file": _within(recording, session.file)}
        table.add_row(*(cell(facts[key]) for key in columns))
    console().print(table)


def _within(recording: Path, file: Path) -> str:
    return str(file.relative_to(recording) if recording in file.parents else file)


def _facts(session: RecordedSession) -> dict[str, str | int | float | datetime | None]:
    start, end = session.start, session.end
    duration = None if end is None else round((end.ended_at - start.started_at).total_seconds(), 3)
    return {
        "index": session.index,
        "id": session.id,
        "name": start.name,
        "state": session.state,
        "started_at": start.started_at.isoformat(sep=" ", timespec="milliseconds"),
        "duration_s": duration,
        "frames": session.frame_count,
        "frames_dropped": None if end is None else end.frames_dropped,
        "conversation_id": start.conversation_id,
        "trace_id": None if end is None else end.trace_id,
        "error_type": None if end is None else end.error_type,
        "error_message": None if end is None else end.error_message,
        "file": str(session.file),
    }
