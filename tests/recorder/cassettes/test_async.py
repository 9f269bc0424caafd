"""Asynchronous sessions are recorded and replayed as the others are."""

from __future__ import annotations

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]

GATHERED = """
async def read(session):
    async for each in session:
        with Path("seen.txt").open("a") as seen:
            seen.write(each.data["chunk"] + chr(10))
    return session.result

def test_one(recording):
    async def both():
        first, second = recording.wrap(alive("one")), recording.wrap(alive("two"))
        # The one that was wrapped last begins first.
        return await asyncio.gather(read(second), read(first))

    assert asyncio.run(both()) == ["done", "done"]
"""


def test_sessions_at_the_same_time(suite: Suite) -> None:
    """Of two sessions at the same time each is replayed where it was wrapped, whichever began first."""
    suite.write(test_a=GATHERED)
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    assert suite.ran == ["two", "one"]
    assert suite.seen == ["two", "one", "two", "one"]
    assert suite.held("test_one.jsonl") == ["one", "two"]


def test_the_kind_must_fit(suite: Suite) -> None:
    """A session for `async for` in place of one for `for` is told in one sentence, and does not run."""
    suite.write(
        test_a="""
def test_one(recording):
    recording.wrap(alive("new"))
"""
    )
    suite.hold("test_one.jsonl", ["old"])
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*RecordingError: session number 1 of *test_one.jsonl is sync, and the one that the test wraps"
            " is async; record it with: pytest test_a.py::test_one --recording-mode=rewrite"
        ]
    )
    assert suite.ran == []


def test_a_replaced_session_leaves_nothing_behind(suite: Suite) -> None:
    """No warning comes of the live session that did not run, also where warnings are errors."""
    suite.write(test_a=GATHERED)
    suite.run("--recording-mode=once").assert_outcomes(passed=1)
    result = suite.run("-W", "error")
    result.assert_outcomes(passed=1)
    assert suite.ran == ["two", "one"]
