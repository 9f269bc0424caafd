"""What a recording holds in numbers: its size, its sessions, its frames, what is missing and what masked."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from duckdb import DuckDBPyConnection

from recorder.forms import FileSource
from recorder.names import WALS
from recorder.reader import Recording

_HEADER: Final = "SELECT otelstream_version, duckdb_version FROM header"
_MAKERS: Final = "SELECT DISTINCT otelstream_version, NULL FROM session_starts"
"""Of text, which has no header of its own: what recorded its sessions."""

_SESSIONS: Final = """
SELECT
    coalesce(e.state, ?), count(*), sum(coalesce(e.frames_dropped, g.frames, 0)),
    min(s.started_at), max(coalesce(e.ended_at, s.started_at)),
    sum(e.span_count), sum(e.llm_calls), sum(e.tool_calls), sum(e.input_tokens), sum(e.output_tokens)
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (SELECT session, sum(frames) AS frames FROM gaps GROUP BY session) AS g ON g.session = s.session
GROUP BY ALL
"""
_TYPES: Final = "SELECT type, count(*) FROM stored_frames GROUP BY ALL"
_GAPS: Final = "SELECT reason, sum(frames) FROM gaps GROUP BY ALL"
_REDACTIONS: Final = "SELECT redactions FROM session_ends WHERE redactions IS NOT NULL"


@dataclass(slots=True)
class Overview:
    """What a recording holds in numbers, over all of its files.

    Attributes:
        files: How many files.
        file_bytes: How big they are.
        wal_bytes: How big what DuckDB keeps beside them is.
        live: How many of them are being written.
        formats: Their formats.
        otelstream_versions: What made them.
        duckdb_versions: What made them.
        states: How many sessions are in which state.
        types: How many frames are of which type.
        dropped: How many frames the sessions emitted and the files do not hold.
        gaps: How many frames are missing for which reason.
        redactions: How often each rule masked something.
        totals: Spans, LLM calls, tool calls, input tokens and output tokens of the sessions that ended.
        first: Start of the first session, naive UTC; None without one.
        last: End of the last session, or its start if it has none, naive UTC.
    """

    files: int = 0
    file_bytes: int = 0
    wal_bytes: int = 0
    live: int = 0
    formats: set[int | str] = field(default_factory=set)
    otelstream_versions: set[str] = field(default_factory=set)
    duckdb_versions: set[str] = field(default_factory=set)
    states: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    gaps: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def sessions(self) -> int:
        """How many sessions."""
        return self.states.total()

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.types.total()

    @property
    def bytes_per_frame(self) -> float | None:
        """How many bytes of file and WAL a frame takes; None without frames."""
        return (self.file_bytes + self.wal_bytes) / self.frames if self.frames else None


TOTALS: Final = ("spans", "llm_calls", "tool_calls", "input_tokens", "output_tokens")


class _Answers(NamedTuple):
    """What a file answers, as rows: all of it before any of it is counted."""

    makers: list[tuple[str, str | None]]
    sessions: list[tuple[Any, ...]]
    types: list[tuple[str, int]]
    gaps: list[tuple[str, int]]
    redactions: list[tuple[str]]


def overview(recording: Recording) -> Overview:
    """Return what a recording holds in numbers. A session that two files hold is counted twice.

    Raises:
        RecordingError: The file cannot be read.
    """
    found = Overview()
    for source in recording.sources.values():
        for answers in recording.asked(source, _ask):
            _count(found, source, answers)
    return found


def bytes_of(source: FileSource) -> tuple[int, int]:
    """Return how big a file is, and how big what DuckDB keeps beside it; 0 of what is not there."""
    return _size(source.real), sum(_size(Path(f"{source.real}{ending}")) for ending in WALS)


def _ask(source: FileSource) -> list[_Answers]:
    with source.connection() as connection:
        makers = connection.execute(_HEADER if isinstance(source.format, int) else _MAKERS).fetchall()
        return _asked(connection, makers, "recording" if source.live else "crashed")


def _asked(
    connection: DuckDBPyConnection, makers: list[tuple[str, str | None]], unfinished: str
) -> list[_Answers]:
    return [
        _Answers(
            makers=makers,
            sessions=connection.execute(_SESSIONS, [unfinished]).fetchall(),
            types=connection.execute(_TYPES).fetchall(),
            gaps=connection.execute(_GAPS).fetchall(),
            redactions=connection.execute(_REDACTIONS).fetchall(),
        )
    ]


def _count(found: Overview, source: FileSource, answers: _Answers) -> None:
    found.files += 1
    file_bytes, wal_bytes = bytes_of(source)
    found.file_bytes += file_bytes
    found.wal_bytes += wal_bytes
    found.live += source.live
    found.formats.add(source.format)
    found.otelstream_versions.update(version for version, _ in answers.makers)
    found.duckdb_versions.update(version for _, version in answers.makers if version is not None)
    for state, sessions, dropped, first, last, *totals in answers.sessions:
        found.states[state] += sessions
        found.dropped += int(dropped)
        found.first, found.last = _earlier(found.first, first), _later(found.last, last)
        found.totals.update({name: int(total or 0) for name, total in zip(TOTALS, totals, strict=True)})
    found.types.update(dict(answers.types))
    found.gaps.update({reason: int(frames) for reason, frames in answers.gaps})
    for (text,) in answers.redactions:
        found.redactions.update(json.loads(text))


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def _size(path: Path) -> int:
    with suppress(OSError):
        return os.stat(path).st_size
    return 0
