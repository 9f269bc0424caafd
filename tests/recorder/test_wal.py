"""The write-ahead log beneath DuckDB: its entries, its damage, and a log of what is sound."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path

import duckdb
import pytest

from recorder import blocks, wal
from tests.recorder.recordings import killed

SCRIPT = """
ATTACH '{}' AS made;
CREATE TABLE made.numbers (n BIGINT, text VARCHAR);
CHECKPOINT made;
"""


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A database file and its log of ten transactions with a hundred rows each, none like another."""
    path = tmp_path_factory.mktemp("wal") / "numbers.duckdb"
    connection = duckdb.connect()
    connection.execute(SCRIPT.format(path))
    for number in range(10):
        rows = f"SELECT {number}, md5(i::VARCHAR || {number}) FROM range(100) AS r(i)"
        connection.execute(f"INSERT INTO made.numbers {rows}")
    found = (path.read_bytes(), path.with_name("numbers.duckdb.wal").read_bytes())
    connection.close()
    return found


@pytest.fixture
def file(logged: tuple[bytes, bytes], tmp_path: Path) -> Path:
    """The database file, with its log beside it."""
    path = tmp_path / "numbers.duckdb"
    path.write_bytes(logged[0])
    path.with_name("numbers.duckdb.wal").write_bytes(logged[1])
    return path


def log_of(file: Path) -> Path:
    """The log of a file."""
    return file.with_name(f"{file.name}.wal")


def damaged(file: Path, at: int, piece: bytes) -> wal.Log:
    """What is found in a log after so many bytes were written over."""
    data = log_of(file).read_bytes()
    log_of(file).write_bytes(data[:at] + piece + data[at + len(piece) :])
    return wal.examine(log_of(file))


def rewritten(file: Path) -> list[int]:
    """The transactions that DuckDB reads after the log was rewritten."""
    found = blocks.mend(file)
    assert found is not None
    wal.rewrite(log_of(file), found.identifier, found.states[0].iteration)
    with duckdb.connect(file) as connection:
        query = "SELECT n FROM numbers GROUP BY n HAVING count(*) = 100 ORDER BY n"
        return [n for (n,) in connection.execute(query).fetchall()]


def commits_of(file: Path) -> list[int]:
    """Where transactions begin, and the end of the last one."""
    data = log_of(file).read_bytes()
    log = wal.examine(log_of(file))
    entries = list(wal._entries(data, log.beginning, {}))
    return [log.beginning, *(entry.end for entry in entries if entry.commits)]


def test_a_sound_log_is_read_to_its_end(file: Path) -> None:
    """Its beginning, its transactions, and nothing that is wrong."""
    log = wal.examine(log_of(file))

    assert (log.commits, log.mended, log.lost, log.unfinished) == (10, [], [], 0)
    assert (log.identifier, log.iteration) == (file.read_bytes()[blocks.IDENTIFIER], 1)


def test_a_sound_log_is_rewritten_as_it_is(file: Path) -> None:
    """The same bytes: what is known of the format is right."""
    before = log_of(file).read_bytes()
    wal.rewrite(log_of(file), file.read_bytes()[blocks.IDENTIFIER], 1)

    assert log_of(file).read_bytes() == before


def test_the_log_of_a_recording_is_understood(tmp_path: Path) -> None:
    """A commit of the recorder is a transaction."""
    path = killed(tmp_path / "run.duckdb")

    assert wal.examine(log_of(path)).commits == 6


def test_a_damaged_transaction_is_left_out(file: Path) -> None:
    """Those before it and those after it are kept, and where it stood is told."""
    ends = commits_of(file)
    log = damaged(file, ends[4] + 100, bytes(200))

    assert (log.commits, log.lost, rewritten(file)) == (
        9,
        [(ends[4], ends[5])],
        [0, 1, 2, 3, 5, 6, 7, 8, 9],
    )


def test_damage_across_transactions_takes_both(file: Path) -> None:
    """Where an end is damaged too, nothing is joined that does not belong together."""
    ends = commits_of(file)
    log = damaged(file, ends[5] - 50, bytes(100))

    assert (log.lost, rewritten(file)) == ([(ends[4], ends[6])], [0, 1, 2, 3, 6, 7, 8, 9])


def test_a_damaged_byte_is_mended(file: Path) -> None:
    """Its checksum tells what it was: no transaction is lost."""
    data, start = log_of(file).read_bytes(), commits_of(file)[3]
    at = data.index(md5(b"503").hexdigest().encode(), start)  # a text of the fourth transaction
    at += (start + 43 + 16 - at) % 8  # the first byte of a word, as the checksum counts them
    log = damaged(file, at, bytes((data[at] ^ 0x01,)))

    assert (len(log.mended), log.lost, rewritten(file)) == (1, [], list(range(10)))


def test_a_damaged_length_is_mended(file: Path) -> None:
    """An entry ends where the next one begins."""
    log = damaged(file, commits_of(file)[3], b"\xff\xff")

    assert (len(log.mended), log.lost, rewritten(file)) == (1, [], list(range(10)))


@pytest.mark.parametrize("piece", [b"\1", bytes(20), b"\xff" * 30])
def test_a_damaged_beginning_is_made_anew(piece: bytes, file: Path) -> None:
    """What ties a log to its file is known from the file."""
    log = damaged(file, 1, piece)

    assert (log.iteration, log.commits, rewritten(file)) == (None, 10, list(range(10)))


@pytest.mark.parametrize("cut", [1, 15, 40])
def test_a_torn_end_is_told(cut: int, file: Path) -> None:
    """The last transaction was not finished; those before it are whole."""
    ends = commits_of(file)
    log_of(file).write_bytes(log_of(file).read_bytes()[:-cut])
    log = wal.examine(log_of(file))

    assert (log.commits, log.lost, log.unfinished) == (9, [], ends[-1] - ends[-2] - cut)
    assert rewritten(file) == list(range(9))


def test_garbage_at_the_end_is_told(file: Path) -> None:
    """It is no transaction, and takes none with it."""
    with log_of(file).open("ab") as log_file:
        log_file.write(bytes(range(256)) * 4)
    log = wal.examine(log_of(file))

    assert (log.commits, log.lost, log.unfinished, rewritten(file)) == (10, [], 1_024, list(range(10)))


def test_a_log_may_belong_to_another_file(file: Path, tmp_path: Path) -> None:
    """In the name of a new file with the same tables its transactions are read, too."""
    other = tmp_path / "other.duckdb"
    with duckdb.connect() as connection:
        connection.execute(SCRIPT.format(other))
    log_of(file).rename(log_of(other))

    assert rewritten(other) == list(range(10))
