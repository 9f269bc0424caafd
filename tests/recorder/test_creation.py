"""Recordings without sessions: the first of a process is made from SQL, others have copies of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import pytest

from recorder import creation
from recorder.creation import create

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


def test_nothing_is_left_beside_them(made: list[Path], tmp_path: Path) -> None:
    """What they were made from is gone."""
    assert sorted(tmp_path.iterdir()) == made
