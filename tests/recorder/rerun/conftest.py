"""Each scenario recorded once, and a machine without a network to re-execute it on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

import recorder
from recorder.rerun import Report

if TYPE_CHECKING:  # it imports CrewAI
    from tests.recorder.rerun.stage import Performed, Stage


@dataclass(frozen=True)
class Repeated:
    """A scenario that was recorded and re-executed.

    Attributes:
        first: The recording.
        again: The recording of the re-execution.
        performed: What came of that.
        stage: On which it was.
        report: What was served.
    """

    first: Path
    again: Path
    performed: Performed
    stage: Stage
    report: Report


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The recording of the scenario of that name, redacted as by default."""
    from tests.recorder.rerun.scenarios import SCENARIOS
    from tests.recorder.rerun.stage import Stage, perform

    folder = tmp_path_factory.mktemp("scenarios")

    @cache
    def record(name: str) -> Path:
        perform(SCENARIOS[name], Stage(), folder / f"{name}.duckdb")
        return folder / f"{name}.duckdb"

    return record


@pytest.fixture(scope="session")
def repeated(recorded: Callable[[str], Path]) -> Callable[[str], Repeated]:
    """The re-execution of the scenario of that name, with models that know no answer."""
    from tests.recorder.rerun.scenarios import SCENARIOS
    from tests.recorder.rerun.stage import Stage, perform

    @cache
    def repeat(name: str) -> Repeated:
        stage, path = Stage(scripted=False), recorded(name)
        again = path.with_name(f"{name}-again.duckdb")
        with recorder.rerun(path) as rerun, without_network():
            performed = perform(SCENARIOS[name], stage, again)
        return Repeated(path, again, performed, stage, rerun.report)

    return repeat


@contextmanager
def without_network() -> Iterator[None]:
    """Let every attempt to reach another machine, or this one, fail."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a socket was to be connected")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture
def no_network() -> Iterator[None]:
    """Run a test without a network."""
    with without_network():
        yield
