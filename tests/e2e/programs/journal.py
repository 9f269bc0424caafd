"""What a process that will be killed did until then: kept in shared memory, which survives it."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final

LANES: Final = 2
CAPACITY: Final = 200_000
"""Frames of a lane whose times are kept; a lane ends there."""

_NUMBER: Final = struct.Struct("<q")
_HEAD: Final = 8
"""Numbers before the times: started, killed at, and emitted, taken and acknowledged for each lane."""

_STARTED, _KILLED, _EMITTED, _TAKEN, _ACKNOWLEDGED = 0, 1, 2, 4, 6


class Journal:
    """Numbers in a file that is mapped into memory.

    Args:
        path: The file; made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        size = _NUMBER.size * (_HEAD + LANES * CAPACITY)
        with path.open("a+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)

    def start(self) -> None:
        """Note that recording begins."""
        self._set(_STARTED, 1)

    @property
    def started(self) -> bool:
        """Whether recording has begun."""
        return self._get(_STARTED) == 1

    def kill(self, at_ns: int) -> None:
        """Note when the process is killed, in nanoseconds of the monotonic clock."""
        self._set(_KILLED, at_ns)

    @property
    def killed_ns(self) -> int:
        """When it was killed, in nanoseconds of the monotonic clock."""
        return self._get(_KILLED)

    def emit(self, lane: int, number: int, at_ns: int) -> None:
        """Note when a frame is emitted; the frames of a lane come in order."""
        self._set(_HEAD + lane * CAPACITY + number, at_ns)
        self._set(_EMITTED + lane, number + 1)

    def emitted(self, lane: int) -> int:
        """Return how many frames of a lane were emitted."""
        return self._get(_EMITTED + lane)

    def emitted_ns(self, lane: int, number: int) -> int:
        """Return when a frame was emitted, in nanoseconds of the monotonic clock."""
        return self._get(_HEAD + lane * CAPACITY + number)

    def take(self, lane: int, count: int) -> None:
        """Note how many frames of a lane the program has taken."""
        self._set(_TAKEN + lane, count)

    def taken(self) -> tuple[int, ...]:
        """Return how many frames the program has taken, by lane."""
        return tuple(self._get(_TAKEN + lane) for lane in range(LANES))

    def acknowledge(self, counts: tuple[int, ...]) -> None:
        """Note how many frames the recorder has promised to keep, by lane."""
        for lane, count in enumerate(counts):
            self._set(_ACKNOWLEDGED + lane, count)

    def acknowledged(self, lane: int) -> int:
        """Return how many frames of a lane the recorder has promised to keep."""
        return self._get(_ACKNOWLEDGED + lane)

    def _set(self, index: int, number: int) -> None:
        _NUMBER.pack_into(self._map, index * _NUMBER.size, number)

    def _get(self, index: int) -> int:
        (number,) = _NUMBER.unpack_from(self._map, index * _NUMBER.size)
        return int(number)
