"""The file: how it is made, and who may open it when."""

from __future__ import annotations

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
from recorder.database import close_after_writing, open_for_writing
from recorder.schema import FORMAT_VERSION
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


def write(path: Path) -> None:
    """Open a recording for writing, and close it."""
    Writer(path).close()


def message(act: Callable[[Path], object], path: Path) -> str:
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

    assert header == [(FORMAT_VERSION, otelstream.__version__, duckdb.__version__)]


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

    assert in_another_process(script, recording) == str(FORMAT_VERSION)


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
    written = [recorder.open(writer.path).live for writer in writers]
    for writer in writers:
        writer.close()

    assert (written, [recorder.open(writer.path).live for writer in writers]) == (
        [True, True],
        [False, False],
    )


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
        told = message(lambda path: open_for_writing(path, patience_s=0), recording)

    assert told == f"{recording} is being written by another process (PID {pid}); try a file of its own."


def test_a_forked_child_reads_what_its_parent_writes(tmp_path: Path) -> None:
    """It takes a copy, as any other process does, and finds the session to be going on."""
    script = """if True:
        import os, sys
        from pathlib import Path
        import recorder
        from recorder.writer import Writer
        from tests.recorder.test_writer import START
        path = Path(sys.argv[1])
        writer = Writer(path / "a.duckdb")
        writer.begin(START)
        writer.flush()
        if not os.fork():
            for named in (path / "a.duckdb", path):
                with recorder.open(named) as recording:
                    rows = recording.sql("SELECT count(*) FROM sessions").rows()
                    print([each.state for each in recording.sessions()], rows, flush=True)
            os._exit(0)
        os.wait()
        writer.close()
    """

    assert in_another_process(script, tmp_path).splitlines() == ["['recording'] [(1,)]"] * 2


def test_a_file_that_another_process_reads_is_not_said_to_be_written(recording: Path) -> None:
    """The error names the process that reads it; one that this process has open names no other."""
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(recording)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()
        told = [message(lambda path: open_for_writing(path, patience_s=0), recording)]
        reader.communicate(b"\n")
    with duckdb.connect(recording, read_only=True):
        told.append(message(lambda path: open_for_writing(path, patience_s=0), recording))

    assert told == [
        f"{recording} is being read by another process (PID {reader.pid}); try a file of its own.",
        f"{recording} is open in this process already; try a file of its own.",
    ]


def test_a_file_that_another_process_writes_can_be_read(recording: Path) -> None:
    """A reader takes a copy, and the session that was finished before is all there."""
    with held_by_another_process(recording), recorder.open(recording) as opened:
        session = opened.session()
        seen = (opened.live, session.state, len(list(opened.frames(session))))

    assert seen == (True, "completed", 300)


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


def test_a_fork_leaves_a_query_in_peace(tmp_path: Path) -> None:
    """A child that was forked while its parent read what it writes can leave the `with` behind."""
    script = """if True:
        import os, sys
        from pathlib import Path
        import otelstream, recorder
        from recorder.writer import Writer
        writer = Writer(Path(sys.argv[1]))
        with recorder.open(sys.argv[1]) as recording:
            try:
                with recording.connection():
                    child = os.fork()
            except KeyError:
                os._exit(1)
        if not child:
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)
        writer.close()
    """

    assert in_another_process(script, tmp_path / "run.duckdb") == "0"
