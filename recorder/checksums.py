"""DuckDB's checksum over blocks and WAL entries, and what it tells beyond "damaged".

It is an exclusive or over the words, each multiplied by an odd constant: it can be solved for any one word.
Where the damage is no larger than a byte, often one word alone solves it with a change that small. Where more
than one does (equal words, the highest bits of any word), nothing is mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

_MASK: Final = 2**64 - 1
_SEED: Final = 5381
_FACTOR: Final = 0xBF58476D1CE4E5B9
_INVERSE: Final = pow(_FACTOR, -1, 2**64)

# Of the last bytes, which fill no word: MurmurHash64A.
_REST_SEED: Final = 0xE17A1465
_REST_FACTOR: Final = 0xC6A4A7935BD1E995
_REST_SHIFT: Final = 47

Change: TypeAlias = tuple[int, bytes, int]
"""Where, what was there, and in how many bits it differs."""

MANY: Final = 40
"""Ways to mend that are thought of at most."""

MENDED_BITS: Final = 8
"""Damage within so many neighbouring bits is mended; by chance a wrong word fits once in 10¹² cases."""


def checksum(data: bytes | memoryview) -> int:
    """Return DuckDB's 64-bit checksum of these bytes."""
    view = memoryview(data)
    whole = len(view) // 8 * 8
    result = _SEED
    for word in view[:whole].cast("Q"):
        result ^= word * _FACTOR & _MASK
    return result ^ _of_rest(bytes(view[whole:])) if whole < len(view) else result


def mended(data: bytes, stored: int) -> bytes | None:
    """Return data that fits a checksum, if one small change makes it fit; None if none does, or several do.

    Args:
        data: What is there.
        stored: Its checksum, as it was written. If that is what was damaged, the data comes back as it is.
    """
    found = alternatives(data, stored)
    return found[0] if len(found) == 1 else None


def alternatives(data: bytes, stored: int) -> list[bytes]:
    """Return what data may have been before one small change, so that it fits a checksum.

    Args:
        data: What is there.
        stored: Its checksum, as it was written; where only that is damaged, the data itself is among them.

    Returns:
        At most `MANY` of them, those of fewer changed bits first; more are none.
    """
    difference = checksum(data) ^ stored
    changes = [*_of_words(data, difference), *_of_last_bytes(data, difference)]
    if _is_small(difference):
        changes.append((0, b"", _bits(difference)))
    single = [change for change in changes if change[2] == 1]
    few = changes if len(changes) <= MANY else single
    if len(few) > MANY:
        return []
    return [
        data[:at] + original + data[at + len(original) :]
        for at, original, _ in sorted(few, key=lambda change: change[2])
    ]


def _of_words(data: bytes, difference: int) -> Iterator[Change]:
    whole = len(data) // 8 * 8
    for number, word in enumerate(memoryview(data)[:whole].cast("Q")):
        original = (word * _FACTOR & _MASK ^ difference) * _INVERSE & _MASK
        if _is_small(word ^ original):
            yield 8 * number, original.to_bytes(8, "little"), _bits(word ^ original)


def _of_last_bytes(data: bytes, difference: int) -> Iterator[Change]:
    whole = len(data) // 8 * 8
    rest = data[whole:]
    wanted = _of_rest(rest) ^ difference
    for at in range(len(rest)):
        for value in range(256):
            tried = rest[:at] + bytes((value,)) + rest[at + 1 :]
            if _of_rest(tried) == wanted:
                yield whole, tried, _bits(value ^ rest[at])


def _bits(change: int) -> int:
    return bin(change).count("1")


def _is_small(change: int) -> bool:
    return change == 0 or (change // (change & -change)).bit_length() <= MENDED_BITS


def _of_rest(rest: bytes) -> int:
    result = _REST_SEED ^ (len(rest) * _REST_FACTOR & _MASK)
    if rest:
        result = (result ^ int.from_bytes(rest, "little")) * _REST_FACTOR & _MASK
    result = (result ^ result >> _REST_SHIFT) * _REST_FACTOR & _MASK
    return result ^ result >> _REST_SHIFT
