"""Counts of what was lost, by reason, and one log line for each reason: nothing is lost silently."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Final, Literal

Reason = Literal["queue_full", "redaction", "recording", "spans", "export", "after_fork", "frame"]

log: Final = logging.getLogger("otelstream")


class Losses:
    """Thread-safe counters. A sentence is logged the first time it is said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._said: set[str] = set()

    def add(self, reason: Reason, count: int, sentence: str = "") -> None:
        """Count something lost, and log why unless that was said before."""
        with self._lock:
            self._counts[reason] += count
        if sentence:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """Log a warning once."""
        with self._lock:
            new = sentence not in self._said
            self._said.add(sentence)
        if new:
            log.warning(sentence)

    def counts(self) -> dict[str, int]:
        """Return how many frames (for `export`: spans) were lost, by reason."""
        with self._lock:
            return {reason: count for reason, count in self._counts.items() if count}
