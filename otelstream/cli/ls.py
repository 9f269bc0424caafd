"""`otelstream ls`: the sessions of a recording."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import to_json
from rich.table import Table
from rich.text import Text

import recorder
from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.terminal import console
from recorder import RecordedSession


def ls(recording: RecordingPath, *, as_json: AsJson = False) -> None:
    """List the sessions of a recording, oldest first."""
    with recorder.open(recording) as opened:
        sessions = opened.sessions()
    if as_json:
        print(to_json([_facts(session) for session in sessions], indent=2).decode())
        return
    table = Table(box=None, pad_edge=False)
    for column in ("#", "id", "name", "state", "started (UTC)", "seconds", "frames", "dropped"):
        table.add_column(column, no_wrap=True, justify="right" if column in _NUMBERS else "left")
    for session in sessions:
        facts = _facts(session)
        table.add_row(*(Text("" if facts[key] is None else str(facts[key])) for key in _COLUMNS))
    console().print(table)


_NUMBERS = ("#", "seconds", "frames", "dropped")
_COLUMNS = ("index", "id", "name", "state", "started_at", "duration_s", "frames", "frames_dropped")


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
    }
