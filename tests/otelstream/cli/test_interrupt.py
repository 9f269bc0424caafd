"""Ctrl-C, as a terminal sends it to a command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import recorder
from recorder import Answer, RecordedSession
from tests.e2e.runs import environment
from tests.otelstream.cli.conftest import Cli, Ended, Recordings

CREWAI = """
from otelstream.demo.environment import quiet_environment
quiet_environment()
import time
from crewai.flow.flow import Flow, start

class Slow(Flow):
    _skip_auto_memory = True
    @start()
    def brew(self):
        time.sleep(2)
"""


@dataclass(frozen=True)
class Interrupted:
    """How an interrupted command ended, after how long, and what it had recorded."""

    ended: Ended
    seconds: float
    session: RecordedSession


def interrupt(cwd: Path, flow: str) -> Interrupted:
    """Run a flow, press Ctrl-C once its recording has its first rows, and wait for the end."""
    wal = cwd / "x.duckdb.wal"
    process = subprocess.Popen(
        [sys.executable, "-m", "otelstream.cli", "run", flow, "--record", "x.duckdb"],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if wal.exists() and wal.stat().st_size > 1_000:
            break
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    seconds = time.monotonic() - started
    with recorder.open(cwd / "x.duckdb") as recording:
        return Interrupted(Ended(process.returncode, out, err), seconds, recording.session())


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """A slow flow, interrupted."""
    return interrupt(tmp_path_factory.mktemp("interrupt"), "tests.otelstream.cli.flows:SlowTea")


def test_the_exit_code_is_that_of_an_interrupt(interrupted: Interrupted) -> None:
    """130, as shells have it."""
    assert interrupted.ended.code == 130


def test_it_ends_at_once(interrupted: Interrupted) -> None:
    """The flow would have gone on for half a minute."""
    assert interrupted.seconds < 10


def test_the_recording_is_cancelled(interrupted: Interrupted) -> None:
    """The recording opens, and holds the frames until then."""
    assert (interrupted.session.state, interrupted.session.frame_count > 0) == ("cancelled", True)


def test_there_is_no_traceback(interrupted: Interrupted) -> None:
    """Nothing of Python's is on stderr."""
    assert "Traceback" not in interrupted.ended.err


def test_it_says_that_it_was_interrupted(interrupted: Interrupted) -> None:
    """One sentence on stderr, as for every other end that is no success."""
    assert interrupted.ended.err == "otelstream: interrupted\n"


@pytest.mark.crewai
def test_a_flow_of_crewais_is_cancelled(tmp_path: Path) -> None:
    """A real flow is waited for, as CrewAI joins its thread, and recorded as cancelled."""
    (tmp_path / "slow.py").write_text(CREWAI)
    came = interrupt(tmp_path, "slow:Slow")

    assert (came.ended, came.session.state) == (Ended(130, "", "otelstream: interrupted\n"), "cancelled")


def test_a_query_is_interrupted(cli: Cli, recordings: Recordings, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB hears Ctrl-C by itself, and calls it an error of its own."""

    def interrupted(_: Answer) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(Answer, "fetch", interrupted)

    assert cli("sql", recordings.completed, "FROM sessions") == Ended(130, "", "otelstream: interrupted\n")
