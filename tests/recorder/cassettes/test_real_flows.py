"""The plugin with CrewAI, and what docs/TESTING.md says of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from otelstream.demo.environment import quiet_environment
from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.crewai

DOCUMENT = Path(__file__).parents[3] / "docs" / "TESTING.md"


@pytest.fixture(scope="module", autouse=True)
def _crewai() -> None:
    # Before any suite is run, each of which forgets what it was the first to import.
    quiet_environment()
    import otelstream.demo.flow  # noqa: F401


DEMO = """
import pytest
from otelstream.demo.flow import DemoFlow

def flow():
    return DemoFlow().stream_events(inputs={"topic": "Tea"})

@pytest.mark.recording("demo")
def test_replayed(recording):
    session = recording.wrap(flow())
    types = [frame.type for frame in session]
    assert types.count("llm_call_completed") == 4
    assert session.result == "Published 18 words about Tea."

@pytest.mark.recording("demo", serve={"llm", "tools"})
def test_served(recording):
    session = recording.wrap(flow())
    list(session)
    assert session.result == "Published 18 words about Tea."
"""


def test_a_real_flow(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow of CrewAI's is recorded, replayed, and run again without a model; a changed prompt is told."""
    import otelstream.demo.flow
    from otelstream.demo.scripted_llm import ScriptedLLM

    suite.pytester.makepyfile(test_a=DEMO)
    suite.run("--recording-mode=once").assert_outcomes(passed=2)
    monkeypatch.setattr(ScriptedLLM, "_exchange", _refuse)
    suite.run().assert_outcomes(passed=2)
    monkeypatch.setattr(otelstream.demo.flow, "Task", partial(_changed, vars(otelstream.demo.flow)["Task"]))
    result = suite.run("-W", "error::pytest.PytestUnhandledThreadExceptionWarning")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       list(session)",
            "E*DivergedError:*",
            "E*Find out what else Tea is good for.*",
            "E*If this is how it shall be, record it with: pytest *_served --recording-mode=rewrite",
        ]
    )


def _refuse(*_: object) -> NoReturn:
    raise AssertionError("a model was asked")


def _changed(kind: Callable[..., object], **fields: object) -> object:
    return kind(
        **{**fields, "description": str(fields["description"]).replace("what {topic}", "what else {topic}")}
    )


def test_document(suite: Suite) -> None:
    """The examples of the document pass when they record, pass when they replay, and use all of it."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    suite.pytester.makepyfile(test_report="\n".join(blocks))
    suite.run("--recording-mode=once").assert_outcomes(passed=6)
    made = suite.files()
    assert made == [
        "test_report/shared.jsonl",
        "test_report/tea-Green-tea-e2029462.jsonl",
        "test_report/tea-Tea-017979e8.jsonl",
        "test_report/test_report.jsonl",
        "test_report/test_two_at_a_time.jsonl",
    ]
    result = suite.run("--recording-unused=fail")
    result.assert_outcomes(passed=6)
    assert (result.ret, suite.files()) == (pytest.ExitCode.OK, made)
