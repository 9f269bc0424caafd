"""The demo flow, run again: its script is not asked, its tools do not run, and no socket is opened."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import DivergedError

quiet_environment()

from otelstream.demo import flow as demo  # noqa: E402 (after the settings)
from otelstream.demo.script import Script  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import consume  # noqa: E402 (after the settings)

pytestmark = [pytest.mark.crewai, pytest.mark.usefixtures("no_network")]


def refuse(*_: object, **__: object) -> NoReturn:
    """Fail where nothing shall be asked."""
    raise AssertionError("it was asked")


@pytest.fixture(scope="module", params=[True, False], ids=["redacted", "whole"])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's recording, with and without its key."""
    path = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    consume(otelstream.observe(demo.DemoFlow().stream_events(), record=path, redact=request.param))
    return path


@pytest.fixture
def _nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Script, "take", refuse)
    for tool in (demo.lookup_fact, demo.count_words):
        monkeypatch.setattr(tool.func, "__code__", refuse.__code__)  # frames show the function itself


@pytest.mark.usefixtures("_nothing_asked")
def test_the_demo_is_the_same_again(recording: Path, tmp_path: Path) -> None:
    """85 frames and a result, out of six recorded calls."""
    redacted = recording_is_redacted(recording)
    with recorder.rerun(recording) as rerun:
        session = otelstream.observe(
            demo.DemoFlow().stream_events(), record=tmp_path / "again.duckdb", redact=redacted
        )
        performed = consume(session)

    difference = recorder.diff(recording, tmp_path / "again.duckdb")
    assert difference.verdict == rerun.diff(session).verdict == "same", str(difference)
    # CrewAI names the coding agent that it thinks it runs under, or does not.
    frames = [frame for frame in performed.frames if not frame.type.endswith("_env")]
    assert (len(frames), performed.result) == (85, "Published 18 words about OpenTelemetry.")
    assert str(rerun.report) == "6 calls served, 0 live"


@pytest.mark.usefixtures("_nothing_asked")
def test_a_changed_topic_stops_at_the_first_call(recording: Path) -> None:
    """The error names the call by where it is made, the message that differs, and the lines."""
    with pytest.raises(DivergedError) as raised, recorder.rerun(recording):
        demo.DemoFlow().kickoff(inputs={"topic": "Prometheus"})

    place = (
        "flow DemoFlow > method research > crew demo > task research > agent Researcher > flow AgentExecutor"
    )
    assert raised.value.sentence == (
        f"LLM call 1 ({place}) is not the recorded one: message 2 (user) differs. "
        "If that is intended, record the run again."
    )
    assert "-Current Task: Find out what OpenTelemetry is good for." in raised.value.difference
    assert "+Current Task: Find out what Prometheus is good for." in raised.value.difference


def recording_is_redacted(path: Path) -> bool:
    """Whether its session was recorded without secrets."""
    with recorder.open(path) as opened:
        return opened.session().start.redacted
