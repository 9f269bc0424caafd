"""A process that ends while our thread is in DuckDB, which it has to leave before the interpreter ends.

A thread that comes back from DuckDB when the interpreter is gone is ended there, and with it the process: by
`abort`, and so with another exit code than the program's.
"""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import suppress
from typing import Final

PROMPT_S: Final = 1.0
"""If it took the thread longer to take notice, the disk is slow, and no further commit is begun."""


class Leaving:
    """Tells our thread that it has no more time, and the one that ends the process that ours is out.

    Attributes:
        left: Set when our thread is out of DuckDB for good.
    """

    def __init__(self) -> None:
        self.left = threading.Event()
        self._since: float | None = None

    def begin(self) -> None:
        """From now on nothing more is handled, and what is not is counted."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def has_begun(self) -> bool:
        """Whether there is no more time."""
        return self._since is not None

    @property
    def may_write(self) -> bool:
        """Whether there is time for one commit more, so that the recording says what is missing."""
        return self._since is None or time.monotonic() - self._since < PROMPT_S


def survive_a_late_return() -> None:
    """Let a thread wait for ever that comes back too late, where it would abort the process.

    Python before 3.14 ends such a thread by unwinding its stack, which C++ takes for an exception that must
    not pass: it terminates. Where this cannot be had (no libstdc++), nothing changes.
    """
    with suppress(OSError, AttributeError):
        set_terminate = ctypes.CDLL("libstdc++.so.6")["_ZSt13set_terminatePFvvE"]
        set_terminate.restype = ctypes.c_void_p
        set_terminate(ctypes.cast(ctypes.CDLL(None)["pause"], ctypes.c_void_p))
