"""A replay against the observed run it was recorded from: the same frames, to the byte."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

import otelstream
import recorder
from otelstream.bridge import redactor_of
from otelstream.frame import StreamFrame
from otelstream.redact import redacted_frame
from tests.contract.programs import DONE, Async, Sync, aconsume, consume, json_of, types_of

pytestmark = pytest.mark.crewai

PROGRAMS = ["works", "fails", "crew", "call", "turn"]


def session_of(name: str) -> Sync:
    """A fresh session of the program of that name."""
    from otelstream.demo.flow import DemoFlow
    from otelstream.demo.scripted_llm import CallTool, ScriptedLLM
    from tests.contract.flows import WITH_CREWAI, chat

    sessions: dict[str, Callable[[], object]] = {
        "works": WITH_CREWAI.works.stream,
        "fails": WITH_CREWAI.fails.stream,
        "crew": lambda: DemoFlow().stream_events(),
        "call": lambda: ScriptedLLM([CallTool("add", {"left": 1})]).stream_events("Hi"),
        "turn": lambda: chat().stream_turn("ping", session_id="session-1"),
    }
    return cast("Sync", sessions[name]())


def redacted(frames: list[StreamFrame]) -> list[StreamFrame]:
    """The frames as the default redaction leaves them."""
    redactor = redactor_of(redact=True, environ=os.environ)
    return [cast("StreamFrame", redacted_frame(frame, redactor)) for frame in frames]


@pytest.fixture(scope="module", params=PROGRAMS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[StreamFrame], list[StreamFrame]]:
    """The frames of a run that was recorded without redaction, and of its replay."""
    path = tmp_path_factory.mktemp("equality") / f"{request.param}.duckdb"
    live = consume(otelstream.observe(session_of(request.param), record=path, redact=False))
    return live, consume(recorder.replay(path))


def test_a_replay_gives_the_same_bytes(run: tuple[list[StreamFrame], list[StreamFrame]]) -> None:
    """Recorded without redaction, every frame comes back byte for byte, in the same order."""
    live, replayed = run

    assert [frame.model_dump_json() for frame in replayed] == [frame.model_dump_json() for frame in live]


def test_a_replay_gives_equal_models(run: tuple[list[StreamFrame], list[StreamFrame]]) -> None:
    """Recorded without redaction, every frame equals the live one: same class, same values."""
    live, replayed = run

    assert replayed == live


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_replay_gives_the_redacted_frames(name: str, tmp_path: Path) -> None:
    """Recorded as by default, every frame has the values of the redacted live one."""
    live = consume(otelstream.observe(session_of(name), record=tmp_path / "run.duckdb"))
    replayed = consume(recorder.replay(tmp_path / "run.duckdb"))

    assert json_of(replayed) == json_of(redacted(live))


def test_the_default_redaction_changes_the_recorded_frames_only(tmp_path: Path) -> None:
    """The program sees the key that its agent uses; the recording has a placeholder there."""
    from otelstream.demo.flow import DEMO_API_KEY

    live = consume(otelstream.observe(session_of("crew"), record=tmp_path / "run.duckdb"))
    replayed = consume(recorder.replay(tmp_path / "run.duckdb"))

    assert (DEMO_API_KEY in "".join(json_of(live)), DEMO_API_KEY in "".join(json_of(replayed))) == (
        True,
        False,
    )


def test_an_asynchronous_replay_gives_the_same_bytes(tmp_path: Path) -> None:
    """What was recorded with `async for` and is replayed with it is the same, too."""
    from otelstream.demo.flow import DemoFlow

    async def run() -> tuple[list[str], list[str]]:
        session = cast("Async", DemoFlow().astream())
        live = await aconsume(otelstream.observe(session, record=tmp_path / "run.duckdb", redact=False))
        replayed = await aconsume(recorder.areplay(tmp_path / "run.duckdb"))
        return json_of(live), json_of(replayed)

    live, replayed = asyncio.run(run())
    assert replayed == live


def test_a_run_can_be_replayed_the_other_way(tmp_path: Path) -> None:
    """How a run was iterated does not bind how its replay is."""
    live = consume(otelstream.observe(session_of("works"), record=tmp_path / "run.duckdb", redact=False))

    async def replayed() -> tuple[list[str], object]:
        session = recorder.areplay(tmp_path / "run.duckdb")
        return json_of(await aconsume(session)), session.result

    assert asyncio.run(replayed()) == (json_of(live), DONE)


def test_a_run_that_was_left_is_replayed_up_to_there(tmp_path: Path) -> None:
    """A recording of a run that was closed early has the frames that the program took, and says so."""
    session = otelstream.observe(session_of("works"), record=tmp_path / "run.duckdb")
    next(session.tools)
    session.close()
    replayed = recorder.replay(tmp_path / "run.duckdb")

    assert (types_of(replayed), replayed.is_cancelled, replayed.result) == (
        types_of(session.frames),
        True,
        DONE,
    )


def test_a_recording_of_a_replay_is_a_recording_of_the_run(tmp_path: Path) -> None:
    """Observing a replay records the same frames and the same end again."""
    consume(otelstream.observe(session_of("fails"), record=tmp_path / "run.duckdb", redact=False))
    first = recorder.replay(tmp_path / "run.duckdb")
    consume(otelstream.observe(first, record=tmp_path / "again.duckdb", redact=False))
    again = recorder.replay(tmp_path / "again.duckdb")

    assert consume(again) == first.frames
    with pytest.raises(ValueError, match=r"^boom$"):
        _ = again.result
