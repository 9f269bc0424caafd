"""Where `CI` is set nothing is recorded, whoever asks for it."""

from __future__ import annotations

import pytest

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]

ONE_WRAP = """
def test_one(recording):
    see(recording.wrap(live("new")))
"""
MARKED = """
@pytest.mark.recording(mode="once")
def test_one(recording):
    see(recording.wrap(live("new")))
"""
INI = "[pytest]\nrecording_mode = once\n"


@pytest.mark.parametrize("variable", ["true", "1", "false"])
@pytest.mark.parametrize(
    ("module", "ini", "arguments"),
    [(ONE_WRAP, "", ["--recording-mode=all"]), (MARKED, "", []), (ONE_WRAP, INI, [])],
    ids=["command line", "marker", "ini"],
)
def test_nothing_is_recorded_in_ci(
    suite: Suite,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    module: str,
    ini: str,
    arguments: list[str],
) -> None:
    """Whatever value `CI` has: the session does not run, and the test fails for want of a recording."""
    monkeypatch.setenv("CI", variable)
    suite.write(test_a=module)
    suite.pytester.makeini(ini)
    result = suite.run(*arguments)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*RecordingError: *recordings/test_a/test_one.jsonl does not exist, and nothing is recorded"
            " where CI is set; record it on your own machine and commit it:"
            " pytest test_a.py::test_one --recording-mode=once"
        ]
    )
    assert (suite.ran, suite.files()) == ([], [])


@pytest.mark.parametrize(
    ("module", "ini", "arguments"),
    [(ONE_WRAP, "", ["--recording-mode=once"]), (MARKED, "", []), (ONE_WRAP, INI, [])],
    ids=["command line", "marker", "ini"],
)
def test_an_empty_variable_is_none(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, module: str, ini: str, arguments: list[str]
) -> None:
    """With an empty `CI` everybody who may ask for a mode gets it."""
    monkeypatch.setenv("CI", "")
    suite.write(test_a=module)
    suite.pytester.makeini(ini)
    suite.run(*arguments).assert_outcomes(passed=1)
    assert suite.held("test_one.jsonl") == ["new"]


@pytest.mark.parametrize(
    ("variable", "arguments", "header"),
    [
        ("", ["--recording-mode=all"], "recordings: mode all"),
        ("yes", ["--recording-mode=all"], "recordings: mode none, as CI is set; mode all is not used"),
        ("", [], None),
        ("yes", [], None),
    ],
)
def test_header(
    suite: Suite,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    arguments: list[str],
    header: str | None,
) -> None:
    """The head of the report names the mode that was asked for, and says if `CI` overrides it."""
    monkeypatch.setenv("CI", variable)
    suite.write(test_a="def test_nothing(): pass")
    found = [line for line in suite.run(*arguments).outlines if line.startswith("recordings:")]
    assert found == ([] if header is None else [header])


def test_command_line_goes_before_marker_before_ini(suite: Suite) -> None:
    """Of three different modes that of the command line holds, then that of the marker."""
    suite.write(
        test_a="""
@pytest.mark.recording(mode="all")
def test_one(recording):
    Path("modes.txt").open("a").write(recording.mode + " ")

def test_two(recording):
    Path("modes.txt").open("a").write(recording.mode + " ")
"""
    )
    suite.pytester.makeini(INI)
    suite.run()
    suite.run("--recording-mode=rewrite")
    assert (suite.pytester.path / "modes.txt").read_text().split() == ["all", "once", "rewrite", "rewrite"]


def test_a_mode_that_is_none(suite: Suite) -> None:
    """A mode in the configuration file that does not exist is told in one sentence, with exit code 4."""
    suite.write(test_a=ONE_WRAP)
    suite.pytester.makeini("[pytest]\nrecording_mode = twice\n")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: recording_mode is 'twice'; it is one of none, once, new_episodes, all, rewrite."]
    )
