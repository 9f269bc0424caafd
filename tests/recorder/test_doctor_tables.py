"""The doctor on the tables and views of a recording as such, and on sessions without a chain or a digest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recorder.doctor import examine
from recorder.writer import Writer
from tests.recorder.recordings import change, finished, killed, thaw


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A failed session of a flow, and a completed one of 30 token frames in commits of ten."""
    return finished(tmp_path_factory.mktemp("doctor") / "run.duckdb")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "INSERT INTO stored_frames SELECT * REPLACE (NULL AS session) FROM stored_frames LIMIT 1",
            "error: 1 rows of stored_frames belong to sessions whose start is missing",
        ),
        (
            "INSERT INTO stored_frames SELECT * REPLACE (NULL AS ordinal) FROM stored_frames LIMIT 1",
            "error: 1 rows of stored_frames have no ordinal",
        ),
        ("INSERT INTO header FROM header", "error: header has 2 rows instead of one"),
        (
            "UPDATE session_starts SET session = 5 WHERE session = 1",
            "warning: no session has the number 1, and one has a higher one: it was taken away",
        ),
        (
            "INSERT INTO contexts SELECT * REPLACE (999 AS context) FROM contexts WHERE session = 1",
            "error: the hash chain does not cover some of its contexts",
        ),
        (
            "UPDATE session_ends SET digest = NULL WHERE session = 1",
            "error: the hash chain is broken: how it ended has no digest",
        ),
        (
            "UPDATE session_ends SET digest = NULL, state = 'crashed' WHERE session = 1",
            "error: the hash chain is broken: how it ended has no digest",
        ),
        (
            "CREATE OR REPLACE VIEW sessions AS FROM session_starts",
            "warning: the view sessions is not ours: changed, or made by another version",
        ),
        ("DROP VIEW timeline", "warning: the view timeline is missing"),
    ],
)
def test_what_somebody_changed_is_found(
    statement: str, expected: str, recording: Path, tmp_path: Path
) -> None:
    """An error where the recording is not what was recorded, else a warning."""
    copy = Path(shutil.copy(recording, tmp_path / "run.duckdb"))
    change(copy, statement)

    assert expected in [f"{each.level}: {each.what}" for each in examine(copy).findings]


def test_a_chain_that_was_taken_away_is_no_old_format(tmp_path: Path) -> None:
    """Also of a session without tokens and without an end, so that nothing else speaks against it."""
    path = killed(tmp_path / "run.duckdb")
    change(
        path, "DELETE FROM chain", "DELETE FROM session_ends", "DELETE FROM stored_frames WHERE session > 0"
    )
    (error,) = [each.what for each in examine(path).findings if each.level == "error"]

    assert error == "the hash chain does not cover frames 0 to 6"


def test_what_was_brought_from_format_1_may_have_no_chain(tmp_path: Path) -> None:
    """It cannot be told from one whose chain was taken away, and is no error."""
    path = thaw("format-1/finished", tmp_path)
    Writer(path).close()
    found = examine(path)

    assert (found.format, found.is_sound) == (2, True)
    assert {(each.level, each.what) for each in found.findings} == {
        ("warning", "no chain: recorded in format 1, or its chain was taken away")
    }
