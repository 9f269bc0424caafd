"""Code that runs again and is compared with its recording: what a test is told of a difference."""

from __future__ import annotations

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]

RERUN = """
@pytest.mark.recording(serve=set())
def test_one(recording):
    see(recording.wrap(live("same")))
    see(recording.wrap(live("new")))
"""


def test_the_same_run(suite: Suite) -> None:
    """With `serve=` the test's own code runs though there is a recording, and passes if it does the same."""
    suite.write(test_a=RERUN)
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    suite.run("--recording-mode=none").assert_outcomes(passed=1)
    assert suite.ran == ["same", "new", "same", "new"]


def test_another_run(suite: Suite) -> None:
    """A difference is the test's failure: the place, what was recorded and what came, and no line of ours."""
    suite.write(test_a=RERUN)
    path = suite.hold("test_one.jsonl", ["same", "old"])
    result = suite.run()
    result.assert_outcomes(failed=1)
    report = [line for line in result.outlines if line]
    start = next(number for number, line in enumerate(report) if "test_one ___" in line)
    assert report[start + 1 : start + 6] == [
        "frame 0, llm_stream_chunk, differs at $.data.chunk: recorded 'old', now 'new'",
        f"  recorded: {path} session 1, 1 frames",
        "  now:      second, 1 frames",
        "If this is how it shall be, record it with: pytest test_a.py::test_one --recording-mode=rewrite",
        "=========================== short test summary info ============================",
    ]


def test_an_assertion_of_the_test(suite: Suite) -> None:
    """`recorder.assert_same_run` takes the fixture as it is, and points to the line of the test."""
    suite.write(
        test_a="""
def test_same(recording):
    session = live("old")
    see(session)
    recorder.assert_same_run(session, recording)

def test_other(recording):
    session = live("new")
    see(session)
    recorder.assert_same_run(session, recording)
"""
    )
    suite.hold("test_same.jsonl", ["old"])
    suite.hold("test_other.jsonl", ["old"])
    result = suite.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([">       recorder.assert_same_run(session, recording)", "E*data.chunk*"])


def test_an_asynchronous_run(suite: Suite) -> None:
    """Asynchronous code runs again and is compared, too."""
    suite.write(
        test_a="""
@pytest.mark.recording(serve=[])
def test_one(recording):
    async def read():
        return [each async for each in recording.wrap(alive("new"))]
    asyncio.run(read())
"""
    )
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    assert suite.ran == ["new", "new"]


def test_a_run_that_is_not_read(suite: Suite) -> None:
    """A session that nobody reads cannot be compared, which fails the test."""
    suite.write(
        test_a="@pytest.mark.recording(serve=[])\ndef test_one(recording): recording.wrap(live('new'))"
    )
    suite.hold("test_one.jsonl", ["new"])
    suite.run().assert_outcomes(failed=1)
