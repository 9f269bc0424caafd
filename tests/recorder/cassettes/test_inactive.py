"""A suite that does not use the plugin does not notice it."""

from __future__ import annotations

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]


def test_nothing_happens(suite: Suite) -> None:
    """Without the fixture nothing is loaded, nothing is written and nothing is said, whatever the mode."""
    suite.pytester.makepyfile(
        test_a="""
import sys, pytest

@pytest.mark.recording("name")
def test_modules():
    heavy = ("duckdb", "opentelemetry", "crewai", "pydantic", "otelstream.bridge", "otelstream.redact")
    assert [name for name in heavy if name in sys.modules] == []
    assert "recorder.pytest_plugin" in sys.modules
"""
    )
    result = suite.run_apart("--recording-mode=all", "-q", "-p", "no:cacheprovider")
    assert result.outlines[0].startswith(".")
    assert result.outlines[-1].startswith("1 passed")
    of_pytester = {"stdout", "stderr", "runpytest-0", "runpytest-current", "__pycache__"}
    assert {path.name for path in suite.pytester.path.iterdir()} - of_pytester == {"test_a.py"}


def test_it_can_be_turned_off(suite: Suite) -> None:
    """`-p no:otelstream` takes the fixture away."""
    suite.pytester.makepyfile(test_a="def test_one(recording): pass")
    result = suite.run("-p", "no:otelstream")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*fixture 'recording' not found"])


def test_a_fixture_of_the_same_name_prevails(suite: Suite) -> None:
    """A project that has a fixture `recording` of its own keeps it."""
    suite.pytester.makepyfile(
        test_a="""
import pytest

@pytest.fixture
def recording():
    return "mine"

def test_one(recording):
    assert recording == "mine"
"""
    )
    suite.run("--recording-mode=all", "--recording-unused=fail").assert_outcomes(passed=1)
