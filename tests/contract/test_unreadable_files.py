"""Files that are no recording, or no longer one: what is said of them, and what they do not do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import otelstream
import recorder
from recorder.database import close_after_writing, open_for_writing
from recorder.schema import FORMAT_VERSION
from tests.contract.programs import consume, frame, json_of, stream
from tests.recorder.test_database import message, recording, write

__all__ = ["recording"]  # a fixture


def read(path: Path) -> None:
    """Read everything there is in a recording."""
    with recorder.open(path) as opened:
        for session in opened.sessions():
            list(opened.frames(session))


def missing(path: Path) -> str:
    """No file at all."""
    return f"{path} does not exist; check the path."


def empty(path: Path) -> str:
    """A file without a byte."""
    path.touch()
    return f"{path} is no DuckDB file, so no recording; check the path."


def folder(path: Path) -> str:
    """A directory with nothing in it."""
    path.mkdir()
    return f"{path} holds no recording (*.duckdb, *.jsonl); check the path."


def text(path: Path) -> str:
    """A file of something else."""
    path.write_text("not a database\n" * 1_000)
    return f"{path} is no DuckDB file, so no recording; check the path."


def foreign(path: Path) -> str:
    """Somebody's database."""
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    return f"{path} is a DuckDB database but no otelstream recording; choose another file."


def namesake(path: Path) -> str:
    """A database with a table of the same name."""
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE header (title VARCHAR)")
    return f"{path} is a DuckDB database but no otelstream recording; choose another file."


def newer(path: Path) -> str:
    """A recording of a format to come."""
    write(path)
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE header SET format_version = 99")
    return (
        f"{path} has recording format 99, newer than the {FORMAT_VERSION} that this version reads;"
        " upgrade otelstream."
    )


def without_header(path: Path) -> str:
    """A recording whose header row is gone."""
    write(path)
    with duckdb.connect(path) as connection:
        connection.execute("DELETE FROM header")
    return f"{path} is a DuckDB database but no otelstream recording; choose another file."


@pytest.mark.parametrize("make", [missing, empty, folder, text, foreign, namesake, newer, without_header])
def test_what_cannot_be_read_is_said_in_one_sentence(make: Callable[[Path], str], tmp_path: Path) -> None:
    """It names the path, what is wrong with it, and what to do."""
    path = tmp_path / "run.duckdb"
    expected = make(path)

    assert message(read, path) == expected


@pytest.mark.parametrize("make", [text, foreign, namesake, newer, without_header])
def test_what_cannot_be_written_is_said_in_one_sentence(make: Callable[[Path], str], tmp_path: Path) -> None:
    """The same as for reading."""
    path = tmp_path / "run.duckdb"
    expected = make(path)

    assert message(write, path) == expected


@pytest.mark.parametrize("make", [text, foreign, newer])
def test_what_cannot_be_written_stays_as_it_is(make: Callable[[Path], str], tmp_path: Path) -> None:
    """Naming the wrong file for a recording does it no harm."""
    path = tmp_path / "run.duckdb"
    make(path)
    before = path.read_bytes()
    message(write, path)

    assert path.read_bytes() == before


def test_a_directory_cannot_be_written(tmp_path: Path) -> None:
    """It names the path and what to do."""
    assert message(write, tmp_path) == f"{tmp_path} is a directory; name a file in it."


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_directory_cannot_be_written(tmp_path: Path) -> None:
    """It names the path and says that permissions are missing."""
    tmp_path.chmod(0o500)

    assert message(write, tmp_path / "run.duckdb").startswith(f"{tmp_path / 'run.duckdb'} cannot be ")


def test_a_sqlite_file_loads_no_extension(tmp_path: Path) -> None:
    """A file that names a format of its own makes no reader fetch code for it."""
    path = tmp_path / "run.duckdb"
    path.write_bytes(b"SQLite format 3\0" + bytes(4_080))

    assert "download" not in message(read, path)


def test_a_writer_loads_no_extension(tmp_path: Path) -> None:
    """A writer that is pointed at a foreign file fetches nothing from the network for it."""
    path = tmp_path / "run.duckdb"
    connection = open_for_writing(path)
    query = (
        "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"
    )
    try:
        assert connection.execute(query).fetchall() == [(False, False)]
    finally:
        close_after_writing(path)


LENGTHS = [1, 8, 100, 4_096, 8_192, 12_288, 12_289, 20_000, 300_000, 0.5, 0.75, -4_096, -1]


def cut(recording: Path, length: float, path: Path) -> None:
    """The beginning of a recording: so many bytes, that part of it, or all but so many bytes."""
    whole = recording.read_bytes()
    path.write_bytes(whole[: int(len(whole) * length) if isinstance(length, float) else length])


@pytest.mark.parametrize("length", LENGTHS)
def test_a_truncated_file_is_said_to_be_damaged(recording: Path, length: float, tmp_path: Path) -> None:
    """Wherever it ends, reading gives one sentence that begins with the path."""
    path = tmp_path / "run.duckdb"
    cut(recording, length, path)
    told = message(read, path)

    assert (told.startswith(f"{path} is "), told.splitlines()) == (True, [told])


