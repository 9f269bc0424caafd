"""`otelstream info`: what a recording holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic_core import to_json

from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.figures import size
from otelstream.cli.opening import opened
from otelstream.cli.terminal import plain
from recorder.overview import Overview, overview

TYPES: Final = 10
"""How many types of frames are listed."""


def info(recording: RecordingPath, *, as_json: AsJson = False) -> None:
    """Say what a recording holds: sizes, versions, sessions, types of frames, what is missing or masked."""
    with opened(recording) as open_recording:
        found = overview(open_recording)
    if as_json:
        print(to_json(_facts(recording, found), indent=2).decode())
        return
    for name, value in _lines(recording, found):
        print(f"{name:<12}{plain(value)}")


def _facts(path: Path, found: Overview) -> dict[str, object]:
    return {
        "path": str(path),
        "files": found.files,
        "live_files": found.live,
        "formats": sorted(found.formats, key=str),
        "otelstream_versions": sorted(found.otelstream_versions),
        "duckdb_versions": sorted(found.duckdb_versions),
        "file_bytes": found.file_bytes,
        "wal_bytes": found.wal_bytes,
        "bytes_per_frame": None if found.bytes_per_frame is None else round(found.bytes_per_frame, 1),
        "sessions": found.sessions,
        "sessions_by_state": dict(found.states.most_common()),
        "first": None if found.first is None else found.first.isoformat(sep=" ", timespec="milliseconds"),
        "last": None if found.last is None else found.last.isoformat(sep=" ", timespec="milliseconds"),
        "frames": found.frames,
        "frames_by_type": dict(found.types.most_common(TYPES)),
        "frames_dropped": found.dropped,
        "gaps_by_reason": dict(found.gaps.most_common()),
        "redactions_by_rule": dict(found.redactions.most_common()),
        **found.totals,
    }


def _lines(path: Path, found: Overview) -> Iterator[tuple[str, str]]:
    files = f"{found.files} files, " if found.files != 1 else ""
    wal = f" and {size(found.wal_bytes)} of WAL" if found.wal_bytes else ""
    each = f", {found.bytes_per_frame:.1f} bytes per frame" if found.bytes_per_frame is not None else ""
    yield "recording", str(path)
    yield "size", f"{files}{size(found.file_bytes)}{wal}{each}"
    yield "format", _listed(found.formats)
    duckdb = f", DuckDB {_listed(found.duckdb_versions)}" if found.duckdb_versions else ""
    yield "made by", f"otelstream {_listed(found.otelstream_versions)}{duckdb}"
    yield "live", f"{found.live} of {found.files} files are being written" if found.live else "no"
    yield "sessions", f"{found.sessions}{_counted(found.states)}"
    if found.first is not None and found.last is not None:
        yield "time (UTC)", f"{found.first:%Y-%m-%d %H:%M:%S} to {found.last:%Y-%m-%d %H:%M:%S}"
    yield "frames", f"{found.frames}{_counted(Counter(dict(found.types.most_common(TYPES))))}"
    yield "dropped", f"{found.dropped}{_counted(found.gaps)}"
    yield "redacted", f"{found.redactions.total()}{_counted(found.redactions)}"
    yield "spans", f"{found.totals['spans']}{_counted(found.totals - Counter(spans=found.totals['spans']))}"


def _listed(values: set[int | str] | set[str]) -> str:
    return ", ".join(sorted(map(str, values))) or "unknown"


def _counted(counts: Counter[str]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f": {listed}" if listed else ""
