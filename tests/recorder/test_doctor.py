"""The doctor: what it says of recordings that are sound, cut, changed or broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import otelstream
from recorder.doctor import Examination, examine
from recorder.writer import Writer
from tests.conftest import frames_of
from tests.contract.programs import frame
from tests.recorder.recordings import (
    NOTICED,
    bytes_of,
    change,
    end,
    finished,
    killed,
    record,
    session_id,
    start,
    thaw,
    tokens,
    writing,
)
from tests.recorder.test_database import held_by_another_process


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A failed session of a flow, and a completed one of 30 token frames in commits of ten."""
    return finished(tmp_path_factory.mktemp("doctor") / "run.duckdb")


@pytest.fixture
def copy(recording: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copy(recording, tmp_path / "run.duckdb"))


def told(found: Examination) -> list[tuple[str, int | None, str]]:
    """The findings: level, the session by its number, and what."""
    numbers = {str(session_id(number)): number for number in range(5)}
    return [
        (each.level, None if each.session is None else numbers[each.session], each.what)
        for each in found.findings
    ]


def test_a_sound_recording_has_no_findings(recording: Path) -> None:
    """Its facts are told, and that the hash chain vouches for every frame."""
    found = examine(recording)

    assert found.findings == []
    assert (found.is_sound, found.is_readable, found.live) == (True, True, False)
    assert (found.format, found.otelstream_version, found.storage_version) == (
        2,
        otelstream.__version__,
        "v1.4.0+",
    )
    assert (dict(found.sessions), found.frames, found.vouched) == ({"failed": 1, "completed": 1}, 37, 37)
    assert (found.bytes, found.wal_bytes) == (recording.stat().st_size, 0)


def test_examining_changes_no_byte(tmp_path: Path) -> None:
    """Neither the file nor its WAL is touched."""
    path = killed(tmp_path / "run.duckdb")
    before = bytes_of(path)
    examine(path)

    assert bytes_of(path) == before


def test_a_killed_recording_is_sound_and_not_complete(tmp_path: Path) -> None:
    """The WAL that is left and the session without an end are warnings."""
    path = killed(tmp_path / "run.duckdb")
    found = examine(path)
    wal = path.with_name("run.duckdb.wal").stat().st_size

    assert told(found) == [
        ("warning", None, f"a WAL of {wal} bytes with 6 commits is beside it (run.duckdb.wal)"),
        ("warning", 2, "its process died"),
    ]
    assert (found.is_sound, found.wal_bytes, dict(found.sessions)) == (
        True,
        wal,
        {"failed": 1, "completed": 1, "crashed": 1},
    )


def test_a_recording_of_format_1_has_no_chain(tmp_path: Path) -> None:
    """That is no damage: its sessions are read, and nothing vouches for them."""
    found = examine(thaw("format-1/finished", tmp_path))
    no_chain = [each.what for each in found.findings]

    assert (found.format, found.is_sound, found.frames, found.vouched) == (1, True, 367, 0)
    assert no_chain == ["no chain: recorded in format 1"] * 6


def test_a_recording_that_another_process_writes_is_examined(copy: Path) -> None:
    """A copy is looked at, and what is told is what was committed."""
    with held_by_another_process(copy):
        found = examine(copy)

    assert (found.live, found.is_sound, found.frames) == (True, True, 37)


def test_a_session_that_goes_on_is_no_damage(tmp_path: Path) -> None:
    """In a file that this process writes, a session without an end is being recorded."""
    with writing(tmp_path / "run.duckdb") as writer:
        record(writer, 0, tokens(3), None)
        found = examine(tmp_path / "run.duckdb")

    assert (found.live, dict(found.sessions), told(found)) == (
        True,
        {"recording": 1},
        [("info", 0, "being recorded")],
    )