@pytest.mark.parametrize("length", LENGTHS)
def test_a_truncated_file_is_written_or_said_to_be_damaged(
    recording: Path, length: float, tmp_path: Path
) -> None:
    """Wherever it ends, opening it for writing works, or gives one sentence that begins with the path."""
    path = tmp_path / "run.duckdb"
    cut(recording, length, path)
    try:
        write(path)
    except recorder.RecordingError as error:
        told = str(error)
    else:
        told = f"{path} is writable"

    assert (told.startswith(f"{path} is "), told.splitlines()) == (True, [told])


def frames_or_error(path: Path) -> object:
    """The frames as JSON, or the beginning of the sentence that says why there are none."""
    try:
        return json_of(recorder.replay(path))
    except recorder.RecordingError as error:
        return str(error).partition(":")[0]


@pytest.mark.parametrize("position", range(4_096, 2_000_000, 299_999))
def test_a_flipped_bit_gives_frames_or_one_sentence(recording: Path, position: int, tmp_path: Path) -> None:
    """A damaged block is noticed or not touched; nothing else than a RecordingError comes of it."""
    path = tmp_path / "run.duckdb"
    damaged = bytearray(recording.read_bytes())
    damaged[position % len(damaged)] ^= 0x10
    path.write_bytes(damaged)

    whole = json_of(frame(number) for number in range(300))
    assert frames_or_error(path) in (whole, f"{path} is damaged or unreadable")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("UPDATE stored_frames SET chunk = NULL, data = '{\"a\":1' WHERE ordinal = 7", "frame 7"),
        ("UPDATE stored_frames SET data = '[1]', chunk = NULL WHERE ordinal = 7", "frame 7"),
        ("UPDATE stored_frames SET raw = 'no frame' WHERE ordinal = 7", "frame 7"),
        ("UPDATE stored_frames SET ordinal = 8 WHERE ordinal = 7", "lacks 1 of its frames 0 to 299"),
        (
            "INSERT INTO stored_frames FROM stored_frames WHERE ordinal = 7",
            "twice one of its frames 0 to 299",
        ),
        ("DELETE FROM stored_frames WHERE ordinal = 7", "frames 0 to"),
        ("DELETE FROM contexts", "lacks its context 0"),
        ("UPDATE contexts SET data = '[1]'", "frame 0"),
        ("DROP TABLE stored_frames CASCADE", "frames"),
        ("DROP TABLE contexts CASCADE", "contexts"),
    ],
)
def test_damaged_rows_are_said_to_be(damage: str, expected: str, recording: Path, tmp_path: Path) -> None:
    """A row that somebody changed gives a RecordingError that says which."""
    path = tmp_path / "run.duckdb"
    path.write_bytes(recording.read_bytes())
    with duckdb.connect(path) as connection:
        for view in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
            connection.execute(f"DROP VIEW IF EXISTS {view[0]} CASCADE")
        connection.execute("ALTER TABLE stored_frames ALTER data TYPE VARCHAR")
        connection.execute("ALTER TABLE contexts ALTER data TYPE VARCHAR")
        connection.execute(damage)
    told = message(read, path)

    assert (told.startswith(f"{path} is damaged"), expected in told) == (True, True)


def test_a_file_that_could_not_be_opened_is_released(recording: Path, tmp_path: Path) -> None:
    """After a failed attempt the next one says the same, not that the file is being recorded."""
    path = tmp_path / "run.duckdb"
    cut(recording, 300_000, path)
    told = [message(write, path) for _ in range(2)]

    assert told[0] == told[1]


def test_a_database_with_a_header_only_cannot_be_written(tmp_path: Path) -> None:
    """A file that has the header of a recording and nothing else is none, and is released, too."""
    path = tmp_path / "run.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE header AS SELECT {FORMAT_VERSION} AS format_version")
    told = [message(write, path) for _ in range(2)]

    assert (told[0].startswith(f"{path} is damaged"), told[0] == told[1]) == (True, True)


def test_a_path_that_cannot_be_is_said_in_one_sentence() -> None:
    """A name with a NUL byte is told as what it is."""
    assert message(read, Path("run\0.duckdb")) == (
        "'run\\x00.duckdb' has a NUL byte, which no file name can; choose another path."
    )


@pytest.mark.parametrize(
    "name",
    [
        "file/run.duckdb",
        "run" * 100,
        "loop",
        "run\0.duckdb",
    ],
    ids=["file-as-directory", "too-long", "symlink-loop", "nul"],
)
def test_a_recording_that_cannot_be_made_does_not_stop_the_program(name: str, tmp_path: Path) -> None:
    """The observed run gives its frames, and the frame that is not recorded is counted."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = otelstream.losses().get("recording", 0)
    frames = consume(otelstream.observe(stream([frame(0)]), record=tmp_path / name))

    assert (json_of(frames), otelstream.losses().get("recording", 0) - before) == (json_of([frame(0)]), 1)
