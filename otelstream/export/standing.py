"""How many spans and runs have begun and not ended in this process: a state that is asked for, not a sum.

What is asked for cannot drift: an instrument that fails now and then takes nothing from it, and a forked
process does not carry on what is open in its parent.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final, TypeAlias

About: TypeAlias = tuple[tuple[str, str], ...]
"""Attributes of a run, as pairs."""

REMEMBERED_RUNS: Final = 1_000
"""Kinds of runs that are told to be none, after they were some."""


class Standing:
    """Thread-safe counts of what is open, for the sessions of one meter provider."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start afresh, as a forked process does; whoever held the lock is not here."""
        self._lock = threading.Lock()
        self._spans = 0
        self._runs: Counter[About] = Counter()

    def add_spans(self, change: int) -> None:
        """Count spans that have begun, or with a negative number that have ended."""
        with self._lock:
            self._spans += change

    def begin_run(self, about: About) -> None:
        """Count a run that has begun."""
        with self._lock:
            self._runs[about] += 1

    def end_run(self, about: About) -> None:
        """Count it off."""
        with self._lock:
            self._runs[about] -= 1
            if len(self._runs) > REMEMBERED_RUNS:
                self._runs = +self._runs

    @property
    def spans(self) -> int:
        """How many spans are open."""
        return self._spans

    @property
    def runs(self) -> Mapping[About, int]:
        """How many runs are active, by their attributes; 0 where there were some before."""
        with self._lock:
            return dict(self._runs)
