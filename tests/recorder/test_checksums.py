"""DuckDB's checksum: the same as DuckDB's own, and what it lets us mend."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from recorder.checksums import checksum, mended

RANDOM = random.Random(4).randbytes(4_088)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file that DuckDB wrote."""
    path = tmp_path_factory.mktemp("checksums") / "numbers.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS made (BLOCK_SIZE 16384)")
        connection.execute("CREATE TABLE made.numbers AS SELECT hash(i) AS n FROM range(9000) AS r(i)")
    return path.read_bytes()


def test_it_is_the_checksum_of_duckdb(database: bytes) -> None:
    """Every header and every block of a file begins with the checksum of the rest."""
    blocks = [(at, 4_096) for at in (0, 4_096, 8_192)]
    blocks += [(at, 16_384) for at in range(12_288, len(database), 16_384)]
    stored = [int.from_bytes(database[at : at + 8], "little") for at, _ in blocks]

    assert stored == [checksum(database[at + 8 : at + length]) for at, length in blocks]


@pytest.mark.parametrize("at", [0, 1, 100, 2_044, 4_083])
@pytest.mark.parametrize("change", [0x01, 0x10, 0xFF])
def test_one_damaged_byte_is_mended(at: int, change: int) -> None:
    """What was there before comes back, to the bit."""
    damaged = bytearray(RANDOM)
    damaged[at] ^= change

    assert mended(bytes(damaged), checksum(RANDOM)) == RANDOM


@pytest.mark.parametrize("length", [1, 7, 9, 4_083])
def test_the_last_bytes_are_mended_too(length: int) -> None:
    """Also those that do not fill a word."""
    original = RANDOM[:length]
    damaged = bytearray(original)
    damaged[-1] ^= 0x20

    assert mended(bytes(damaged), checksum(original)) == original


def test_data_whose_checksum_was_damaged_is_as_it_was() -> None:
    """A flipped bit in the checksum is no damage of the data."""
    assert mended(RANDOM, checksum(RANDOM) ^ (1 << 40)) == RANDOM


def test_damage_that_could_be_anywhere_is_not_mended() -> None:
    """The highest bit of every word changes the checksum alike."""
    damaged = bytearray(RANDOM)
    damaged[7] ^= 0x80

    assert mended(bytes(damaged), checksum(RANDOM)) is None


def test_equal_words_are_not_mended() -> None:
    """Of a thousand equal words it cannot be told which one was another."""
    original = bytes(4_000)
    damaged = b"\x01" + original[1:]

    assert mended(damaged, checksum(original)) is None


def test_more_damage_is_not_mended() -> None:
    """Sixteen bytes are more than a checksum can tell."""
    damaged = RANDOM[:64] + bytes(16) + RANDOM[80:]

    assert mended(damaged, checksum(RANDOM)) is None


@pytest.mark.parametrize("seed", range(20))
def test_what_is_mended_is_right(seed: int, database: bytes) -> None:
    """Of any flipped bit in a real block either the original comes back, or nothing."""
    chance = random.Random(seed)
    at = chance.randrange(12_288, len(database) - 16_384, 16_384)
    block = database[at + 8 : at + 16_384]
    damaged = bytearray(block)
    damaged[chance.randrange(len(block))] ^= 1 << chance.randrange(8)

    assert mended(bytes(damaged), checksum(block)) in (block, None)


def test_nothing_has_a_checksum(tmp_path: Path) -> None:
    """No bytes are as good as any."""
    assert mended(b"", checksum(b"")) == b""
