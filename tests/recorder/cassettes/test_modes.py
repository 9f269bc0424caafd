"""What each mode does with the sessions that a test wraps: pytest runs a suite in which two are wrapped."""

from __future__ import annotations

import pytest

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]

TWO_WRAPS = """
def test_two(recording):
    see(recording.wrap(live("new0")))
    see(recording.wrap(live("new1")))
"""
OLD = ["old0", "old1", "old2"]


@pytest.mark.parametrize(
    ("mode", "held", "outcome", "ran", "seen", "left"),
    [
        ("none", 0, "failed", [], [], []),
        ("none", 1, "failed", [], ["old0"], ["old0"]),
        ("none", 2, "passed", [], ["old0", "old1"], ["old0", "old1"]),
        ("once", 0, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1"]),
        ("once", 1, "failed", [], ["old0"], ["old0"]),
        ("once", 2, "passed", [], ["old0", "old1"], ["old0", "old1"]),
        ("new_episodes", 0, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1"]),
        ("new_episodes", 1, "passed", ["new1"], ["old0", "new1"], ["old0", "new1"]),
        ("new_episodes", 2, "passed", [], ["old0", "old1"], ["old0", "old1"]),
        ("all", 0, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1"]),
        ("all", 1, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1"]),
        ("all", 3, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1", "old2"]),
        ("rewrite", 0, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1"]),
        ("rewrite", 3, "passed", ["new0", "new1"], ["new0", "new1"], ["new0", "new1"]),
    ],
)
def test_mode(
    suite: Suite, mode: str, held: int, outcome: str, ran: list[str], seen: list[str], left: list[str]
) -> None:
    """Each mode runs, replays and leaves what the table says, by what was recorded before."""
    suite.write(test_a=TWO_WRAPS)
    suite.hold("test_two.jsonl", OLD[:held])
    suite.run(f"--recording-mode={mode}").assert_outcomes(**{outcome: 1})
    assert (suite.ran, suite.seen, suite.held("test_two.jsonl")) == (ran, seen, left)
    assert suite.files() == (["test_a/test_two.jsonl"] if left else [])
