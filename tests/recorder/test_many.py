"""Many files as one recording: sessions, frames and SQL over all of them, and what is left out."""

from __future__ import annotations

import os
import resource
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytest

import recorder
from otelstream.frame import StreamFrame
from recorder import RecordedSession, Recording
from recorder.schema import FORMAT_VERSION
from recorder.writer import Writer
from tests.contract.programs import consume, frame, json_of
from tests.recorder.test_database import held_by_another_process
from tests.recorder.test_writer import END, START


def session_id(number: int) -> uuid.UUID:
    """The id of a session; they sort by their number."""
    return uuid.UUID(int=START.session_id.int + (number << 80))


def frames_of(number: int) -> list[StreamFrame]:
    """The frames of a session: as many as its number and one more."""
    return [frame(each, id=f"{number}-{each}", previous_id=None) for each in range(number + 1)]


def fill(writer: Writer, number: int, *, state: str | None = "completed", frames: int | None = None) -> None:
    """Write a session that starts that many minutes after the first; without an end if it has no state."""
    start = replace(
        START,
        session_id=session_id(number),
        started_at=START.started_at + timedelta(minutes=number),
        name=f"Flow{number}",
    )
    writer.begin(start)
    for ordinal, each in enumerate(frames_of(number)[:frames]):
        writer.add(start.session_id, ordinal, ordinal, each)
    if state is not None:
        writer.end(start.session_id, replace(END, state=state, frame_count=number + 1))
    writer.flush()


def record(path: Path, *numbers: int, state: str | None = "completed", frames: int | None = None) -> Path:
    """Write sessions into a file; what a new one holds is made once and copied."""
    if path.exists():
        write(path, numbers, state, frames)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made(numbers, state, frames))
    return path


def write(path: Path, numbers: Iterable[int], state: str | None, frames: int | None) -> None:
    """Write sessions into a file."""
    with closing(Writer(path)) as writer:
        for number in numbers:
            fill(writer, number, state=state, frames=frames)


@cache
def made(numbers: tuple[int, ...], state: str | None, frames: int | None) -> bytes:
    """A file of sessions."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.duckdb")
        write(path, numbers, state, frames)
        return path.read_bytes()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three files of sessions whose order is not that of the files."""
    record(tmp_path / "runs" / "2026-11-20" / "a.duckdb", 1, 4)
    record(tmp_path / "runs" / "2026-11-20" / "b.duckdb", 0, 3)
    record(tmp_path / "runs" / "2026-11-21" / "c.duckdb", 2)
    return tmp_path / "runs"


@pytest.fixture
def recording(runs: Path) -> Iterator[Recording]:
    """The directory, opened."""
    with recorder.open(runs) as opened:
        yield opened


def where(session: RecordedSession) -> tuple[int, str, int, str | None]:
    """A session's index, file, number there, and name."""
    return session.index, session.file.name, session.number, session.start.name


def test_sessions_of_all_files_come_oldest_first(recording: Recording) -> None:
    """Each has an index among all, and says where it is."""
    assert list(map(where, recording.sessions())) == [
        (0, "b.duckdb", 0, "Flow0"),
        (1, "a.duckdb", 0, "Flow1"),
        (2, "c.duckdb", 0, "Flow2"),
        (3, "b.duckdb", 1, "Flow3"),
        (4, "a.duckdb", 1, "Flow4"),
    ]


@pytest.mark.parametrize(
    "selector", ["last", 0, -2, "3", "Flow1", str(session_id(2)), str(session_id(3))[:13]]
)
def test_a_session_is_found_among_all(recording: Recording, selector: str | int) -> None:
    """It is the same that the list has, however it is asked for."""
    found = recording.session(selector)

    assert found == recording.sessions()[found.index]


def test_a_session_that_no_file_has(recording: Recording) -> None:
    """The error names the directory, and how many there are."""
    with pytest.raises(recorder.SessionNotFoundError, match=r"runs has no session 'Flow9'; .* lists its 5,"):
        recording.session("Flow9")


def test_frames_come_from_the_file_of_the_session(recording: Recording) -> None:
    """Each session has its own frames, whichever file holds them."""
    found = [json_of(recording.frames(session)) for session in recording.sessions()]

    assert found == [json_of(frames_of(number)) for number in range(5)]


def test_a_session_is_replayed_from_a_directory(runs: Path) -> None:
    """What takes a file takes a directory."""
    assert json_of(consume(recorder.replay(runs, "Flow3"))) == json_of(frames_of(3))


def test_a_session_of_another_recording_is_refused(recording: Recording, tmp_path: Path) -> None:
    """Its number means another session here."""
    other = recorder.open(record(tmp_path / "other.duckdb", 7)).session()
    with pytest.raises(
        recorder.RecordingError, match=r"other\.duckdb is not a file of .*runs; open that one"
    ):
        list(recording.frames(other))


