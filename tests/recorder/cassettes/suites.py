"""Test suites that are run inside of a test, and what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

# What a run inside of this process imports first is imported again by the next, which DuckDB cannot be.
import otelstream
import otelstream.bridge.converting
import recorder.cassettes.cassette
import recorder.conversion
import recorder.diff
import recorder.pytest_plugin
import recorder.rerun  # noqa: F401  as they are
from recorder.cassettes.episodes import episodes_in, label
from recorder.reader import open_recording
from tests.contract.programs import consume, frame, stream

CONFTEST = '''
import json
from pathlib import Path
from tests.contract.programs import astream, frame, stream

def live(text, make=stream, **how):
    """A session whose one frame says what ran, and which tells that it did."""
    def frames():
        with open("ran.txt", "a") as ran:
            ran.write(text + chr(10))
        yield frame(0, data={"chunk": text})
    return make(frames(), **how)

def alive(text):
    return live(text, astream)

def see(session):
    with open("seen.txt", "a") as seen:
        for each in session:
            seen.write(each.data["chunk"] + chr(10))
    return session.result
'''

HEAD = """
import asyncio, pytest, recorder
from pathlib import Path
from conftest import alive, live, see
"""

# Hypothesis is imported at the end of a run, which takes longer than all the rest.
_QUICK = ("-p", "no:hypothesispytest")


@dataclass(frozen=True)
class Suite:
    """A test suite in a folder of its own."""

    pytester: pytest.Pytester

    def write(self, **modules: str) -> None:
        """Write test modules; each may call `live`, `alive` and `see`."""
        self.pytester.makeconftest(CONFTEST)
        self.pytester.makepyfile(**{name: HEAD + source for name, source in modules.items()})

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run it in this process."""
        return self.pytester.runpytest_inprocess(*arguments, *_QUICK, no_reraise_ctrlc=True)

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """Run it in a process of its own."""
        return self.pytester.runpytest_subprocess(*arguments, *_QUICK)

    @property
    def ran(self) -> list[str]:
        """What ran live, in all runs so far."""
        return self._lines("ran.txt")

    @property
    def seen(self) -> list[str]:
        """What tests read, live or replayed."""
        return self._lines("seen.txt")

    def path(self, name: str) -> Path:
        """A recording of the module `test_a`."""
        return self.pytester.path / "recordings" / "test_a" / name

    def hold(self, name: str, texts: Sequence[str]) -> Path:
        """Make a recording of one session for each text; none if there are no texts."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            live = stream([frame(0, data={"chunk": text})])
            consume(otelstream.observe(live, record=path, entry_point=label("test", number)))
        otelstream.flush()
        return path

    def held(self, name: str) -> list[str]:
        """The texts that a recording holds, in the order of its episodes; none if there is no such file."""
        return texts_in(self.path(name))

    def files(self) -> list[str]:
        """Every file beneath the folder of recordings."""
        folder = self.pytester.path / "recordings"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def _lines(self, name: str) -> list[str]:
        path = self.pytester.path / name
        return path.read_text().split() if path.exists() else []


def texts_in(path: Path) -> list[str]:
    """The texts of a recording's sessions, in the order of its episodes."""
    if not path.exists():
        return []
    with open_recording(path) as recording:
        return [
            " ".join(str(each.data["chunk"]) for each in recording.frames(episode))
            for episode in episodes_in(path)
        ]
