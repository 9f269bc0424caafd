"""Recordings that no test uses, in pytest's report."""

from __future__ import annotations

import pytest

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]

SUITE = """
def test_one(recording):
    see(recording.wrap(live("new")))

def test_other():
    pass
"""


@pytest.fixture
def used(suite: Suite) -> Suite:
    """A suite with a recording that is used in part, and one that is not used at all."""
    suite.write(test_a=SUITE)
    suite.hold("test_one.jsonl", ["old0", "old1", "old2"])
    suite.hold("test_gone.jsonl", ["old"])
    return suite


REPORT = [
    "*= unused recordings =*",
    "recordings/test_a/test_gone.jsonl: all of it",
    "recordings/test_a/test_one.jsonl: sessions 2, 3 of 3",
    "Delete them, or record their tests anew with --recording-mode=rewrite.",
]


@pytest.mark.parametrize(
    ("arguments", "code", "report"),
    [
        ([], pytest.ExitCode.OK, []),
        (["--recording-unused=ignore"], pytest.ExitCode.OK, []),
        (["--recording-unused=warn"], pytest.ExitCode.OK, REPORT),
        (["--recording-unused=fail"], pytest.ExitCode.TESTS_FAILED, REPORT),
        (["-o", "recording_unused=fail"], pytest.ExitCode.TESTS_FAILED, REPORT),
    ],
)
def test_unused(used: Suite, arguments: list[str], code: int, report: list[str]) -> None:
    """Unused files and sessions are passed over, told, or fail the run."""
    result = used.run(*arguments)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(report)
    assert (result.ret, "unused recordings" in result.stdout.str()) == (code, bool(report))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-k", "one"], "tests were deselected"),
        (["--deselect", "test_a.py::test_other"], "tests were deselected"),
        (["test_a.py::test_one"], "single tests were asked for"),
        (["--lf"], "only tests that failed before were asked for"),
    ],
)
def test_part_of_the_tests(used: Suite, arguments: list[str], reason: str) -> None:
    """Where not all tests run nothing is called unused, and the report says why."""
    result = used.run("--recording-unused=fail", *arguments)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"unused recordings were not looked for: {reason}"])


def test_a_run_that_is_stopped(used: Suite) -> None:
    """Nothing is called unused if `-x` ended the run."""
    used.pytester.makepyfile(test_0="def test_zero(): assert False")
    result = used.run("--recording-unused=fail", "-x")
    result.stdout.fnmatch_lines(["unused recordings were not looked for: the run was stopped"])


def test_what_did_not_pass_is_not_judged(suite: Suite) -> None:
    """Recordings of tests that failed or were skipped may have been used by them."""
    suite.write(
        test_a="""
@pytest.mark.skip
def test_skipped(recording):
    see(recording.wrap(live("new")))

def test_failed(recording):
    assert see(recording.wrap(live("new"))) is None
    see(recording.wrap(live("new")))
"""
    )
    suite.hold("test_skipped.jsonl", ["old"])
    suite.hold("test_failed.jsonl", ["old0", "old1"])
    result = suite.run("--recording-unused=warn")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.no_fnmatch_line("*unused recordings*")


def test_modules_that_were_not_asked_for(suite: Suite) -> None:
    """Recordings of other modules are left alone; those of modules that are gone are told by a whole run."""
    suite.write(test_a=SUITE, test_b=SUITE)
    for folder in ("test_a", "test_b", "test_gone"):
        suite.hold(f"../{folder}/test_one.jsonl", ["old"])
        suite.hold(f"../{folder}/x.jsonl", ["old"])
    one = suite.run("--recording-unused=warn", "test_a.py")
    every = suite.run("--recording-unused=warn")
    assert [line for line in one.outlines if line.startswith("recordings/")] == [
        "recordings/test_a/x.jsonl: all of it"
    ]
    assert [line for line in every.outlines if line.startswith("recordings/")] == [
        "recordings/test_a/x.jsonl: all of it",
        "recordings/test_b/x.jsonl: all of it",
        "recordings/test_gone/test_one.jsonl: all of it",
        "recordings/test_gone/x.jsonl: all of it",
    ]


def test_a_path_that_was_given_away_is_used(suite: Suite) -> None:
    """A recording whose path a test asked for counts as used, all of it."""
    suite.write(
        test_a="""
def test_one(recording):
    assert len(recorder.open(recording).sessions()) == 2
"""
    )
    suite.hold("test_one.jsonl", ["old0", "old1"])
    assert suite.run("--recording-unused=fail").ret == pytest.ExitCode.OK


def test_what_is_recorded_is_used(suite: Suite) -> None:
    """A run that records its recordings anew has no unused ones."""
    suite.write(test_a=SUITE)
    suite.hold("test_one.jsonl", ["old0", "old1"])
    assert suite.run("--recording-unused=fail", "--recording-mode=rewrite").ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    "line", ["pytest.importorskip('there_is_no_such_module')", "import there_is_no_such_module"]
)
def test_a_module_that_is_not_collected(suite: Suite, line: str) -> None:
    """Recordings of a module that is skipped as a whole, or cannot be imported, are not judged."""
    suite.write(test_a=f"{line}\n{SUITE}")
    suite.hold("test_one.jsonl", ["old"])
    suite.run("--recording-unused=fail").stdout.no_fnmatch_line("*unused recordings*")


def test_a_folder_by_another_name(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may be asked for as `..` as well as by its name."""
    suite.write(test_a=SUITE)
    suite.hold("../test_gone/test_one.jsonl", ["old"])
    monkeypatch.chdir(suite.pytester.mkdir("sub"))
    suite.run("--recording-unused=warn", "..").stdout.fnmatch_lines(
        ["*recordings/test_gone/test_one.jsonl: *"]
    )


def test_files_that_are_no_recordings(suite: Suite) -> None:
    """Data that happen to be in the folder are nobody's unused recordings."""
    suite.write(test_a=SUITE)
    suite.hold("test_one.jsonl", ["old"])
    suite.path("data.jsonl").write_text('{"question": "What is tea?"}\n')
    suite.run("--recording-unused=fail").stdout.no_fnmatch_line("*unused recordings*")