def test_the_files_are_known(recording: Recording, runs: Path) -> None:
    """In the order of their names, before any of them is opened."""
    assert (recording.files, recording.skipped) == (
        [
            runs / "2026-11-20" / "a.duckdb",
            runs / "2026-11-20" / "b.duckdb",
            runs / "2026-11-21" / "c.duckdb",
        ],
        [],
    )


def make_odd(folder: Path) -> list[tuple[Path, str]]:
    """Put files that are no recordings into a directory; return what is said of each."""
    paths = [folder / name for name in ("0.duckdb", "1.duckdb", "2.duckdb", "3.duckdb")]
    paths[0].touch()
    paths[1].write_bytes(record(folder / "whole", 9).read_bytes()[:40_000])
    with duckdb.connect(paths[2]) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    with duckdb.connect(record(paths[3], 9)) as connection:
        connection.execute("UPDATE header SET format_version = 99")
    return [
        (paths[0], f"{paths[0]} is no DuckDB file, so no recording; check the path."),
        (paths[1], f"{paths[1]} is damaged or unreadable"),
        (paths[2], f"{paths[2]} is a DuckDB database but no otelstream recording; choose another file."),
        (
            paths[3],
            f"{paths[3]} has recording format 99, newer than the {FORMAT_VERSION} that this version reads;"
            " upgrade otelstream.",
        ),
    ]


def skipped(recording: Recording) -> list[tuple[Path, str]]:
    """What was left out, without what DuckDB says of damage."""
    return [(path, sentence.partition(":")[0]) for path, sentence in recording.skipped]


def test_what_is_no_recording_is_left_out_of_the_list(runs: Path) -> None:
    """The rest can be read, and each file that cannot has a sentence."""
    expected = make_odd(runs)
    with recorder.open(runs) as recording:
        names = [session.start.name for session in recording.sessions()]

        assert (names, skipped(recording)) == ([f"Flow{number}" for number in range(5)], expected)


def test_what_is_no_recording_is_left_out_of_sql(runs: Path) -> None:
    """The same when nothing but a query has been asked."""
    expected = make_odd(runs)
    with recorder.open(runs) as recording:
        names = recording.sql("SELECT name FROM sessions ORDER BY name").rows()

        assert (names, skipped(recording)) == ([(f"Flow{number}",) for number in range(5)], expected)


def test_a_directory_with_nothing_that_can_be_read(tmp_path: Path) -> None:
    """A query has nothing to be asked of, and the error says why of the first file."""
    (tmp_path / "x.duckdb").touch()
    with recorder.open(tmp_path) as recording, pytest.raises(recorder.RecordingError) as raised:
        recording.sql("FROM sessions").rows()

    assert str(raised.value) == (
        f"{tmp_path} holds no recording that can be read; the first:"
        f" {tmp_path / 'x.duckdb'} is no DuckDB file, so no recording; check the path."
    )


def test_a_file_that_vanishes_is_left_out(recording: Recording, runs: Path) -> None:
    """Retention may remove a file between the look at the directory and the look at the file."""
    gone = runs / "2026-11-20" / "a.duckdb"
    gone.unlink()

    assert ([session.start.name for session in recording.sessions()], recording.skipped) == (
        ["Flow0", "Flow2", "Flow3"],
        [(gone, f"{gone} does not exist; check the path.")],
    )


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")], ids=["first", "second"])
@pytest.mark.parametrize(
    "worse", [{"state": None}, {"state": "crashed", "frames": 2}], ids=["open", "crashed"]
)
def test_a_session_of_two_files_appears_once(
    order: tuple[str, str], worse: dict[str, object], tmp_path: Path
) -> None:
    """After a merge or a recovery the more complete one counts, whatever the files are called."""
    record(tmp_path / f"{order[0]}.duckdb", 3)
    record(tmp_path / f"{order[1]}.duckdb", 3, **worse)  # type: ignore[arg-type]  # a state, a number
    with recorder.open(tmp_path) as recording:
        listed = [(session.file.stem, session.state) for session in recording.sessions()]
        selected = recording.session().file.stem
        in_sql = recording.sql("SELECT parse_filename(file, true), state FROM sessions").rows()
        frames = recording.sql("SELECT count(*), count(DISTINCT file) FROM frames").rows()

    assert (listed, selected, in_sql, frames) == (
        [(order[0], "completed")],
        order[0],
        [(order[0], "completed")],
        [(4, 1)],
    )


def test_sql_is_over_all_files(recording: Recording, runs: Path) -> None:
    """Views and tables have the rows of all files, and a column that says of which."""
    counts = recording.sql(
        "SELECT file, (SELECT count(*) FROM frames AS f WHERE f.file = s.file), count(*) FROM sessions AS s"
        " GROUP BY file ORDER BY file"
    ).rows()

    assert counts == [
        (str(runs / "2026-11-20" / "a.duckdb"), 7, 2),
        (str(runs / "2026-11-20" / "b.duckdb"), 5, 2),
        (str(runs / "2026-11-21" / "c.duckdb"), 3, 1),
    ]


