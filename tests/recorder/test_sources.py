"""Which files a path means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otelstream.errors import RecordingError
from recorder.sources import Sources, find

FILES = (
    *("a.duckdb", "2026-11-19/b.duckdb", "2026-11-20/c.duckdb", "2026-11-20/deep/d.duckdb"),
    *("a.duckdb.wal", "2026-11-20/c.duckdb.wal.checkpoint", "2026-11-20/notes.txt", "2026-11-20/e.db"),
    *(".unfinished/f.duckdb", "2026-11-20/.g.duckdb"),
)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A directory of files that are named like recordings and like others."""
    for name in FILES:
        path = tmp_path / "runs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "runs"


def names(runs: Path, path: Path | str) -> list[str]:
    """What a path means, beneath the directory."""
    return [str(file.relative_to(runs)) for file in find(runs / path).files]


def test_a_file_means_itself(runs: Path) -> None:
    """Whatever a file is called, naming it is enough."""
    assert find(runs / "2026-11-20/e.db") == Sources([runs / "2026-11-20/e.db"], named=True, skipped=[])


def test_a_file_that_is_not_there_means_itself(tmp_path: Path) -> None:
    """Opening it says that it is missing."""
    assert find(tmp_path / "x.duckdb") == Sources([tmp_path / "x.duckdb"], named=True, skipped=[])


def test_a_directory_means_all_recordings_beneath_it(runs: Path) -> None:
    """In the order of their names, without WALs and what is hidden."""
    assert find(runs) == Sources(
        [
            runs / name
            for name in ("2026-11-19/b.duckdb", "2026-11-20/c.duckdb", "2026-11-20/deep/d.duckdb", "a.duckdb")
        ],
        named=False,
        skipped=[],
    )


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.duckdb", ["a.duckdb"]),
        ("2026-11-*/*.duckdb", ["2026-11-19/b.duckdb", "2026-11-20/c.duckdb"]),
        (
            "2026-11-2?/*",
            ["2026-11-20/c.duckdb", "2026-11-20/deep/d.duckdb", "2026-11-20/e.db", "2026-11-20/notes.txt"],
        ),
        ("2026-11-*", ["2026-11-19/b.duckdb", "2026-11-20/c.duckdb", "2026-11-20/deep/d.duckdb"]),
        ("**/[cd].duckdb", ["2026-11-20/c.duckdb", "2026-11-20/deep/d.duckdb"]),
    ],
)
def test_a_pattern_means_what_it_matches(runs: Path, pattern: str, found: list[str]) -> None:
    """Files as they are, and of directories the recordings beneath them, each once."""
    assert names(runs, pattern) == found


def test_a_file_with_a_name_like_a_pattern_means_itself(runs: Path) -> None:
    """What is there is no pattern."""
    (runs / "[a].duckdb").touch()

    assert find(runs / "[a].duckdb") == Sources([runs / "[a].duckdb"], named=True, skipped=[])


def test_a_file_of_two_names_is_one_file(runs: Path) -> None:
    """A link beside the file that it leads to does not show its sessions twice."""
    (runs / "z.duckdb").symlink_to(runs / "a.duckdb")

    assert names(runs, "*.duckdb") == ["a.duckdb"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("empty", "{} holds no recording (*.duckdb, *.jsonl); check the path."),
        ("2026-12-*/*.duckdb", "{} matches no recording; check the pattern."),
        ("*.wal", "{} matches no recording; check the pattern."),
    ],
)
def test_nothing_at_all_is_said_in_one_sentence(runs: Path, path: str, sentence: str) -> None:
    """An empty directory, or a pattern that matches nothing, is a mistake."""
    (runs / "empty").mkdir()
    with pytest.raises(RecordingError) as raised:
        find(runs / path)

    assert str(raised.value) == sentence.format(runs / path)


UNFIT = {
    "a?b.duckdb": "has a ? in its path, after which DuckDB reads parameters;"
    " rename it, or choose another path.",
    "bad\udcff.duckdb": "is not UTF-8, as DuckDB needs its path to be; rename it, or choose another path.",
    "pipe.duckdb": "is no regular file, so no recording; check the path.",
}
"""Names of what can be no recording, and what is said of it."""


def make_unfit(folder: Path, name: str) -> Path:
    """Put something into a folder that can be no recording."""
    path = folder / name
    if name.startswith("pipe"):
        os.mkfifo(path)
    else:
        path.touch()
    return path


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize("pattern", ["", "**/*.duckdb"])
def test_what_can_be_no_recording_is_left_out_with_a_reason(name: str, pattern: str, runs: Path) -> None:
    """Opening it would hang, fail for all the others, or write elsewhere."""
    path = make_unfit(runs, name)
    found = find(runs / pattern)

    assert (len(found.files), [(each, why.endswith(UNFIT[name])) for each, why in found.skipped]) == (
        4,
        [(path, True)],
    )


@pytest.mark.parametrize("name", UNFIT)
def test_what_can_be_no_recording_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    """One sentence, that can be printed everywhere."""
    path = make_unfit(tmp_path, name)
    with pytest.raises(RecordingError) as raised:
        find(path)

    assert (str(raised.value).endswith(UNFIT[name]), str(raised.value).isascii()) == (True, True)


def test_further_names_of_a_file_are_known(runs: Path) -> None:
    """Whoever deletes it has to delete them, too."""
    (runs / "z.duckdb").symlink_to(runs / "a.duckdb")

    assert find(runs).others == [runs / "z.duckdb"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everywhere")
def test_a_directory_that_cannot_be_read_is_told(runs: Path) -> None:
    """It does not make the rest unreadable."""
    (runs / "2026-11-20").chmod(0)
    found = find(runs)
    (runs / "2026-11-20").chmod(0o700)

    assert found == Sources(
        [runs / "2026-11-19/b.duckdb", runs / "a.duckdb"],
        named=False,
        skipped=[
            (
                runs / "2026-11-20",
                f"{runs / '2026-11-20'} cannot be read: Permission denied; check its permissions.",
            )
        ],
    )
