"""A program that shuts down while other threads record: each frame is stored or counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import otelstream
import recorder
from otelstream.frame import StreamFrame
from recorder import StreamSession
from tests.e2e.programs.made import made


class Program:
    """A thread that iterates a session until it is told to stop.

    Attributes:
        yielded: How many frames it got.
    """

    def __init__(self, path: Path, *, slowly: bool) -> None:
        self.yielded = 0
        self._path = path
        self._pause = 0.001 if slowly else 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop iterating."""
        self._stop.set()
        self._thread.join()

    def wait_for(self, frames: int) -> None:
        """Return when it got so many frames."""
        while self.yielded < frames:
            assert self._thread.is_alive()

    def _run(self) -> None:
        def frames() -> Iterator[StreamFrame]:
            while not self._stop.wait(self._pause):
                yield made("lane", self.yielded)

        for _ in otelstream.observe(StreamSession(sync_iterator=frames()), record=self._path):
            self.yielded += 1


def stored(path: Path) -> int:
    """Return how many frames are in a recording."""
    with recorder.open(path) as recording:
        return sum(session.frame_count for session in recording.sessions())


@pytest.mark.parametrize("slowly", [True, False])
@pytest.mark.parametrize("before", [1, 50, 400])
def test_frames_yielded_are_frames_stored_and_frames_counted(
    before: int, slowly: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the shutdown comes, and however many frames come behind it."""
    monkeypatch.setenv("OTELSTREAM_BATCH_MS", "1")
    program = Program(tmp_path / "x.duckdb", slowly=slowly)
    program.wait_for(before)
    otelstream.shutdown()
    program.wait_for(before + 50)
    program.stop()

    losses = otelstream.losses()
    assert (set(losses), stored(tmp_path / "x.duckdb") + sum(losses.values())) == (
        {"after_shutdown"},
        program.yielded,
    )


def test_a_session_that_begins_during_a_shutdown_is_recorded_or_counted(tmp_path: Path) -> None:
    """Threads observe one session after the other, while others shut down."""
    done, counts = threading.Event(), []

    def observe(number: int) -> None:
        frames = [made(f"lane{number}", each) for each in range(20)]
        while not done.is_set():
            record = tmp_path / f"runs{number}/"
            seen = list(otelstream.observe(StreamSession(sync_iterator=iter(frames)), record=record))
            counts.append(len(seen))

    threads = [threading.Thread(target=observe, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        otelstream.shutdown()
    done.set()
    for thread in threads:
        thread.join()
    otelstream.shutdown()

    kept = sum(stored(folder) for folder in tmp_path.iterdir())
    assert kept + sum(otelstream.losses().values()) == sum(counts)
