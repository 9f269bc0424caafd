"""A process that has no descriptors or threads left: the program has its frames, and the loss is counted."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.runs import RESULT, golden, recorded, run_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no limits to lower")

PROGRAM: Final = """
import atexit, json, logging, os, sys, threading
import otelstream
from tests.e2e.runs import golden, session

golden()
logging.disable(logging.CRITICAL)
told = []

def run(name):
    try:
        observed = otelstream.observe(session(), record=name)
        told.append([len(list(observed)), observed.result, dict(otelstream.losses())])
    except BaseException as error:
        told.append(repr(error))

def no_thread(self):
    raise RuntimeError("can't start new thread")
"""

NO_DESCRIPTOR: Final = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
"""

COUNT: Final = len(golden())


def told_by(script: str, cwd: Path) -> Any:  # noqa: ANN401  JSON is any value
    """Run a program; return what it told of each session: frames, result, losses so far; or an exception."""
    ran = run_python(["-W", "ignore", "-c", PROGRAM + textwrap.dedent(script)], cwd)
    assert (ran.returncode, ran.stderr) == (0, b"")
    return json.loads(ran.stdout)


def test_without_a_descriptor_a_session_is_counted(tmp_path: Path) -> None:
    """Neither the first one of a process nor the next one does any harm."""
    script = NO_DESCRIPTOR + "run('x.duckdb'); run('runs/'); os.close(held.pop()); print(json.dumps(told))"

    assert told_by(script, tmp_path) == [
        [COUNT, RESULT, {"recording": COUNT}],
        [COUNT, RESULT, {"recording": 2 * COUNT}],
    ]


def test_when_descriptors_run_out_the_file_that_is_open_is_written_on(tmp_path: Path) -> None:
    """A session that had begun is complete, one that begins in a new file is counted."""
    script = f"""
    frames = iter(otelstream.observe(session(), record="x.duckdb"))
    next(frames)
    otelstream.flush()
    {textwrap.indent(NO_DESCRIPTOR, "    ").strip()}
    run("y.duckdb")
    list(frames)
    for descriptor in held:
        os.close(descriptor)
    otelstream.shutdown()
    print(json.dumps(told))
    """

    assert (told_by(script, tmp_path), recorded(tmp_path / "x.duckdb").frame_count) == (
        [[COUNT, RESULT, {"recording": COUNT}]],
        COUNT,
    )


def test_without_a_thread_a_session_is_counted_and_the_next_one_tries_again(tmp_path: Path) -> None:
    """`observe` raises nothing; as soon as there are threads again sessions are recorded."""
    script = """
    start, threading.Thread.start = threading.Thread.start, no_thread
    run("x.duckdb")
    told.append([otelstream.flush(), dict(otelstream.losses())])
    threading.Thread.start = start
    run("x.duckdb")
    print(json.dumps(told))
    """
    lost = {"no_thread": COUNT}

    assert (told_by(script, tmp_path), recorded(tmp_path / "x.duckdb").frame_count) == (
        [[COUNT, RESULT, lost], [False, lost], [COUNT, RESULT, lost]],
        COUNT,
    )


def test_flush_without_a_thread_tells_of_it(tmp_path: Path) -> None:
    """What waits for exporters needs one."""
    script = """
    run("x.duckdb")
    start, threading.Thread.start = threading.Thread.start, no_thread
    told.append(otelstream.flush())
    threading.Thread.start = start
    print(json.dumps(told))
    """

    assert told_by(script, tmp_path) == [[COUNT, RESULT, {}], False]


@pytest.mark.parametrize("threads", ["no thread", "threads"])
def test_a_signal_ends_a_process_that_has_no_threads_left(threads: str, tmp_path: Path) -> None:
    """It ends as ever, by the signal; where our threads watched before, all is committed."""
    script = f"""
    import signal, time
    if {threads == "no thread"}:
        threading.Thread.start = no_thread
    frames = iter(otelstream.observe(session(), record="x.duckdb"))
    next(frames)
    threading.Thread.start = no_thread
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        time.sleep(0.05)
    """
    ran = run_python(["-W", "ignore", "-c", PROGRAM + textwrap.dedent(script)], tmp_path)
    states = [recorded(path).state for path in tmp_path.glob("*.duckdb")]

    assert (ran.stderr, states) == (b"", ["cancelled"] if threads == "threads" else [])


def test_a_session_that_begins_when_the_process_ends_is_counted(tmp_path: Path) -> None:
    """An exit handler that runs after ours may observe; no thread is started that would not outlive it."""
    script = """
    def late():
        run("x.duckdb")
        print(json.dumps([told, [thread.name for thread in threading.enumerate()]]))
    atexit.register(late)
    run("x.duckdb")
    """

    assert told_by(script, tmp_path) == [
        [[COUNT, RESULT, {}], [COUNT, RESULT, {"no_thread": COUNT}]],
        ["MainThread"],
    ]
