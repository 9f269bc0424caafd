"""Many processes record into one directory at once, however they were started, while another one reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import recorder
from otelstream.frame import frame_json
from recorder.tables import HAS_APPENDER
from tests.e2e.programs.made import made_json
from tests.e2e.programs.recording import FRAMES, SESSIONS, WORKERS
from tests.e2e.runs import environment

PROCESSES = 4


@dataclass(frozen=True)
class Ran:
    """What processes say that recorded into a directory, and what the directory holds.

    Attributes:
        losses: By process.
        sessions: The frames of each session as JSON, by its name and its state.
        files: How many recordings there are.
        skipped: What is no recording.
    """

    losses: dict[str, Any]
    sessions: dict[tuple[str, str], list[str]]
    files: int
    skipped: list[tuple[Path, str]]


def started(arguments: list[str], cwd: Path) -> subprocess.Popen[bytes]:
    """Start a program in a directory."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def told(process: subprocess.Popen[bytes]) -> tuple[dict[str, Any], bytes]:
    """Wait for the end of a program; return what it printed, and its errors."""
    out, err = process.communicate(b"", timeout=60)
    assert process.returncode == 0, err
    return json.loads(out), err


def recorded_in(cwd: Path, losses: dict[str, Any]) -> Ran:
    """Return what is recorded in `runs/`."""
    with recorder.open(cwd / "runs") as recording:
        sessions = {
            (str(each.start.name), each.state): [frame_json(frame) for frame in recording.frames(each)]
            for each in recording.sessions()
        }
        return Ran(losses, sessions, len(recording.files), recording.skipped)


def expected(*labels: str, sessions: int = SESSIONS) -> dict[tuple[str, str], list[str]]:
    """Return the sessions of processes as they should be."""
    names = [f"{label}.{number}" for label in labels for number in range(sessions)]
    return {(name, "completed"): made_json(name, FRAMES) for name in names}


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, dict[str, Any], bytes]:
    """Four processes that recorded at once, and what a fifth says that read all the time."""
    cwd = tmp_path_factory.mktemp("four")
    reader = started(["tests.e2e.programs.reading", "runs"], cwd)
    programs = [
        started(["tests.e2e.programs.recording", "alone", "runs/", f"p{number}"], cwd)
        for number in range(PROCESSES)
    ]
    losses = [told(program)[0] for program in programs]
    read, errors = told(reader)
    return recorded_in(cwd, {name: lost for each in losses for name, lost in each.items()}), read, errors


@pytest.fixture(scope="module", params=["preforked", "fork-pool", "spawn-pool"])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A process that recorded before it started others, which recorded at once, and again after them."""
    cwd = tmp_path_factory.mktemp(request.param)
    losses, _ = told(started(["tests.e2e.programs.recording", request.param, "runs/", "w"], cwd))
    return recorded_in(cwd, losses)


def test_frames_in_are_frames_stored(four: tuple[Ran, dict[str, Any], bytes]) -> None:
    """Every session of every process is there, whole and byte for byte, and there are no others."""
    assert four[0].sessions == expected(*(f"p{number}" for number in range(PROCESSES)))


def test_no_process_loses_anything(four: tuple[Ran, dict[str, Any], bytes]) -> None:
    """`losses()` is empty in each: neither the others nor the reader got in its way."""
    assert four[0].losses == {f"p{number}": {} for number in range(PROCESSES)}


def test_each_process_has_a_file_of_its_own(four: tuple[Ran, dict[str, Any], bytes]) -> None:
    """The directory holds as many files as processes recorded, and nothing that is no recording."""
    assert (four[0].files, four[0].skipped) == (PROCESSES, [])


def test_the_reader_finds_nothing_wrong(four: tuple[Ran, dict[str, Any], bytes]) -> None:
    """Whenever it looked, all files opened, no session had vanished or shrunk, and frames were in order."""
    _, read, errors = four

    assert (read["wrong"], errors) == ([], b"")


def test_the_reader_looked_while_there_was_writing(four: tuple[Ran, dict[str, Any], bytes]) -> None:
    """It followed sessions, more than once."""
    _, read, _ = four

    assert (read["looks"] > 1, read["seen"] > 0) == (True, True)


def test_workers_store_every_frame(family: Ran) -> None:
    """Parent and workers have all their sessions in the directory, byte for byte."""
    workers = expected(*(f"w.{number}" for number in range(WORKERS)))

    assert family.sessions == {**workers, **expected("w.parent", sessions=2)}


def test_workers_and_their_parent_lose_nothing(family: Ran) -> None:
    """`losses()` is empty in each of them, and none failed."""
    if not HAS_APPENDER:
        family.losses.pop("statuses", None)  # DuckDB 1.x aborts forked processes at their exit
    assert [each for each in family.losses.items() if each[1]] == []


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_that_ends_with_an_open_session_stores_it(method: str, tmp_path: Path) -> None:
    """However `multiprocessing` starts it and ends it, the frames until then are there."""
    said, _ = told(started(["tests.e2e.programs.recording", f"{method}-process", "runs/", "w"], tmp_path))

    assert recorded_in(tmp_path, said) == Ran(
        {"exit": {}}, {("w.open", "cancelled"): made_json("w.open", FRAMES)}, 1, []
    )
