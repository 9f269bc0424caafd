"""Recording files: one writer for all sessions, closed by the last, given up when a commit fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Losses
from otelstream.bridge.files import (
    BACK_OFF_S,
    IDLE_S,
    NOTICEABLE_S,
    RETRY_S,
    STOPPED_S,
    RecordingFile,
    RecordingFiles,
    Rotation,
)
from otelstream.bridge.targets import Target, new_path, target_of
from otelstream.errors import Fault, RecordingError

X, Y = Target(Path("x.duckdb"), is_directory=False), Target(Path("y.duckdb"), is_directory=False)
RUNS = Target(Path("runs"), is_directory=True)
ROTATION = Rotation(size=1_000, age_s=3_600)


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
        self.opening_takes_s = self.committing_takes_s = 0.0
        self.refuses: set[str] = set()
        self.fault: Fault = "disk"
        self.is_gone = False
        self.waiting = 7
        self.patience_s: list[float] = []
        self.losses = Losses()
        self.size = 0
        self.took_s: list[float] = []
        self.files = RecordingFiles(Attempts(self.losses), ROTATION, self.took_s.append)

    def does(self, what: str, path: Path) -> None:
        """Note a step, and fail if it shall."""
        self.done.append(f"{what} {path.stem}")
        if what == "open":
            self.clock.now += self.opening_takes_s
        if what in self.refuses:
            raise RecordingError(f"{path} cannot {what}.", self.fault)

    def use(self, target: Target) -> RecordingFile:
        """Return the file for a session, which there is."""
        file = self.files.use(target)
        assert isinstance(file, RecordingFile)
        return file


def files_on(made: Disk) -> type[RecordingFile]:  # noqa: C901  a method for each that a file has
    """Return what is a file there."""

    class File(RecordingFile):
        @property
        def pending(self) -> int:
            return made.waiting

        @property
        def size(self) -> int:
            return made.size

        @property
        def is_in_place(self) -> bool:
            return not made.is_gone

        def open(self, patience_s: float) -> None:
            made.patience_s.append(patience_s)
            made.does("open", self.path)

        def flush(self) -> bool:
            made.clock.now += made.committing_takes_s
            made.does("commit", self.path)
            return made.waiting > 0

        def checkpoint(self) -> None:
            pass

        def close(self) -> None:
            made.does("close", self.path)

        def abandon(self) -> None:
            made.does("abandon", self.path)

    return File


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk on which every file holds seven frames that wait."""
    made = Disk()
    monkeypatch.setattr("otelstream.bridge.files.RecordingFile", files_on(made))
    names = iter("abcdefgh")
    monkeypatch.setattr("otelstream.bridge.files.time", made.clock)
    monkeypatch.setattr(
        "otelstream.bridge.files.new_path", lambda directory: directory / f"{next(names)}.duckdb"
    )
    return made


def test_sessions_share_the_writer_of_a_file(disk: Disk) -> None:
    """A file is opened once, however many sessions record into it; another path is another file."""
    first, second, other = disk.use(X), disk.use(X), disk.use(Y)

    assert (first is second, first is other, list(disk.files), disk.done) == (
        True,
        False,
        [first, other],
        ["open x", "open y"],
    )


def test_the_last_session_closes_the_file(disk: Disk) -> None:
    """Each session that leaves commits; the file is given back to other processes when none is left."""
    file = disk.use(X)
    disk.files.use(X)
    disk.files.leave(file)
    disk.files.leave(file)

    assert (disk.done, list(disk.files)) == (["open x", "commit x", "commit x", "close x"], [])


def test_a_closed_file_is_opened_anew(disk: Disk) -> None:
    """The next session finds no open writer, and makes one."""
    file = disk.use(X)
    disk.files.leave(file)
    again = disk.use(X)

    assert (again is file, disk.done[-1]) == (False, "open x")


def test_a_commit_that_fails_gives_the_file_up(disk: Disk) -> None:
    """What waited is counted, the file closed, and nobody told to use it again."""
    file = disk.use(X)
    disk.refuses = {"commit"}

    assert (disk.files.commit(file), file.broken, list(disk.files), disk.done, disk.losses.counts()) == (
        False,
        True,
        [],
        ["open x", "commit x", "abandon x"],
        {"recording": 7},
    )


def test_commits_are_timed(disk: Disk) -> None:
    """Each is told with its seconds; where nothing waits, there is none."""
    file = disk.use(X)
    disk.committing_takes_s = 0.25
    disk.files.commit(file)
    disk.waiting = 0
    disk.files.commit(file)

    assert disk.took_s == [0.25]


def test_a_commit_that_fails_is_not_timed(disk: Disk) -> None:
    """It committed nothing: it is counted as a loss."""
    file = disk.use(X)
    disk.refuses = {"commit"}
    disk.files.commit(file)

    assert disk.took_s == []


def test_leaving_a_broken_file_does_nothing(disk: Disk) -> None:
    """It has been given up already."""
    file = disk.use(X)
    disk.refuses = {"commit"}
    disk.files.commit(file)
    disk.files.leave(file)

    assert disk.done == ["open x", "commit x", "abandon x"]


def test_a_file_that_cannot_be_opened_is_none(disk: Disk) -> None:
    """That is said, and costs no frame by itself: each one is counted as it comes."""
    disk.refuses = {"open"}

    assert (disk.files.use(X), list(disk.files), disk.losses.counts()) == ("failed", [], {})


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

    assert disk.use(X).path == X.path


