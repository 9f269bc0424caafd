"""A fork waits until nothing is being measured: the locks of the SDK's instruments are copied as they are.

One that is taken would never be released in the child, which waits for ever if it measures there.
"""

from __future__ import annotations

import os
import threading
from typing import Final

WAIT_S: Final = 1.0
"""How long a fork waits at most, in seconds."""


class Measuring:
    """A context in which measurements are made; a fork begins outside of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forking: int | None = None

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        """Wait until nothing is being measured, and let nothing begin."""
        if self._lock.acquire(timeout=WAIT_S):
            self._forking = threading.get_ident()

    def after_fork(self) -> None:
        """Go on. Of two threads that fork, only the one that came first has something to release."""
        if self._forking == threading.get_ident():
            self._forking = None
            self._lock.release()

    def in_child(self) -> None:
        """Start afresh: whoever held the lock is not here."""
        self._lock = threading.Lock()
        self._forking = None


MEASURING: Final = Measuring()

os.register_at_fork(
    before=MEASURING.before_fork, after_in_parent=MEASURING.after_fork, after_in_child=MEASURING.in_child
)
