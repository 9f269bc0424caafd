"""Four processes run a suite: what they record and what they report is as of one."""

from __future__ import annotations

import pytest

from tests.recorder.cassettes.suites import Suite, texts_in

pytest_plugins = ["pytester"]

MANY = """
@pytest.mark.parametrize("case", range(4))
def test_own(recording, case):
    see(recording.wrap(live(f"own{case}")))

@pytest.mark.parametrize("case", range(4))
@pytest.mark.recording("shared.jsonl")
def test_shared(recording, case):
    see(recording.wrap(live("shared")))
"""


@pytest.fixture
def many(suite: Suite) -> Suite:
    """A suite with four recordings, one test for each, and another one that four tests share."""
    suite.write(test_a=MANY)
    return suite


def test_four_workers(many: Suite) -> None:
    """Each recording is made once and whole, that of four tests as well; what no worker used is told."""
    many.hold("old.jsonl", ["old"])
    result = many.run_apart("-n4", "--recording-mode=once", "--recording-unused=fail")
    result.assert_outcomes(passed=8)
    assert sorted(many.ran) == [*(f"own{case}" for case in range(4)), "shared"]
    made = {name: texts_in(many.pytester.path / "recordings" / name) for name in many.files()}
    assert made == {
        "test_a/old.jsonl": ["old"],
        "test_a/shared.jsonl": ["shared"],
        **{f"test_a/test_own-{case}.jsonl": [f"own{case}"] for case in range(4)},
    }
    result.stdout.fnmatch_lines(["*unused recordings*", "recordings/test_a/old.jsonl: all of it"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    many.run().assert_outcomes(passed=8)
    assert len(many.ran) == 5


def test_groups_have_the_same_recordings(suite: Suite) -> None:
    """A test that xdist puts into a group keeps its recording, though its id gets the group's name."""
    suite.write(
        test_a="""
@pytest.mark.xdist_group("a")
def test_one(recording):
    see(recording.wrap(live("new")))
"""
    )
    suite.hold("test_one.jsonl", ["old"])
    result = suite.run_apart("-n1", "--dist=loadgroup", "--recording-unused=fail")
    assert (result.ret, suite.seen) == (pytest.ExitCode.OK, ["old"])