def test_nothing_more_goes_where_a_commit_failed_for_a_while(disk: Disk) -> None:
    """A full disk stops the recording; a minute later it is tried again."""
    file = disk.use(X)
    disk.refuses = {"commit"}
    disk.files.commit(file)
    disk.refuses = set()
    before = disk.files.use(X)
    disk.clock.now += STOPPED_S

    assert (before, disk.use(X).path) == ("failed", X.path)


@pytest.mark.parametrize(("fault", "used"), [("disk", False), ("missing", True), ("other", True)])
def test_a_directory_is_left_alone_only_for_its_disk(fault: Fault, used: bool, disk: Disk) -> None:
    """Files that were taken away, or one batch that failed, do not keep the next session from a new file."""
    file = disk.use(RUNS)
    disk.refuses, disk.fault = {"commit"}, fault
    disk.files.commit(file)

    assert isinstance(disk.files.use(RUNS), RecordingFile) == used


def test_a_file_that_retention_took_is_closed_in_silence(disk: Disk) -> None:
    """Nobody records into it: nothing is lost, committed or told, and the next session gets a new file."""
    file = disk.use(RUNS)
    disk.files.leave(file)
    disk.waiting, disk.is_gone = 0, True
    disk.files.commit(file)
    disk.is_gone = False
    disk.use(RUNS)

    assert (disk.done, disk.losses.counts()) == (["open a", "commit a", "abandon a", "open b"], {})


def test_no_session_begins_in_a_file_that_is_gone(disk: Disk) -> None:
    """It would be lost with it, though the directory takes another file."""
    disk.use(RUNS)
    disk.is_gone = True

    assert disk.use(RUNS).path == RUNS.path / "b.duckdb"


def test_a_file_that_is_taken_is_waited_for_once(disk: Disk) -> None:
    """Then it is looked at twice a second at most, and without any patience, until it is free."""
    disk.refuses, disk.fault = {"open"}, "taken"
    refusals = [disk.files.use(X), disk.files.use(X)]
    disk.clock.now += RETRY_S
    refusals.append(disk.files.use(X))
    disk.clock.now += RETRY_S
    disk.refuses = set()

    assert (refusals, disk.use(X).path, disk.patience_s) == (["taken"] * 3, X.path, [0.5, 0.0, 0.0])


def test_a_directory_waits_for_no_file(disk: Disk) -> None:
    """Where somebody reads the one that this process had, a session gets another one at once."""
    disk.files.leave(disk.use(RUNS))
    disk.clock.now += IDLE_S + 1
    disk.files.tidy()
    disk.refuses, disk.fault = {"open"}, "taken"
    disk.files.use(RUNS)

    assert (disk.done[-2:], disk.patience_s) == (["open a", "open b"], [0.0] * 3)


def test_a_directory_has_one_file_for_all_sessions(disk: Disk) -> None:
    """It stays open when the last session leaves: the next one will be here soon."""
    first = disk.use(RUNS)
    disk.files.leave(first)

    assert (disk.use(RUNS) is first, disk.done) == (True, ["open a", "commit a"])


def test_a_big_file_takes_no_more_sessions(disk: Disk) -> None:
    """The next session goes to a new file; the one that is going on stays where it began."""
    first = disk.use(RUNS)
    disk.size = ROTATION.size + 1
    second = disk.use(RUNS)
    disk.files.tidy()

    assert (first is second, list(disk.files), disk.done) == (False, [first, second], ["open a", "open b"])


def test_an_old_file_takes_no_more_sessions(disk: Disk) -> None:
    """Age counts from when the file was made."""
    first = disk.use(RUNS)
    disk.clock.now += ROTATION.age_s + 1

    assert disk.files.use(RUNS) is not first


def test_a_full_file_is_closed_when_its_last_session_has_left(disk: Disk) -> None:
    """Then it is an ordinary file that anybody can open."""
    file = disk.use(RUNS)
    disk.size = ROTATION.size + 1
    disk.files.leave(file)
    disk.files.tidy()

    assert disk.done == ["open a", "commit a", "close a"]


def test_an_idle_file_is_closed_and_used_again(disk: Disk) -> None:
    """Nobody is kept from opening it, and rare sessions do not make a file each."""
    file = disk.use(RUNS)
    disk.files.leave(file)
    disk.clock.now += IDLE_S + 1
    disk.files.tidy()

    assert (disk.use(RUNS) is file, disk.done) == (True, ["open a", "commit a", "close a", "open a"])


def test_at_the_end_every_file_is_closed(disk: Disk) -> None:
    """A directory's file as well."""
    file = disk.use(RUNS)
    disk.files.leave(file)
    disk.files.close()

    assert (disk.done[-1], list(disk.files)) == ("close a", [])


@pytest.mark.parametrize(
    ("record", "is_directory"),
    [
        ("run.duckdb", False),
        ("runs/", True),
        ("runs", True),
        ("day.1/", True),
        ("recording.db", False),
        ("there", True),
        ("there.d", True),
        ("file", False),
    ],
)
def test_a_name_says_whether_it_is_a_directory(
    record: str, is_directory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A separator at the end, no suffix, or a directory that is there; a file that is there is a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there.d").mkdir()
    (tmp_path / "file").touch()

    assert target_of(record) == Target(tmp_path / record, is_directory)


def test_a_new_path_names_day_host_process_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them differ even on one host, in one process and one second."""
    monkeypatch.setattr("socket.gethostname", lambda: "pod/7 é")
    monkeypatch.setattr("os.getpid", lambda: 42)
    first, second = new_path(Path("runs")), new_path(Path("runs"))

    assert first != second
    assert first.match("runs/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/pod_7__-42-*-*.duckdb")