def test_gaps_are_warnings(tmp_path: Path) -> None:
    """What was never stored is told by reason, and is no damage."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        writer.begin(start(0))
        for reason in ("queue_full", "redaction", "queue_full"):
            writer.add(session_id(0), 0 if reason == "redaction" else 1, 0, frame(0))
            writer.add_gap(session_id(0), 5, reason, NOTICED)
        writer.flush()
    change(path, "UPDATE stored_frames SET ordinal = rowid")
    levels = {(each.level, each.what) for each in examine(path).findings}

    assert {
        ("warning", "never stored (queue_full): 10 frames"),
        ("warning", "never stored (redaction): 5 frames"),
    } <= levels


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE stored_frames SET seq = 9 WHERE session = 1 AND ordinal IN (3, 25)",
            ["the hash chain is broken: not what was recorded: frames 0 to 9, 20 to 29"],
        ),
        (
            "UPDATE session_ends SET result = 'x' WHERE session = 1",
            ["the hash chain is broken: how it ended is not what was recorded"],
        ),
        (
            "DELETE FROM stored_frames WHERE session = 1 AND ordinal IN (4, 5, 7)",
            [
                "missing: frames 4 to 5, 7",
                "unreadable: frames 6, 8: it refers to the frame before it, which is missing",
                "the hash chain is broken: not what was recorded: frames 0 to 9",
                "it ended with 30 frames, and 27 are there",
            ],
        ),
        (
            "INSERT INTO stored_frames FROM stored_frames WHERE session = 1 AND ordinal = 11",
            [
                "stored twice: frame 11",
                "the hash chain is broken: not what was recorded: frames 10 to 19",
            ],
        ),
        (
            "UPDATE stored_frames SET raw = '{}' WHERE session = 1 AND ordinal = 7",
            [
                "unreadable: frame 7: not a stream frame: id: Field required",
                "the hash chain is broken: not what was recorded: frames 0 to 9",
            ],
        ),
        (
            "DELETE FROM contexts WHERE session = 1",
            [
                "unreadable: frames 0 to 29: its context 0 is missing",
                "the hash chain is broken: not what was recorded: frames 0 to 9",
            ],
        ),
        (
            "DELETE FROM chain WHERE session = 1 AND frames > 10",
            [
                "the hash chain does not cover frames 10 to 29",
                "the hash chain is broken: how it ended is not what was recorded",
            ],
        ),
        (
            "DELETE FROM chain WHERE session = 1",
            [
                "the hash chain does not cover frames 0 to 29",
                "the hash chain is broken: how it ended is not what was recorded",
            ],
        ),
        (
            "INSERT INTO gaps VALUES (1, 12, 1, 'queue_full', now())",
            [
                "never stored (queue_full): 1 frame",
                "the hash chain is broken: gaps are not what was recorded",
                "it ended with 0 frames dropped, and its gaps say 1",
            ],
        ),
        (
            "UPDATE session_ends SET span_count = 4 WHERE session = 1",
            [
                "the hash chain is broken: how it ended is not what was recorded",
                "it has 0 of its 4 spans",
            ],
        ),
    ],
)
def test_what_somebody_changed_is_named(statement: str, expected: list[str], copy: Path) -> None:
    """The session and its frames are named; nothing is said of the other session."""
    change(copy, statement)
    found = examine(copy)

    assert [(each.session, each.what) for each in found.findings] == [
        (str(session_id(1)), what) for what in expected
    ]
    assert (found.is_sound, found.is_readable) == (False, True)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "DELETE FROM session_starts WHERE session = 1",
            [
                "1 rows of contexts belong to sessions whose start is missing",
                "30 rows of stored_frames belong to sessions whose start is missing",
                "3 rows of chain belong to sessions whose start is missing",
                "1 rows of session_ends belong to sessions whose start is missing",
            ],
        ),
        (
            "INSERT INTO session_ends FROM session_ends WHERE session = 1",
            ["session_ends has session 1 twice"],
        ),
    ],
)
def test_rows_that_belong_nowhere_are_named(statement: str, expected: list[str], copy: Path) -> None:
    """What is wrong with the tables is told of the file."""
    change(copy, statement)

    assert [each.what for each in examine(copy).findings if each.session is None] == expected


def test_a_damaged_block_is_named_by_its_place(copy: Path) -> None:
    """What DuckDB says of the place is passed on, and the file counts as unreadable."""
    data = bytearray(copy.read_bytes())
    for at in range(12_288, len(data), 997):
        data[at] ^= 0x55
    copy.write_bytes(data)
    found = examine(copy)

    assert (found.is_readable, found.is_sound, len(found.findings)) == (False, False, 1)
    assert found.findings[0].what.startswith(f"{copy} is damaged or unreadable: ")
    assert "in block at location" in found.findings[0].what


def test_a_damaged_wal_is_named_by_its_place(tmp_path: Path) -> None:
    """Even where DuckDB only says that the log is shorter: which bytes are damaged is told."""
    path = killed(tmp_path / "run.duckdb")
    wal = path.with_name("run.duckdb.wal")
    data = bytearray(wal.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 100] = bytes(100)
    wal.write_bytes(data)
    found = examine(path)

    assert found.is_sound is False
    assert [each.what for each in found.findings if each.what.startswith("the WAL is damaged")]


@pytest.mark.parametrize("make", ["missing", "folder", "text"])
def test_what_is_no_recording_is_said_to_be(make: str, tmp_path: Path) -> None:
    """One sentence says why it cannot be examined."""
    path = tmp_path / "run.duckdb"
    if make == "folder":
        path.mkdir()
    if make == "text":
        path.write_text("not a database\n" * 1_000)
    found = examine(path)

    assert (found.is_readable, found.format, [each.what for each in found.findings]) == (
        False,
        None,
        [
            {
                "missing": f"{path} does not exist; check the path.",
                "folder": f"{path} is a directory; name a recording in it.",
                "text": f"{path} is no DuckDB file, so no recording; check the path.",
            }[make]
        ],
    )


def test_a_long_session_is_examined_a_commit_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No query asks for more frames than a window has."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        record(writer, 0, tokens(5_000), commit_each=500)
    found = examine(path)

    assert (found.frames, found.vouched, found.findings) == (5_000, 5_000, [])


def test_a_crew_is_vouched_for(tmp_path: Path) -> None:
    """Frames of every kind fit their digests when they are read again."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        for number, name in enumerate(("05_crew_two_agents_tools", "23_custom_events", "32_big_state")):
            record(writer, number, frames_of(name))
    found = examine(path)

    assert (found.findings, found.vouched == found.frames > 0) == ([], True)


def test_an_empty_recording_is_sound(tmp_path: Path) -> None:
    """A file that was made and never recorded into has nothing wrong with it."""
    Writer(tmp_path / "run.duckdb").close()
    found = examine(tmp_path / "run.duckdb")

    assert (found.is_sound, found.findings, dict(found.sessions)) == (True, [], {})


def test_a_session_that_ended_without_its_count_is_named(tmp_path: Path) -> None:
    """What its end says of frames that were dropped is compared with its gaps."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        writer.begin(start(0))
        writer.add(session_id(0), 0, 0, frame(0))
        writer.end(session_id(0), end(1, frames_dropped=3))
        writer.flush()

    assert told(examine(path)) == [("warning", 0, "it ended with 3 frames dropped, and its gaps say 0")]
