"""The write-ahead log of a DuckDB file, beneath DuckDB: where it is damaged, and a log of what is not.

A log is a beginning that ties it to its file, and entries: length, checksum, payload. The entries of a
transaction end with one of their own kind; recordings only append rows, so any transaction can be left out.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from recorder import checksums
from recorder.checksums import checksum, mended

_HEAD: Final = struct.Struct("<QQ")
_KIND: Final = b"\x64\x00"  # number of the field that a payload begins with
_COMMIT: Final = 100
_LONGEST_BEGINNING: Final = 200
_NOTHING: Final[Mapping[int, bytes]] = MappingProxyType({})
_START: Final = b"\x64\x00\x62\x65\x00\x02\x66\x00\x10"
_BEGINNING: Final = re.compile(
    re.escape(_START)
    + rb"(?P<identifier>(?:[\x00-\x7f]|[\x80-\xff]\x01){16})"
    + rb"\x67\x00(?P<iteration>[\x80-\xff]{0,8}[\x00-\x7f])\xff\xff",
    re.DOTALL,
)


class Entry(NamedTuple):
    """A sound entry, or a stretch in which none was found.

    Attributes:
        start: Its position in the log.
        end: The position after it.
        commits: Whether a transaction ends with it.
        state: `sound`; `mended`, by the payload given; or `damaged`.
        mended: Its bytes, where they are not those in the log.
    """

    start: int
    end: int
    commits: bool
    state: Literal["sound", "mended", "damaged"]
    mended: bytes = b""


@dataclass(slots=True)
class Log:
    """What was found in a log.

    Attributes:
        size: Its bytes.
        beginning: Bytes before its first entry.
        iteration: The number of the checkpoint that it follows, None if that is damaged.
        identifier: That of its file, empty if it is damaged.
        commits: How many transactions are whole.
        mended: Where entries were mended: their positions.
        lost: Stretches with transactions that are damaged, each as its first position and the one after it.
        unfinished: Bytes of a transaction that was never finished, at its end.
    """

    size: int
    beginning: int = 0
    iteration: int | None = None
    identifier: bytes = b""
    commits: int = 0
    mended: list[int] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    unfinished: int = 0


def examine(path: Path) -> Log:
    """Tell what a log holds.

    Raises:
        OSError: It cannot be read.
    """
    log, _ = _sorted(path.read_bytes(), _NOTHING)
    return log


def alternatives(path: Path) -> dict[int, list[bytes]]:
    """Return what damaged entries of a log may have been, by their position, where it is not too much."""
    data = path.read_bytes()
    log, _ = _sorted(data, _NOTHING)
    found = {}
    for entry in _entries(data, log.beginning, _NOTHING):
        length, stored = _HEAD.unpack_from(data, entry.start) if entry.state == "damaged" else (0, 0)
        if entry.state == "damaged" and entry.start + _HEAD.size + length == entry.end:
            payloads = checksums.alternatives(data[entry.start + _HEAD.size : entry.end], stored)
            found[entry.start] = [_HEAD.pack(length, checksum(each)) + each for each in payloads]
    return {start: entries for start, entries in found.items() if entries}


def rewrite(path: Path, identifier: bytes, iteration: int, instead: Mapping[int, bytes] = _NOTHING) -> Log:
    """Replace a log by its sound transactions, in the name of a database file; tell what it held.

    Args:
        path: The log.
        identifier: That of the file.
        iteration: The number of the file's last checkpoint.
        instead: By their positions, what shall stand instead of entries.

    Raises:
        OSError: It cannot be read or written.
    """
    data = path.read_bytes()
    log, kept = _sorted(data, instead)
    with path.open("wb") as file:
        file.write(_beginning(identifier, iteration))
        for entry in kept:
            file.write(entry.mended or data[entry.start : entry.end])
    return log


def _sorted(data: bytes, instead: Mapping[int, bytes]) -> tuple[Log, list[Entry]]:
    """Return what a log holds, and the entries of its whole transactions."""
    log = Log(len(data), beginning=_first(data, 0, _LONGEST_BEGINNING))
    beginning = _BEGINNING.fullmatch(data[: log.beginning])
    if beginning is not None:
        log.identifier = bytes(_numbers(beginning["identifier"]))
        (log.iteration,) = _numbers(beginning["iteration"])
    kept: list[Entry] = []
    transaction: list[Entry] = []
    for entry in _entries(data, log.beginning, instead):
        transaction.append(entry)
        if not entry.commits:
            continue
        if any(each.state == "damaged" for each in transaction):
            log.lost.append((transaction[0].start, entry.end))
        else:
            kept += transaction
            log.commits += 1
            log.mended += [each.start for each in transaction if each.state == "mended"]
        transaction = []
    if transaction:
        start, end = transaction[0].start, transaction[-1].end
        torn = [each.state for each in transaction]
        if "damaged" in torn[:-1]:
            log.lost.append((start, end))
        else:
            log.unfinished = end - start
    return log, kept


def _entries(data: bytes, at: int, instead: Mapping[int, bytes]) -> Iterator[Entry]:
    while at < len(data):
        entry = _sound(data, at) or _mended(data, at)
        if at in instead:
            entry = _entry(at, at + len(instead[at]), instead[at][_HEAD.size :])
        if entry is None:
            until = _first(data, at + 1, len(data))
            entry = _resized(data, at, until) or Entry(at, until, commits=False, state="damaged")
        yield entry
        at = entry.end


def _sound(data: bytes, at: int) -> Entry | None:
    if at + _HEAD.size >= len(data):
        return None
    length, stored = _HEAD.unpack_from(data, at)
    start, end = at + _HEAD.size, at + _HEAD.size + length
    if end > len(data) or data[start : start + 2] != _KIND or checksum(data[start:end]) != stored:
        return None
    return Entry(at, end, data[start + 2] == _COMMIT, "sound")


def _mended(data: bytes, at: int) -> Entry | None:
    """Return an entry whose length is right, and whose payload or checksum can be mended."""
    if at + _HEAD.size >= len(data):
        return None
    length, stored = _HEAD.unpack_from(data, at)
    start, end = at + _HEAD.size, at + _HEAD.size + length
    if end > len(data) or not (end == len(data) or _sound(data, end)):
        return None
    return _entry(at, end, mended(data[start:end], stored))


def _resized(data: bytes, at: int, until: int) -> Entry | None:
    """Return the entry that ends where the next one begins, if only its length was damaged."""
    start = at + _HEAD.size
    if start >= until:
        return None
    _, stored = _HEAD.unpack_from(data, at)
    payload = data[start:until]
    return _entry(at, until, payload if checksum(payload) == stored else None)


def _entry(at: int, end: int, payload: bytes | None) -> Entry | None:
    if payload is None or payload[:2] != _KIND:
        return None
    whole = _HEAD.pack(len(payload), checksum(payload)) + payload
    return Entry(at, end, payload[2] == _COMMIT, "mended", whole)


def _first(data: bytes, at: int, until: int) -> int:
    """Return the position of the first sound entry at or after a position, or the end of the log."""
    start = at + _HEAD.size
    while (start := data.find(_KIND, start, until + _HEAD.size + 2)) >= 0:
        if _sound(data, start - _HEAD.size):
            return start - _HEAD.size
        start += 1
    return len(data)


def _beginning(identifier: bytes, iteration: int) -> bytes:
    numbers = b"".join(_varint(each) for each in identifier)
    return b"%b%b\x67\x00%b\xff\xff" % (_START, numbers, _varint(iteration))


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*parts, number))


def _numbers(varints: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in varints:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
