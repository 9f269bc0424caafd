"""The blocks of a DuckDB file, beneath DuckDB: which are damaged, which can be mended, how to read the rest.

Only ever used on a copy. The little that is known of the layout proves itself on the file: what counts as
sound has the checksum that DuckDB stored.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from recorder import checksums
from recorder.checksums import checksum, mended

HEADER_BYTES: Final = 4_096
IDENTIFIER: Final = slice(124, 140)
"""Where the first header has what ties a WAL to the file."""

FIRST_BLOCK: Final = 3 * HEADER_BYTES
"""Before it are a header that never changes and two that checkpoints write in turn."""

_MAGIC: Final = b"DUCK"
_STATE: Final = struct.Struct("<8xQ16xQQ")
_USED: Final = {0: 144, HEADER_BYTES: 64, 2 * HEADER_BYTES: 64}
"""So many bytes of a header are used, and the rest is zero."""

_SIZES: Final = [1 << power for power in range(14, 19)]


@dataclass(frozen=True, slots=True)
class State:
    """One of the two headers that checkpoints write in turn.

    Attributes:
        at: Where it stands in the file.
        iteration: Number of the checkpoint.
        blocks: Blocks that the file had then.
        block_bytes: Bytes of a block.
        sound: Whether its checksum fits.
    """

    at: int
    iteration: int
    blocks: int
    block_bytes: int
    sound: bool

    @property
    def is_possible(self) -> bool:
        """Whether it can be what a checkpoint wrote."""
        return self.sound or (self.block_bytes in _SIZES and 0 < self.iteration < 1 << 48)


@dataclass(slots=True)
class Blocks:
    """What was found in a file, and done to it.

    Attributes:
        identifier: What ties a WAL to the file.
        states: The checkpoints that it knows, the last one first.
        missing: Bytes that are missing at its end.
        mended: Where damage was mended: positions of blocks.
        damaged: Where there is damage that could not be mended.
        empty: Blocks of nothing but zeros, which were never used, or are lost.
    """

    identifier: bytes = b""
    states: list[State] = field(default_factory=list)
    missing: int = 0
    mended: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)

    @property
    def block_bytes(self) -> int:
        """Bytes of a block, 0 if that is lost."""
        return self.states[0].block_bytes if self.states else 0


def mend(path: Path) -> Blocks | None:
    """Mend what can be mended in a file, fill up its end, and tell what was found; None if it is no database.

    Without its first header it still is one; see `give_header`.

    Raises:
        OSError: The file cannot be read or written.
    """
    found = Blocks()
    with path.open("r+b") as file:
        if not _mend_headers(file, found):
            return None
        size, last = file.seek(0, 2), found.states[0]
        whole = -(-(size - FIRST_BLOCK) // last.block_bytes) * last.block_bytes
        expected = FIRST_BLOCK + (last.blocks * last.block_bytes if last.sound else max(0, whole))
        if size < expected:
            found.missing = expected - size
            file.truncate(expected)  # zeros stand for what is missing
        for at in range(FIRST_BLOCK, expected, last.block_bytes):
            _mend(file, at, last.block_bytes, found)
    return found


def alternatives(path: Path, at: int, found: Blocks) -> list[bytes]:
    """Return what a damaged block may have been, each with its checksum."""
    with path.open("rb") as file:
        data = _read(file, at, found.block_bytes)
    known = checksums.alternatives(data[8:], int.from_bytes(data[:8], "little"))
    return [checksum(each).to_bytes(8, "little") + each for each in known]


def write(path: Path, at: int, block: bytes) -> None:
    """Write a block."""
    with path.open("r+b") as file:
        _write(file, at, block)


def give_header(path: Path, header: bytes, identifier: bytes) -> None:
    """Put the first header of another file, made alike, in the place of a damaged one.

    Args:
        path: The file.
        header: The other file's header.
        identifier: What ties the file's WAL to it; empty if there is none.
    """
    data = bytearray(header)
    data[IDENTIFIER] = identifier or data[IDENTIFIER]
    with path.open("r+b") as file:
        _write(file, 0, checksum(bytes(data[8:])).to_bytes(8, "little") + bytes(data[8:]))


def seal(path: Path, found: Blocks) -> None:
    """Make damaged blocks pass for sound, so that DuckDB reads what is in them, right or wrong."""
    with path.open("r+b") as file:
        for at in (*found.damaged, *found.empty):
            length = HEADER_BYTES if at < FIRST_BLOCK else found.block_bytes
            data = _read(file, at, length)
            _write(file, at, checksum(data[8:]).to_bytes(8, "little"))


def go_back(path: Path, found: Blocks) -> bool:
    """Make a file the one that it was before its last checkpoint; return whether it knows that."""
    if len(found.states) < 2 or not found.states[1].sound:
        return False
    with path.open("r+b") as file:
        last, before = found.states[:2]
        _write(file, last.at, _read(file, before.at, HEADER_BYTES))
    return True


def _mend_headers(file: BinaryIO, found: Blocks) -> bool:
    for at in _USED:
        _mend(file, at, HEADER_BYTES, found)
    first = _read(file, 0, HEADER_BYTES)
    found.identifier = first[IDENTIFIER]
    states = [_state(file, at, found) for at in (HEADER_BYTES, 2 * HEADER_BYTES)]
    known = sorted((state for state in states if state.is_possible), key=lambda state: state.iteration)
    if len(known) == 2 and not known[1].sound and known[1].iteration != known[0].iteration + 1:
        del known[1]  # its number is damaged, too
    found.states = known[::-1]
    if found.states and found.states[0].sound:
        for state in states:
            if not state.sound:  # DuckDB wants two
                _write(file, state.at, _read(file, found.states[0].at, HEADER_BYTES))
    is_database = first[8:12] == _MAGIC or any(state.sound for state in states)
    return is_database and bool(found.states)


def _state(file: BinaryIO, at: int, found: Blocks) -> State:
    iteration, blocks, block_bytes = _STATE.unpack_from(_read(file, at, HEADER_BYTES))
    return State(at, iteration, blocks, block_bytes, at not in found.damaged)


def _mend(file: BinaryIO, at: int, length: int, found: Blocks) -> None:
    """Mend one header or block, if it is damaged, and take note of it."""
    data = _read(file, at, length)
    stored = int.from_bytes(data[:8], "little")
    if not any(data) and at >= FIRST_BLOCK:
        found.empty.append(at)
        return
    if checksum(data[8:]) == stored:
        return
    used = data[8 : _USED.get(at, length)]  # zeros behind it change no checksum
    original = used if checksum(used) == stored else mended(used, stored)
    if original is None:
        found.damaged.append(at)
    else:
        found.mended.append(at)
        _write(file, at, checksum(original).to_bytes(8, "little") + original.ljust(length - 8, b"\0"))


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length).ljust(length, b"\0")


def _write(file: BinaryIO, at: int, data: bytes) -> None:
    file.seek(at)
    file.write(data)
