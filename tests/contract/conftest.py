"""The kinds of session that the contract holds for: live, observed and replayed, with CrewAI and without."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import pytest

import otelstream
import recorder
from tests.contract.programs import (
    GATE,
    WITHOUT_CREWAI,
    Async,
    Program,
    Sync,
    World,
    aconsume,
    consume,
)

S = TypeVar("S")
Stage = Literal["live", "observed", "replayed"]


class Recordings:
    """Full runs of programs, each recorded once and without redaction."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[Program, str], Path] = {}

    def fresh(self) -> Path:
        """A file that does not exist yet."""
        return self._folder / f"{len(list(self._folder.iterdir()))}.duckdb"

    def sync(self, program: Program) -> Path:
        """The recording of a run that was iterated with `for`."""
        key = (program, "sync")
        if key not in self._made:
            self._made[key] = self.fresh()
            session = otelstream.observe(program.stream(), record=self._made[key], redact=False)
            _with_open_gate(lambda: consume(session))
        return self._made[key]

    def asynchronous(self, program: Program) -> Path:
        """The recording of a run that was iterated with `async for`."""
        key = (program, "async")
        if key not in self._made:
            self._made[key] = self.fresh()
            path = self._made[key]

            async def record() -> None:
                await aconsume(otelstream.observe(program.astream(), record=path, redact=False))

            _with_open_gate(lambda: asyncio.run(record()))
        return self._made[key]


@dataclass(frozen=True)
class Kind:
    """One kind of session: of which programs, and whether they run or are replayed."""

    world: World
    stage: Stage
    recordings: Recordings
    opened: list[Sync] = field(default_factory=list)

    def stream(self, program: Program) -> Sync:
        """A session of this kind."""
        if self.stage == "replayed":
            session = recorder.replay(self.recordings.sync(program))
        else:
            session = self._observed(program.stream())
        self.opened.append(session)
        return session

    def astream(self, program: Program) -> Async:
        """An asynchronous session of this kind."""
        if self.stage == "replayed":
            return recorder.areplay(self.recordings.asynchronous(program))
        return self._observed(program.astream())

    def _observed(self, session: S) -> S:
        if self.stage == "live":
            return session
        return otelstream.observe(session, record=self.recordings.fresh(), redact=False)

    def finish(self) -> None:
        """Close what the test left open.

        CrewAI's generator joins the flow's thread when it is collected; if the collector runs in that very
        thread, the thread waits for itself for ever.
        """
        GATE.set()
        for session in self.opened:
            session.close()
        GATE.clear()


def _with_open_gate(work: Callable[[], object]) -> None:
    # In a thread, because the test may be inside an event loop already.
    GATE.set()
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,))
    thread.start()
    thread.join()
    GATE.clear()


def _world(name: str, monkeypatch: pytest.MonkeyPatch) -> World:
    if name == "crewai":
        from tests.contract.flows import WITH_CREWAI

        return WITH_CREWAI
    # As in a program that never loads it, also where an earlier test did.
    monkeypatch.delitem(sys.modules, "crewai.types.streaming", raising=False)
    return WITHOUT_CREWAI


STAGES: tuple[Stage, ...] = ("live", "observed", "replayed")
WITH = [pytest.param(("crewai", stage), id=f"crewai-{stage}", marks=pytest.mark.crewai) for stage in STAGES]
WITHOUT = [pytest.param(("plain", stage), id=f"plain-{stage}") for stage in STAGES]


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Where sessions are recorded."""
    return Recordings(tmp_path_factory.mktemp("recordings"))


def _kind(
    request: pytest.FixtureRequest, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kind]:
    world, stage = request.param
    kind = Kind(_world(world, monkeypatch), stage, recordings)
    yield kind
    kind.finish()


kind = pytest.fixture(_kind, params=[*WITH, *WITHOUT], name="kind")
crewai_kind = pytest.fixture(_kind, params=WITH, name="crewai_kind")
plain_kind = pytest.fixture(_kind, params=WITHOUT, name="plain_kind")
