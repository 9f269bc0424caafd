"""Directories of recordings for commands that read."""

from __future__ import annotations

from pathlib import Path

from tests.otelstream.cli.conftest import Recordings


def of_two(recordings: Recordings, runs: Path) -> Path:
    """Put a completed session and a later one that failed into two files of a directory, and return it."""
    (runs / "2026-11-20").mkdir(parents=True)
    (runs / "2026-11-20" / "a.duckdb").write_bytes(recordings.completed.read_bytes())
    (runs / "b.duckdb").write_bytes(recordings.failed.read_bytes())
    return runs