RELATIONS = """
SELECT table_name, column_name FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal
"""


def test_everything_that_a_file_has_is_there_over_all(recording: Recording, runs: Path) -> None:
    """Every table and view of the format, with all of its columns and `file`."""
    with recorder.open(runs / "2026-11-21" / "c.duckdb") as one:
        columns = set(one.sql(RELATIONS).rows())
    names = {(name, "file") for name, _ in columns}

    assert set(recording.sql(RELATIONS).rows()) == columns | names


def test_sql_over_a_session_is_that_of_its_file(recording: Recording, runs: Path) -> None:
    """The frames of a session are the same rows, but for the column."""
    query = "SELECT {} FROM frames WHERE session_id = ? ORDER BY ordinal"
    with recorder.open(runs / "2026-11-20" / "b.duckdb") as one:
        alone = one.sql(query.format("*"), [session_id(3)]).rows()

    assert recording.sql(query.format("* EXCLUDE file"), [session_id(3)]).rows() == alone


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_text('/etc/hostname')",
        "ATTACH '{0}/x.duckdb'",
        "COPY sessions TO '{0}/x.csv'",
        "DELETE FROM recording_0.session_starts",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_sql_reaches_nothing_else(recording: Recording, query: str, tmp_path: Path) -> None:
    """No file, no network, no change, also not in the files that are open."""
    with recording.connection() as connection, pytest.raises(duckdb.Error):
        connection.execute(query.format(tmp_path))


def test_a_view_of_a_foreign_file_reaches_nothing(runs: Path) -> None:
    """What a file defines cannot read another one either; it is left out, and the rest goes on."""
    path = runs / "2026-11-21" / "c.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE OR REPLACE VIEW frames AS FROM read_text('/etc/hostname')")
    with recorder.open(runs) as recording:
        frames = recording.sql("SELECT count(*) FROM frames").rows()
        sessions = recording.sql("SELECT count(*) FROM sessions").rows()
        told = [(file, sentence.partition(": Perm")[0]) for file, sentence in recording.skipped]

    assert (frames, sessions, told) == ([(12,)], [(5,)], [(path, f'{path}: its "frames" is left out')])


def test_a_quote_in_a_name_is_no_matter(tmp_path: Path) -> None:
    """Paths and names are data, wherever they are put into SQL."""
    path = record(tmp_path / "it's" / 'o"r.duckdb', 1)
    with duckdb.connect(path) as connection:
        connection.execute('CREATE VIEW "a"" b" AS SELECT 1 AS one')
    with recorder.open(tmp_path / "it's") as recording:
        rows = recording.sql('FROM "a"" b"').rows()

    assert rows == [(1, str(path))]


def test_a_file_that_another_process_writes_is_one_of_them(runs: Path) -> None:
    """Its session without an end is being recorded; one in a file at rest has crashed."""
    record(runs / "2026-11-21" / "d.duckdb", 6, state=None)
    record(runs / "2026-11-21" / "e.duckdb", 7)
    with held_by_another_process(runs / "2026-11-21" / "e.duckdb"), recorder.open(runs) as recording:
        listed = [(session.start.name, session.state) for session in recording.sessions()][-2:]
        in_sql = recording.sql("SELECT name FROM sessions ORDER BY name").rows()[-2:]
        live = recording.live

    assert (listed, in_sql, live) == (
        [("Flow6", "crashed"), ("Flow7", "completed")],
        [("Flow6",), ("Flow7",)],
        True,
    )


def test_a_file_that_this_process_writes_is_one_of_them(runs: Path) -> None:
    """Sessions, frames and SQL are read beside the writer, which goes on."""
    with closing(Writer(runs / "2026-11-21" / "d.duckdb")) as writer, recorder.open(runs) as recording:
        fill(writer, 6, state=None)
        before = [(session.start.name, session.state) for session in recording.sessions()][-1]
        in_sql = recording.sql("SELECT count(*) FROM frames").rows()
        fill(writer, 7)
        after = len(recording.sessions())

    assert (before, in_sql, after) == (("Flow6", "recording"), [(22,)], 7)


def test_only_a_few_files_are_open_at_once(tmp_path: Path) -> None:
    """Listing a directory takes no more descriptors than listing a file."""
    for number in range(60):
        record(tmp_path / f"{number:03}.duckdb", 0, 3)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, hard))
        with recorder.open(tmp_path) as recording:
            listed = len(recording.sessions())
            with pytest.raises(recorder.RecordingError) as raised:
                recording.sql("FROM sessions").rows()

    assert (listed, str(raised.value)) == (
        2,
        "60 recordings are more than this process may have open at once; name fewer, or raise `ulimit -n`.",
    )
