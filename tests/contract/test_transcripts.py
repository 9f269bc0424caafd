"""Any session, live, observed and replayed: a program that does the same with each of them sees the same."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import otelstream
import recorder
from otelstream.bridge import redactor_of
from otelstream.frame import frame_json, with_fields
from otelstream.redact.stream import redacted
from tests.conftest import NAMES, frames_of
from tests.contract.programs import Async, Sync, aconsume, consume, frame, json_of, stream
from tests.contract.sessions import CREWAI, SCRIPTS, SECRET, SECRETS, Run, caused, library, runs
from tests.contract.transcripts import (
    PROJECTIONS,
    Close,
    Hold,
    LetGo,
    Script,
    Take,
    Transcript,
    With,
    assert_same,
    transcript,
)

# What is told of a failure may be long, and shall not fail in its place.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")

some = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would record for minutes
)
with_crewai = pytest.param("crewai", "duckdb", marks=pytest.mark.crewai, id="crewai-duckdb")
each_world = pytest.mark.parametrize(
    ("world", "tape"),
    [with_crewai, ("plain", "duckdb"), ("plain", "jsonl")],
    indirect=["tape"],
    scope="module",
)
each_form = pytest.mark.parametrize("tape", ["duckdb", "jsonl"], indirect=True, scope="module")
each_library = pytest.mark.parametrize(
    ("world", "tape"), [with_crewai, ("plain", "jsonl")], indirect=["tape"], scope="module"
)
each_golden = pytest.mark.parametrize("name", NAMES)

CHANNELS = ("llm", "flow", "tools", "messages", "lifecycle", "custom")
SUBSETS = list(chain.from_iterable(combinations(CHANNELS, count) for count in range(7)))
PROJECTED: Script = (Take(()), *(Take(name) for name in PROJECTIONS))
SHARES = 9
"""Among so many streams the subsets are shared out, so that four streams or more are taken by each."""
RATES = (0.0, 1e9)  # at once, and so fast that nothing is waited for, though every frame might be
LEFT: Script = (
    *(Take("llm", 2), Hold(0, "flow", 1), Hold(1, "events", 3), LetGo(0), Hold(1, "events", 2)),
    *(With((Take(("tools", "custom"), 1),), raises=True), Take("events"), Take("events"), Close()),
)
CLOSED: Script = (Close(), Take("events"), Take("events"))
"""Depends little on what would have come: one share of the streams has it, and every random script may."""


@contextmanager
def loaded(world: str) -> Iterator[None]:
    """A program that has loaded CrewAI, or one that has not."""
    with pytest.MonkeyPatch.context() as patch:
        if world == "crewai":
            import crewai.types.streaming  # noqa: F401  that it is loaded is the point
        else:
            patch.delitem(sys.modules, CREWAI, raising=False)
        yield


def played(session: Sync | Async, script: Script) -> Transcript:
    """The transcript of a session that needs no event loop to be made."""
    return asyncio.run(transcript(session, script))


@dataclass
class Tape:
    """A file that takes one run after the other; it stays open, which makes each faster."""

    path: Path

    def record(self, run: Run, *, redact: bool = False) -> str:
        """Record a whole run; return the id of its session."""
        consume(otelstream.observe(run.stream(library()), record=self.path, redact=redact))
        return self.last()

    def arecord(self, run: Run) -> str:
        """Record a whole run that is iterated with `async for`; return the id of its session."""

        async def record() -> None:
            await aconsume(otelstream.observe(run.astream(library()), record=self.path, redact=False))

        asyncio.run(record())
        return self.last()

    def last(self) -> str:
        """The id of the session that was recorded last."""
        with recorder.open(self.path) as recording:
            return recording.session("last").id


@pytest.fixture(scope="module")
def tape(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    """Where the runs are recorded, in one form or the other."""
    path = tmp_path_factory.mktemp("transcripts") / f"runs.{request.param}"
    keeper = iter(otelstream.observe(stream([frame(0), frame(1)]), record=path))
    next(keeper)
    yield Tape(path)
    list(keeper)


@each_world
@some
@given(run=runs(), script=SCRIPTS)
def test_every_kind_of_session_is_as_the_live_one(world: str, tape: Tape, run: Run, script: Script) -> None:
    """Whatever a program does with a session, it sees the same where it is observed or replayed."""
    with loaded(world):
        session_id = tape.record(run)
        live = played(run.stream(library()), script)
        assert_same(played(otelstream.observe(run.stream(library())), script), live)
        for rate in RATES:
            assert_same(played(recorder.replay(tape.path, session_id, rate=rate), script), live)


@each_world
@some
@given(run=runs(), script=SCRIPTS)
def test_every_kind_of_asynchronous_session_is_as_the_live_one(
    world: str, tape: Tape, run: Run, script: Script
) -> None:
    """Whatever a program does with a session, it sees the same where it is observed or replayed."""
    with loaded(world):
        session_id = tape.arecord(run)
        live = played(run.astream(library()), script)
        assert_same(played(otelstream.observe(run.astream(library())), script), live)
        for rate in RATES:
            assert_same(played(recorder.areplay(tape.path, session_id, rate=rate), script), live)


@pytest.mark.crewai
@settings(some, max_examples=75)
@given(run=runs(), script=SCRIPTS)
def test_our_sessions_are_as_crewais(run: Run, script: Script) -> None:
    """What stands in where CrewAI is not loaded does what CrewAI's own does, for `for` and `async for`."""
    run = replace(
        run, frames=[with_fields(each, {}) for each in run.frames]
    )  # CrewAI's frames have no others
    with loaded("crewai"):
        theirs, atheirs = played(run.stream(library()), script), played(run.astream(library()), script)
    mine, amine = played(run.stream(), script), played(run.astream(), script)

    assert (mine.observations, mine.texts) == (theirs.observations, theirs.texts)
    assert (amine.observations, amine.texts) == (atheirs.observations, atheirs.texts)


