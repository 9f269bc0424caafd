"""Many sessions at once in one process."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import otelstream
import recorder
from tests.e2e.runs import golden, session

SESSIONS = 16


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine so many ends take longer than each waits by default; then they go on unseen."""
    monkeypatch.setenv("OTELSTREAM_FLUSH_TIMEOUT_MS", "120000")


def observe_at_once(path: Path) -> None:
    """Let threads make the first calls of `observe` in this process at the same moment."""
    barrier = threading.Barrier(SESSIONS)

    def run() -> None:
        barrier.wait(timeout=120)
        list(otelstream.observe(session(), record=path))

    threads = [threading.Thread(target=run) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_first_calls_at_once_share_one_pipeline(tmp_path: Path) -> None:
    """However many threads observe first, there is one background thread."""
    observe_at_once(tmp_path / "x.duckdb")

    assert [thread.name for thread in threading.enumerate()].count("otelstream") == 1


def test_sessions_at_once_are_all_recorded(tmp_path: Path) -> None:
    """Sessions of many threads in one file are all there, whole and completed."""
    observe_at_once(tmp_path / "x.duckdb")
    with recorder.open(tmp_path / "x.duckdb") as recording:
        kept = [(recorded.state, recorded.frame_count) for recorded in recording.sessions()]

    assert (kept, otelstream.losses()) == ([("completed", len(golden()))] * SESSIONS, {})
