"""A program that ends while its recording is behind: it has its own exit code, and says nothing of ours."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

import recorder
from tests.e2e.runs import recorded, run_python

PROGRAM: Final = """
import logging, os, sys, threading
import duckdb
import otelstream
from otelstream import bridge
from otelstream.bridge import leaving
from recorder import StreamSession
from recorder.writer import Writer
from tests.e2e.programs.made import lane_of

logging.disable(logging.CRITICAL)
bridge.EXIT_TIMEOUT_S = 0.05
frames = iter(otelstream.observe(StreamSession(sync_iterator=lane_of("lane", 1_000_000)), record="x.duckdb"))
next(frames)
otelstream.flush()
"""

IN_DUCKDB: Final = """
entered, flush, begin = threading.Event(), Writer.flush, leaving.Leaving.begin

def slow_flush(writer):
    flush(writer)
    if not entered.is_set():
        entered.set()
        duckdb.connect().execute("FROM read_csv('fifo')").fetchall()

def let_go():
    os.write(fifo, b"a,b\\n1,2\\n")
    os.close(fifo)

def begin_and_let_go(self):
    begin(self)
    let_go()

Writer.flush, leaving.Leaving.begin = slow_flush, begin_and_let_go
for _ in range(10):
    next(frames)
entered.wait()
fifo = None
while fifo is None:
    try:
        fifo = os.open("fifo", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        pass  # the thread is not in DuckDB yet
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize(("prompt_s", "state"), [(60, "cancelled"), (-1, "crashed")])
def test_an_exit_waits_until_our_thread_has_left_duckdb(prompt_s: int, state: str, tmp_path: Path) -> None:
    """What it was committing is stored, and if there is time left, how the session ended."""
    os.mkfifo(tmp_path / "fifo")
    ending = f"leaving.PROMPT_S = {prompt_s}\nsys.exit(7)\n"
    ran = run_python(["-c", PROGRAM + IN_DUCKDB + ending], tmp_path, {"OTELSTREAM_BATCH_MS": "1"})
    session = recorded(tmp_path / "x.duckdb")

    assert (ran.returncode, ran.stdout, ran.stderr, session.state) == (7, b"", b"", state)


def test_an_exit_with_a_backlog_says_in_the_recording_what_is_missing(tmp_path: Path) -> None:
    """What was not handled in time is a gap at the end of the session."""
    ending = """
    leaving.PROMPT_S = 60
    for _ in range(30_000):
        next(frames)
    sys.exit(7)
    """
    variables = {"OTELSTREAM_BATCH_MS": "10000", "OTELSTREAM_BATCH_FRAMES": "100000"}
    ran = run_python(["-c", PROGRAM + textwrap.dedent(ending)], tmp_path, variables)
    with recorder.open(tmp_path / "x.duckdb") as recording:
        session = recording.session()
        gaps = [(gap.ordinal, gap.frames, gap.reason) for gap in recording.gaps(session)]
    missing = 30_001 - session.frame_count

    assert (ran.returncode, ran.stdout, ran.stderr) == (7, b"", b"")
    assert (session.state, gaps) == ("cancelled", [(session.frame_count, missing, "after_shutdown")])


def test_a_shutdown_that_was_too_slow_is_waited_for_at_the_exit(tmp_path: Path) -> None:
    """The thread of a pipeline that the program has given up is still in DuckDB."""
    os.mkfifo(tmp_path / "fifo")
    ending = "assert not otelstream.shutdown(0.05)\nsys.exit(7)\n"
    ran = run_python(["-c", PROGRAM + IN_DUCKDB + ending], tmp_path, {"OTELSTREAM_BATCH_MS": "1"})

    assert (ran.returncode, ran.stdout, ran.stderr) == (7, b"", b"")


LATE: Final = """
import ctypes

bridge.LEAVE_TIMEOUT_S = 0.05
leaving.Leaving.begin = begin

class Late:
    def __del__(self, posix=os, fifo=fifo, sleep=ctypes.CDLL(None).usleep):
        posix.write(fifo, b"a,b\\n1,2\\n")
        posix.close(fifo)
        sleep(500_000)  # the other thread comes back

sys.modules["late"] = Late()
sys.exit(7)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there it needs libstdc++")
def test_a_thread_that_comes_back_when_the_interpreter_ends_aborts_nothing(tmp_path: Path) -> None:
    """The exit did not wait for it any longer; the exit code is the program's all the same."""
    os.mkfifo(tmp_path / "fifo")
    ran = run_python(["-c", PROGRAM + IN_DUCKDB + LATE], tmp_path, {"OTELSTREAM_BATCH_MS": "1"})

    assert (ran.returncode, b"terminate" in ran.stderr) == (7, False)
