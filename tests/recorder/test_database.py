"""The file: how it is made, who may open it when, and what is said of one that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

import otelstream
import recorder
from recorder.database import close_after_writing, is_being_written, open_for_writing
from recorder.writer import Writer
from tests.contract.programs import consume, frame, json_of, stream

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from recorder.writer import Writer
writer = Writer(Path(sys.argv[1]))
print("holding", flush=True)
sys.stdin.read()
writer.close()
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of one session of 300 frames."""
    path = tmp_path_factory.mktemp("database") / "run.duckdb"
    consume(otelstream.observe(stream([frame(number) for number in range(300)]), record=path))
    return path


@contextmanager
def held_by_another_process(path: Path) -> Iterator[int]:
    """While another process has the recording open for writing; gives its id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        yield holder.pid
        holder.stdin.close()


def in_another_process(script: str, path: Path) -> str:
    """What a script prints in a process of its own."""
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def read(path: Path) -> None:
    """Read everything there is in a recording."""
    with recorder.open(path) as opened:
        for session in opened.sessions():
            list(opened.frames(session))


def write(path: Path) -> None:
    """Open a recording for writing, and close it."""
    Writer(path).close()


def message(act: Callable[[Path], None], path: Path) -> str:
    """The text of the RecordingError that this raises."""
    with pytest.raises(recorder.RecordingError) as raised:
        act(path)
    return str(raised.value)


def tables(path: Path, query: str) -> list[tuple[object, ...]]:
    """What a query on the recording gives."""
    with recorder.open(path) as opened, opened.connection() as connection:
        return connection.execute(query).fetchall()


def test_the_file_is_readable_by_duckdb_1_4(recording: Path) -> None:
    """The storage version is the oldest that keeps what the recording needs."""
    tags = tables(recording, "SELECT tags FROM duckdb_databases() WHERE NOT internal")

    assert tags == [({"storage_version": "v1.4.0+"},)]


def test_the_file_is_readable_with_plain_duckdb(recording: Path) -> None:
    """No extension and none of our code is needed to query a recording."""
    with duckdb.connect(recording, read_only=True) as connection:
        query = "SELECT state, frame_count, (SELECT count(*) FROM frames) FROM sessions"

        assert connection.execute(query).fetchall() == [("completed", 300, 300)]


def test_every_table_and_view_says_what_it_is(recording: Path) -> None:
    """The file explains itself in any DuckDB client."""
    silent = tables(
        recording,
        "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL UNION ALL"
        " SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal",
    )

    assert silent == []


def test_every_column_of_a_table_says_what_it_is(recording: Path) -> None:
    """No column of a table is without a comment."""
    silent = tables(
        recording,
        "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING (table_name)"
        " WHERE duckdb_columns.comment IS NULL",
    )

    assert silent == []


def test_the_header_says_who_made_the_file(recording: Path) -> None:
    """One row: the format, and the versions of the programs."""
    header = tables(recording, "SELECT format_version, otelstream_version, duckdb_version FROM header")

    assert header == [(1, otelstream.__version__, duckdb.__version__)]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    """A recording may be named into a folder that is not there yet."""
    write(tmp_path / "runs" / "today" / "run.duckdb")

    assert recorder.open(tmp_path / "runs" / "today" / "run.duckdb").sessions() == []


def test_an_empty_file_becomes_a_recording(tmp_path: Path) -> None:
    """What `mktemp` makes can be recorded into."""
    (tmp_path / "run.duckdb").touch()
    write(tmp_path / "run.duckdb")

    assert recorder.open(tmp_path / "run.duckdb").sessions() == []


def test_a_quote_in_the_path_is_no_matter(tmp_path: Path) -> None:
    """The path is data, wherever it is put into SQL."""
    path = tmp_path / 'it\'s "here"; DROP.duckdb'
    consume(otelstream.observe(stream([frame(0)]), record=path))

    assert json_of(recorder.replay(path)) == json_of([frame(0)])


def test_opening_for_writing_changes_no_frame(recording: Path) -> None:
    """A writer that adds nothing leaves what is there."""
    write(recording)

    assert json_of(recorder.replay(recording)) == json_of(frame(number) for number in range(300))


def test_the_file_is_free_after_the_session(recording: Path) -> None:
    """When an observed session has ended, another process can write its recording."""
    script = "import sys, duckdb; print(duckdb.connect(sys.argv[1]).execute('FROM header').fetchall()[0][0])"

    assert in_another_process(script, recording) == "1"


def test_nothing_is_left_beside_the_file(recording: Path) -> None:
    """A finished recording is one file, without a WAL."""
    assert [path.name for path in recording.parent.iterdir()] == [recording.name]


def test_a_half_read_replay_keeps_no_writer_out(recording: Path) -> None:
    """Between two frames a replay holds no lock on its file."""
    session = recorder.replay(recording)
    next(iter(session))

    in_another_process(HOLDER, recording)


def test_a_half_read_replay_goes_on_after_a_writer(recording: Path) -> None:
    """What was added meanwhile is no part of the session that is replayed."""
    session = recorder.replay(recording)
    next(session.events)
    in_another_process(HOLDER, recording)

    assert len(consume(session)) == 300


def test_this_process_can_write_several_files(tmp_path: Path) -> None:
    """Two recordings can be written at the same time."""
    writers = [Writer(tmp_path / name) for name in ("one.duckdb", "other.duckdb")]
    written = [is_being_written(writer.path) for writer in writers]
    for writer in writers:
        writer.close()

    assert (written, [is_being_written(writer.path) for writer in writers]) == ([True, True], [False, False])


def test_one_file_has_one_writer(tmp_path: Path) -> None:
    """A second writer in the same process is refused at once."""
    path = tmp_path / "run.duckdb"
    open_for_writing(path)
    try:
        assert message(write, path) == f"{path} is already being recorded by this process."
    finally:
        close_after_writing(path)


def test_a_file_that_another_process_writes_cannot_be_written(recording: Path) -> None:
    """The error names the process that has it."""
    with held_by_another_process(recording) as pid:
        told = message(lambda path: close(open_for_writing(path, patience_s=0)), recording)

    assert told == f"{recording} is being written by another process (PID {pid}); try a file of its own."


def close(_: object) -> None:
    """Never reached: opening was to fail."""
    raise AssertionError


def test_a_file_that_another_process_writes_can_be_read(recording: Path) -> None:
    """A reader takes a copy, and the session that was finished before is all there."""
    with held_by_another_process(recording), recorder.open(recording) as opened:
        session = opened.session()
        seen = (opened.live, session.state, len(list(opened.frames(session))))

    assert seen == (True, "completed", 300)


def missing(path: Path) -> str:
    """No file at all."""
    return f"{path} does not exist; check the path."


def empty(path: Path) -> str:
    """A file without a byte."""
    path.touch()
    return f"{path} is no DuckDB file, so no recording; check the path."


def folder(path: Path) -> str:
    """A directory."""
    path.mkdir()
    return f"{path} is a directory; name a recording in it."


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
        connection.execute("UPDATE header SET format_version = 2")
    return f"{path} has recording format 2, newer than the 1 that this version reads; upgrade otelstream."


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


@pytest.mark.xfail(
    strict=True, reason="the sandbox is for readers only; a SQLite file makes the writer download"
)
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


def forget(path: Path) -> None:
    """Give back a file that a writer which could not be made has kept."""
    with suppress(KeyError):
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


@pytest.mark.xfail(strict=True, reason="what fails behind the header is raised as DuckDB's error")
@pytest.mark.parametrize("length", [0.75, -4_096, -1])
def test_a_truncated_file_cannot_be_written(recording: Path, length: float, tmp_path: Path) -> None:
    """Nor does opening it for writing give anything but that sentence."""
    path = tmp_path / "run.duckdb"
    cut(recording, length, path)
    try:
        assert message(write, path).startswith(f"{path} is ")
    finally:
        forget(path)


def frames_or_error(path: Path) -> object:
    """The frames as JSON, or the beginning of the sentence that says why there are none."""
    try:
        return json_of(recorder.replay(path))
    except recorder.RecordingError as error:
        return str(error).partition(":")[0]


@pytest.mark.parametrize("position", range(4_096, 2_000_000, 199_999))
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
        ("UPDATE frames SET data = '{\"a\":1' WHERE ordinal = 7", "frame 7"),
        ("UPDATE frames SET raw = 'no frame' WHERE ordinal = 7", "frame 7"),
        ("DELETE FROM frames WHERE ordinal = 7", "frames 0 to"),
        ("DROP TABLE frames CASCADE", "frames"),
    ],
)
def test_damaged_rows_are_said_to_be(damage: str, expected: str, recording: Path, tmp_path: Path) -> None:
    """A row that somebody changed gives a RecordingError that says which."""
    path = tmp_path / "run.duckdb"
    path.write_bytes(recording.read_bytes())
    with duckdb.connect(path) as connection:
        connection.execute("ALTER TABLE frames ALTER data TYPE VARCHAR")
        connection.execute(damage)
    told = message(read, path)

    assert (told.startswith(f"{path} is damaged"), expected in told) == (True, True)


@pytest.mark.xfail(strict=True, reason="the connection is kept as the file's writer, although nobody has it")
def test_a_file_that_could_not_be_opened_is_released(recording: Path, tmp_path: Path) -> None:
    """After a failed attempt the next one says the same, not that the file is being recorded."""
    path = tmp_path / "run.duckdb"
    cut(recording, -1, path)
    for _ in range(2):
        with pytest.raises((recorder.RecordingError, duckdb.Error)) as raised:
            write(path)
    forget(path)

    assert "already being recorded" not in str(raised.value)


@pytest.mark.xfail(strict=True, raises=duckdb.Error, reason="only the header is looked at")
def test_a_database_with_a_header_only_cannot_be_written(tmp_path: Path) -> None:
    """A file that has the header of a recording and nothing else is none."""
    path = tmp_path / "run.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE header AS SELECT 1 AS format_version")
    try:
        assert message(write, path).startswith(f"{path} is ")
    finally:
        forget(path)


@pytest.mark.xfail(strict=True, raises=duckdb.Error, reason="DuckDB refuses to close a connection in use")
def test_a_writer_closes_while_a_reader_queries(tmp_path: Path) -> None:
    """A query that another thread of this process runs does not make the end of a session fail."""
    path = tmp_path / "run.duckdb"
    writer = Writer(path)
    queries, goes_on = threading.Event(), threading.Event()

    def pause() -> int:
        queries.set()
        goes_on.wait(timeout=2)
        return 1

    def query() -> None:
        with suppress(recorder.RecordingError), recorder.open(path) as opened, opened.connection() as reader:
            reader.execute("SELECT 1").fetchall()  # DuckDB makes no function while another result is open
            reader.create_function("pause", pause, [], "INTEGER", side_effects=True)
            reader.execute("SELECT pause()").fetchall()

    thread = threading.Thread(target=query)
    thread.start()
    queries.wait(timeout=10)
    try:
        writer.close()
    finally:
        goes_on.set()
        thread.join()
