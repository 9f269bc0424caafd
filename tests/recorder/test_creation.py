"""Recordings without sessions: the first of a process is made from SQL, others have copies of its tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import duckdb
import pytest

from otelstream.errors import RecordingError
from recorder import creation
from recorder.creation import create, folder_beside, is_new

CATALOG: Final = (
    "SELECT table_name, comment, sql FROM duckdb_tables() ORDER BY ALL",
    "SELECT view_name, comment, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
    " WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, index_name FROM duckdb_indexes()",
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three recordings, of which the first is the first one of its process."""
    monkeypatch.setattr(creation, "_tables", b"")
    paths = [tmp_path / f"{number}.duckdb" for number in range(3)]
    with duckdb.connect() as connection:
        for path in paths:
            create(connection, path)
    return paths


def asked(path: Path, *queries: str) -> list[list[tuple[object, ...]]]:
    """The answers to some queries."""
    with duckdb.connect(path, read_only=True) as connection:
        return [connection.execute(query).fetchall() for query in queries]


def test_all_have_the_same_tables(made: list[Path]) -> None:
    """With types, views and comments."""
    first, *others = (asked(path, *CATALOG) for path in made)

    assert others == [first, first]


def test_each_has_a_header_of_its_own(made: list[Path]) -> None:
    """One row, with an id that no other recording has."""
    headers = [row for path in made for (row,) in asked(path, "SELECT recording_id FROM header")]

    assert len(set(headers)) == len(made)


def test_a_copy_stores_as_the_first_one_does(made: list[Path]) -> None:
    """Columns are compressed as the schema says, in row groups and blocks of its size."""
    fill = """INSERT INTO contexts
        SELECT 0, range, 'c', [], 0, to_json({text: repeat('tea for ' || range, 50)}) FROM range(20_000)"""
    for path in made:
        with duckdb.connect(path) as connection:
            connection.execute(fill)
    storage = "SELECT * EXCLUDE (block_id, block_offset) FROM pragma_storage_info('contexts') ORDER BY ALL"
    first, *others = (asked(path, storage) for path in made)

    assert others == [first, first]
    assert len({path.stat().st_size for path in made}) == 1


@pytest.mark.parametrize("name", ["a?b.duckdb", "q?x/a.duckdb", "bad\udcff.duckdb"])
def test_a_path_that_duckdb_reads_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    """Before anything is made: it would put the WAL where nobody looks for it."""
    with pytest.raises(RecordingError):
        is_new(tmp_path / name)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_process_has_made_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file system knows no links, so that nothing but a renaming is left."""
    path = tmp_path / "a.duckdb"

    def link(_: Path, target: Path) -> None:
        target.write_text("of another process")
        raise OSError("no links here")

    monkeypatch.setattr("os.link", link)
    with duckdb.connect() as connection:
        create(connection, path)

    assert path.read_text() == "of another process"


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """By the next one that makes a recording there, which leaves alone what another is making."""
    script = """if True:
        import sys
        from pathlib import Path
        from recorder.creation import folder_beside
        with folder_beside(Path(sys.argv[1])) as folder:
            print(folder, flush=True)
            sys.stdin.read()
    """
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "x")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    folders = [Path(maker.stdout.readline().strip()) for maker in makers if maker.stdout is not None]
    makers[0].kill()
    makers[0].communicate()
    with folder_beside(tmp_path / "x") as own:
        left = set(tmp_path.iterdir())
    makers[1].communicate("")

    assert (left, list(tmp_path.iterdir())) == ({folders[1], own}, [])


def test_nothing_is_left_beside_them(made: list[Path], tmp_path: Path) -> None:
    """What they were made from is gone."""
    assert sorted(tmp_path.iterdir()) == made
