"""The blocks of a database file: which are damaged, and what can be read all the same."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from recorder import blocks

BLOCK = 16_384


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database file with a few blocks of numbers that nothing compresses."""
    path = tmp_path_factory.mktemp("blocks") / "numbers.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS made (BLOCK_SIZE {BLOCK})")
        connection.execute("CREATE TABLE made.numbers AS SELECT hash(i) AS n FROM range(9000) AS r(i)")
    return path.read_bytes()


@pytest.fixture
def file(original: bytes, tmp_path: Path) -> Path:
    """A copy of it."""
    path = tmp_path / "numbers.duckdb"
    path.write_bytes(original)
    return path


def write(file: Path, at: int, piece: bytes) -> None:
    """Write over a part of a file."""
    data = file.read_bytes()
    file.write_bytes(data[:at] + piece + data[at + len(piece) :])


def mend(file: Path) -> blocks.Blocks:
    """Mend a file that is a database."""
    found = blocks.mend(file)
    assert found is not None
    return found


def count(file: Path) -> int:
    """How many numbers DuckDB reads."""
    with duckdb.connect(file, read_only=True) as connection:
        return len(connection.execute("FROM numbers").fetchall())


def full_block(data: bytes) -> int:
    """Where a block begins that is full of data."""
    starts = range(blocks.FIRST_BLOCK, len(data), BLOCK)
    return max(starts, key=lambda at: len(set(data[at : at + BLOCK])) - data[at : at + BLOCK].count(0))


def test_a_sound_file_is_left_as_it_is(file: Path, original: bytes) -> None:
    """Nothing is found, and no byte is changed."""
    found = mend(file)

    assert (found.mended, found.damaged, found.missing, file.read_bytes() == original) == ([], [], 0, True)


def test_a_flipped_bit_is_mended(file: Path, original: bytes) -> None:
    """The block's checksum tells which bit it was."""
    at = full_block(original)
    write(file, at + 5_000, bytes((original[at + 5_000] ^ 0x04,)))
    found = mend(file)

    assert (found.mended, found.damaged, file.read_bytes() == original) == ([at], [], True)


@pytest.mark.parametrize("at", [300, 4_095, 4_096 + 16, 4_096 + 2_000])
def test_a_flipped_bit_of_a_header_is_mended(at: int, file: Path, original: bytes) -> None:
    """Where nothing stands in a header it is known to be zero; elsewhere the checksum tells."""
    write(file, at, bytes((original[at] ^ 0x02,)))
    mend(file)

    assert (file.read_bytes() == original, count(file)) == (True, 9_000)


@pytest.mark.parametrize("at", [8_192, 8_192 + 16, 8_192 + 40, 8_192 + 4_000])
def test_the_header_of_an_older_checkpoint_is_not_needed(at: int, file: Path) -> None:
    """DuckDB wants two of them that are sound; of one that is damaged the other is told twice."""
    write(file, at, bytes((1, 2, 3, 4)))
    mend(file)

    assert count(file) == 9_000


def test_a_damaged_block_is_found(file: Path, original: bytes) -> None:
    """What cannot be mended is told, and DuckDB refuses to read it."""
    at = full_block(original)
    write(file, at + 5_000, random.Random(1).randbytes(64))
    found = mend(file)

    assert (found.mended, found.damaged) == ([], [at])
    with pytest.raises(duckdb.Error, match="checksum"):
        count(file)


def test_a_damaged_block_is_read_when_it_is_sealed(file: Path, original: bytes) -> None:
    """Its rows are there again, some of them wrong."""
    write(file, full_block(original) + 5_000, random.Random(1).randbytes(64))
    blocks.seal(file, mend(file))

    assert count(file) == 9_000


def test_a_missing_end_is_filled_up(file: Path, original: bytes) -> None:
    """How much is missing is told, and the file has its length again."""
    file.write_bytes(original[:-20_000])
    found = mend(file)

    assert (found.missing, file.stat().st_size) == (20_000, len(original))


def test_a_first_header_of_another_file_will_do(file: Path, original: bytes, tmp_path: Path) -> None:
    """But for what ties a WAL to its file, the headers of files that were made alike are alike."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other (BLOCK_SIZE {BLOCK})")
    write(file, 0, bytes(blocks.HEADER_BYTES))
    found = mend(file)
    header = (tmp_path / "other.duckdb").read_bytes()[: blocks.HEADER_BYTES]
    blocks.give_header(file, header, b"0123456789abcdef")

    assert (found.damaged, count(file)) == ([0], 9_000)
    assert file.read_bytes()[blocks.IDENTIFIER] == b"0123456789abcdef"


def test_a_file_can_go_back_to_the_checkpoint_before(tmp_path: Path) -> None:
    """It is what it was before its last checkpoint."""
    path = tmp_path / "numbers.duckdb"
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{path}' AS made (BLOCK_SIZE {BLOCK})")
    connection.execute("CREATE TABLE made.numbers AS FROM range(10) AS r(n); CHECKPOINT made")
    connection.execute("INSERT INTO made.numbers VALUES (10); CHECKPOINT made; DETACH made")
    connection.close()
    before = count(path)
    went_back = blocks.go_back(path, mend(path))

    assert (before, went_back, count(path)) == (11, True, 10)


@pytest.mark.parametrize("content", [b"", b"text " * 10_000, bytes(100_000)])
def test_what_is_no_database_is_none(content: bytes, tmp_path: Path) -> None:
    """Neither a magic word nor a header whose checksum fits."""
    path = tmp_path / "file"
    path.write_bytes(content)

    assert blocks.mend(path) is None
