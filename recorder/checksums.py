"""DuckDB's checksum over blocks and WAL entries, and what it tells beyond "damaged".

It is an exclusive or over the words, each multiplied by an odd constant: it can be solved for any one word.
Where the damage is no larger than a byte, often one word alone solves it with a change that small. Where more
than one does (equal words, the highest bits of any word), nothing is mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_MASK: Final = 2**64 - 1
_SEED: Final = 5381
_FACTOR: Final = 0xBF58476D1CE4E5B9
_INVERSE: Final = pow(_FACTOR, -1, 2**64)

# Of the last bytes, which fill no word: MurmurHash64A.
_REST_SEED: Final = 0xE17A1465
_REST_FACTOR: Final = 0xC6A4A7935BD1E995
_REST_SHIFT: Final = 47

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
    difference = checksum(data) ^ stored
    changes = [*_of_words(data, difference), *_of_last_bytes(data, difference)]
    if _is_small(difference):
        changes.append((0, b""))
    if len(changes) != 1:
        return None
    ((at, original),) = changes
    return data[:at] + original + data[at + len(original) :]


def _of_words(data: bytes, difference: int) -> Iterator[tuple[int, bytes]]:
    whole = len(data) // 8 * 8
    for number, word in enumerate(memoryview(data)[:whole].cast("Q")):
        original = (word * _FACTOR & _MASK ^ difference) * _INVERSE & _MASK
        if _is_small(word ^ original):
            yield 8 * number, original.to_bytes(8, "little")


def _of_last_bytes(data: bytes, difference: int) -> Iterator[tuple[int, bytes]]:
    whole = len(data) // 8 * 8
    rest = data[whole:]
    wanted = _of_rest(rest) ^ difference
    for at in range(len(rest)):
        for value in range(256):
            tried = rest[:at] + bytes((value,)) + rest[at + 1 :]
            if _of_rest(tried) == wanted:
                yield whole, tried


def _is_small(change: int) -> bool:
    return change == 0 or (change // (change & -change)).bit_length() <= MENDED_BITS


def _of_rest(rest: bytes) -> int:
    result = _REST_SEED ^ (len(rest) * _REST_FACTOR & _MASK)
    if rest:
        result = (result ^ int.from_bytes(rest, "little")) * _REST_FACTOR & _MASK
    result = (result ^ result >> _REST_SHIFT) * _REST_FACTOR & _MASK
    return result ^ result >> _REST_SHIFT
