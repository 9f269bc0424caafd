"""The command line in the test's own process, and recordings to give it."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import pytest

import otelstream
from otelstream import bridge
from otelstream.bridge.counters import Losses
from otelstream.cli import main
from tests.e2e.runs import run_sync


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Cli(Protocol):
    """Runs a command as `otelstream` would, in the test's directory."""

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Ended: ...


@dataclass(frozen=True)
class Recordings:
    """Recordings that tests read and must not change.

    Attributes:
        completed: One session of the golden crew, that gave a result.
        failed: The same, that raised an exception.
        both: A completed session, then a failed one.
    """

    completed: Path
    failed: Path
    both: Path


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Recordings of golden frames."""
    folder = tmp_path_factory.mktemp("recordings")
    made = Recordings(folder / "completed.duckdb", folder / "failed.duckdb", folder / "both.duckdb")
    for path in (made.completed, made.both):
        run_sync({"record": path})
    for path in (made.failed, made.both):
        run_sync({"record": path}, ValueError("there is no tea"))
    return made


def empty(path: Path, recordings: Recordings) -> None:
    """Make a file of no bytes."""
    path.touch()


def text(path: Path, recordings: Recordings) -> None:
    """Make a file that is no database."""
    path.write_text("a text that is long enough to have a header, were it one of a database\n" * 200)


def foreign(path: Path, recordings: Recordings) -> None:
    """Make a database of somebody else's."""
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE cups (tea VARCHAR)")


def truncated(path: Path, recordings: Recordings) -> None:
    """Make the beginning of a recording."""
    path.write_bytes(recordings.both.read_bytes()[:20_000])


def newer(path: Path, recordings: Recordings) -> None:
    """Make a recording of a format to come."""
    path.write_bytes(recordings.completed.read_bytes())
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE header SET format_version = 99")


def directory(path: Path, recordings: Recordings) -> None:
    """Make a directory."""
    path.mkdir()


@pytest.fixture(autouse=True)
def fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each command find what it would find in a new process, and leave nothing of its own in this one."""
    for name in [name for name in os.environ if name.startswith("OTEL")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(tmp_path)
    otelstream.shutdown(5)
    monkeypatch.setattr(bridge, "_losses", Losses())
    level = logging.getLogger("opentelemetry").level
    yield
    logging.getLogger("opentelemetry").setLevel(level)
    otelstream.shutdown(5)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line; what a command lets out as an exception would be a traceback."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["otelstream", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        code = left.value.code
        assert code is None or isinstance(code, int)
        return Ended(code or 0, captured.out, captured.err)

    return run