@each_form
@pytest.mark.parametrize("mode", ["sync", "async"])
@settings(some, max_examples=8)
@given(run=runs(min_size=1), data=st.data())
def test_a_run_that_was_closed_is_replayed_as_it_was_left(
    mode: str, tape: Tape, run: Run, data: st.DataObject
) -> None:
    """A replay to the end leaves a session that says of itself what the closed one says."""
    taken = data.draw(st.integers(1, len(run.frames)), label="taken")
    script = (Take("events", taken), Close(), Take("events"))
    with loaded("plain"):
        session = run.stream() if mode == "sync" else run.astream()
        live = played(otelstream.observe(session, record=tape.path, redact=False), script)
        otelstream.flush()
        replay = recorder.replay if mode == "sync" else recorder.areplay
        replayed = played(replay(tape.path, tape.last()), (Take("events"),))

    left, end = live.observations[-1], replayed.observations[-1]
    assert (end.flags, end.result, end.frames) == (left.flags, left.result, live.texts)


@each_form
@some
@given(run=runs(SECRETS))
def test_a_replay_holds_the_redacted_frames(tape: Tape, run: Run) -> None:
    """Recorded as by default, exactly the frames come back that the redaction makes of the stream."""
    run = replace(run, results=("done",), error=None)
    expected = [*map(frame_json, redacted(run.frames, redactor_of(redact=True, environ=os.environ)))]
    with loaded("plain"):
        session = recorder.replay(tape.path, tape.record(run, redact=True))
        texts = json_of(consume(session))

    assert (texts, SECRET in "".join(texts)) == (expected, False)


@pytest.fixture(scope="module")
def golden(tape: Tape) -> dict[str, tuple[Run, str]]:
    """A run of each golden stream, and the session that it was recorded as."""
    ends = [{"results": ("done",)}, {"error": lambda: caused(ValueError("boom"), None)}, {}]
    found = {}
    for number, name in enumerate(NAMES):
        run = Run(list(frames_of(name)), **ends[number % len(ends)])  # type: ignore[arg-type]  # by name
        found[name] = (run, tape.record(run))
    return found


@each_library
@each_golden
def test_a_replay_of_a_real_stream_is_as_the_live_one(
    world: str, name: str, tape: Tape, golden: dict[str, tuple[Run, str]]
) -> None:
    """Every projection, subsets of the channels, every way to leave a loop, with `for` and `async for`."""
    run, session_id = golden[name]
    with loaded(world):
        share = NAMES.index(name) % SHARES
        subsets = tuple(map(Take, SUBSETS[share::SHARES]))
        for script in ((*PROJECTED, *subsets), LEFT, *([CLOSED] if share == 0 else [])):
            live = played(run.stream(library()), script)
            assert_same(played(recorder.replay(tape.path, session_id), script), live)
            live = played(run.astream(library()), script)
            assert_same(played(recorder.areplay(tape.path, session_id), script), live)
