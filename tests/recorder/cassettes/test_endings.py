"""What becomes of a recording when the test that makes it does not end well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("ending", "outcomes"),
    [
        ("assert False", {"failed": 1}),
        ("pytest.skip('later')", {"skipped": 1}),
        ("pytest.xfail('known')", {"xfailed": 1}),
        ("raise SystemExit", {"failed": 1}),
        ("raise KeyboardInterrupt", {}),
    ],
)
@pytest.mark.parametrize("mode", ["all", "rewrite", "new_episodes"])
def test_the_old_recording_stays(suite: Suite, mode: str, ending: str, outcomes: dict[str, int]) -> None:
    """A test that does not pass, for whatever reason, leaves its recording as it was, byte for byte."""
    suite.write(
        test_a=f"""
def test_one(recording):
    see(recording.wrap(live("new0")))
    see(recording.wrap(live("new1")))
    {ending}
"""
    )
    path = suite.hold("test_one.jsonl", ["old"])
    before = path.read_bytes()
    suite.run(f"--recording-mode={mode}").assert_outcomes(**outcomes)
    assert (path.read_bytes(), suite.files()) == (before, ["test_a/test_one.jsonl"])
    assert suite.ran == (["new1"] if mode == "new_episodes" else ["new0", "new1"])


def test_a_failing_test_case_of_unittest(suite: Suite) -> None:
    """A `unittest.TestCase` that fails leaves its recording as it was, and one that passes records."""
    suite.write(
        test_a="""
import unittest

class TestOld(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _recording(self, recording):
        self.recording = recording

    def test_good(self):
        see(self.recording.wrap(live("new")))

    def test_bad(self):
        see(self.recording.wrap(live("new")))
        self.fail()
"""
    )
    suite.run("--recording-mode=all").assert_outcomes(passed=1, failed=1)
    assert suite.files() == ["test_a/TestOld.test_good.jsonl"]


def test_a_killed_process_leaves_the_old_recording(suite: Suite) -> None:
    """After a `SIGKILL` the old recording is there, whole; the next run removes what else was left."""
    suite.write(
        test_a="""
import os, signal

def test_one(recording):
    session = recording.wrap(live("new"))
    next(iter(session))
    if "KILL" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
    list(session)
"""
    )
    path = suite.hold("test_one.jsonl", ["old"])
    command = [sys.executable, "-m", "pytest", "--recording-mode=all", "-p", "no:hypothesispytest"]
    environment = {**os.environ, "KILL": "1"}
    killed = subprocess.run(
        command, cwd=suite.pytester.path, env=environment, capture_output=True, check=False
    )
    assert (killed.returncode, suite.held("test_one.jsonl")) == (-signal.SIGKILL, ["old"])
    suite.run("--recording-mode=all").assert_outcomes(passed=1)
    assert (suite.held("test_one.jsonl"), list(path.parent.iterdir())) == (["new"], [path])


def test_a_session_that_is_not_read(suite: Suite) -> None:
    """A session that was wrapped and never read makes the test fail, as nothing can be recorded of it."""
    suite.write(
        test_a="""
def test_one(recording):
    see(recording.wrap(live("new")))
    recording.wrap(live("forgotten"))
"""
    )
    result = suite.run("--recording-mode=once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "nothing was recorded to *test_one.jsonl: the session that was wrapped as number 2"
            " was never read; iterate it, or do not wrap it."
        ]
    )
    assert suite.files() == []


def test_a_session_that_is_half_read(suite: Suite) -> None:
    """A session that the test left half read is closed, and recorded as a cancelled one."""
    suite.write(
        test_a="""
from tests.contract.programs import frame, stream

def test_one(recording):
    session = recording.wrap(stream([frame(0), frame(1)]))
    assert next(iter(session)).data["chunk"] == "0 "
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    assert suite.held("test_one.jsonl") == ["0 "]


def test_an_asynchronous_session_that_is_half_read(suite: Suite) -> None:
    """An asynchronous session that is left open makes the test fail, as it can be closed in its loop only."""
    suite.write(
        test_a="""
async def read(recording):
    async for each in recording.wrap(alive("new")):
        return each

def test_one(recording):
    asyncio.run(read(recording))
"""
    )
    result = suite.run("--recording-mode=once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "nothing was recorded to *: the session that was wrapped as number 1 is still open; read it to"
            " its end, or leave it with `async with` or `aclose()`."
        ]
    )
    assert suite.files() == []


def test_a_place_that_cannot_be_written(suite: Suite) -> None:
    """A folder that cannot be made is told in one sentence."""
    suite.write(test_a="def test_one(recording): see(recording.wrap(live('new')))")
    (suite.pytester.path / "recordings").write_text("a file")
    result = suite.run("--recording-mode=once")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*RecordingError: *recordings/test_a/test_one.jsonl cannot be recorded: *"])


def test_a_session_that_is_closed_at_once(suite: Suite) -> None:
    """A session that was closed before it was read is told as that, as there is nothing to record."""
    suite.write(test_a="def test_one(recording): recording.wrap(live('new')).close()")
    suite.run("--recording-mode=once").stdout.fnmatch_lines(
        ["nothing was recorded to *: the session that was wrapped as number 1 was closed before it was read*"]
    )
