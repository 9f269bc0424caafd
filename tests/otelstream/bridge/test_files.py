"""Recording files: one writer for all sessions, closed by the last, given up when a commit fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Losses
from otelstream.bridge.files import BACK_OFF_S, NOTICEABLE_S, RecordingFiles
from otelstream.bridge.stages import RecordingFile
from otelstream.errors import RecordingError

X, Y = Path("x.duckdb"), Path("y.duckdb")


class Clock:
    """A clock that stands still unless it is told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now


class Disk:
    """What files do when they are opened, committed and closed, and what they did."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.done: list[str] = []
        self.opening_takes_s = 0.0
        self.refuses: set[str] = set()
        self.losses = Losses()
        self.files = RecordingFiles(Attempts(self.losses))

    def does(self, what: str, path: Path) -> None:
        """Note a step, and fail if it shall."""
        self.done.append(f"{what} {path.stem}")
        if what == "open":
            self.clock.now += self.opening_takes_s
        if what in self.refuses:
            raise RecordingError(f"{path} cannot {what}.")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk on which every file holds seven frames that wait."""
    made = Disk()

    class File(RecordingFile):
        @property
        def pending(self) -> int:
            return 7

        def open(self) -> None:
            made.does("open", self.path)

        def flush(self) -> None:
            made.does("commit", self.path)

        def close(self) -> None:
            made.does("close", self.path)

    monkeypatch.setattr("otelstream.bridge.files.RecordingFile", File)
    monkeypatch.setattr("otelstream.bridge.files.time", made.clock)
    return made


def test_sessions_share_the_writer_of_a_file(disk: Disk) -> None:
    """A file is opened once, however many sessions record into it; another path is another file."""
    first, second, other = disk.files.use(X), disk.files.use(X), disk.files.use(Y)

    assert (first is second, first is other, list(disk.files), disk.done) == (
        True,
        False,
        [first, other],
        ["open x", "open y"],
    )


def test_the_last_session_closes_the_file(disk: Disk) -> None:
    """Each session that leaves commits; the file is given back to other processes when none is left."""
    file = disk.files.use(X)
    disk.files.use(X)
    assert file is not None
    disk.files.leave(file)
    disk.files.leave(file)

    assert (disk.done, list(disk.files)) == (["open x", "commit x", "commit x", "close x"], [])


def test_a_closed_file_is_opened_anew(disk: Disk) -> None:
    """The next session finds no open writer, and makes one."""
    file = disk.files.use(X)
    assert file is not None
    disk.files.leave(file)
    again = disk.files.use(X)

    assert (again is file, disk.done[-1]) == (False, "open x")


def test_a_commit_that_fails_gives_the_file_up(disk: Disk) -> None:
    """What waited is counted, the file closed, and nobody told to use it again."""
    file = disk.files.use(X)
    assert file is not None
    disk.refuses = {"commit"}

    assert (disk.files.commit(file), file.broken, list(disk.files), disk.done, disk.losses.counts()) == (
        False,
        True,
        [],
        ["open x", "commit x", "close x"],
        {"recording": 7},
    )


def test_leaving_a_broken_file_does_nothing(disk: Disk) -> None:
    """It has been given up already."""
    file = disk.files.use(X)
    assert file is not None
    disk.refuses = {"commit"}
    disk.files.commit(file)
    disk.files.leave(file)

    assert disk.done == ["open x", "commit x", "close x"]


def test_a_file_that_cannot_be_opened_is_none(disk: Disk) -> None:
    """That is said, and costs no frame by itself: each one is counted as it comes."""
    disk.refuses = {"open"}

    assert (disk.files.use(X), list(disk.files), disk.losses.counts()) == (None, [], {})


def test_a_quick_refusal_is_tried_again(disk: Disk) -> None:
    """What fails at once delays nobody."""
    disk.refuses = {"open"}
    disk.files.use(X)
    disk.files.use(X)

    assert disk.done == ["open x", "open x"]


def test_a_slow_refusal_is_not_tried_again_for_a_while(disk: Disk) -> None:
    """A file that somebody holds would delay every session: it is left alone for seconds, others are not."""
    disk.refuses, disk.opening_takes_s = {"open"}, 2 * NOTICEABLE_S
    disk.files.use(X)
    disk.files.use(X)
    disk.files.use(Y)
    disk.clock.now += BACK_OFF_S
    disk.files.use(X)

    assert disk.done == ["open x", "open y", "open x"]


def test_a_file_that_was_held_can_be_used_later(disk: Disk) -> None:
    """Once it opens, it is like any other."""
    disk.refuses, disk.opening_takes_s = {"open"}, 2 * NOTICEABLE_S
    disk.files.use(X)
    disk.clock.now += BACK_OFF_S
    disk.refuses = set()

    assert disk.files.use(X) is not None
