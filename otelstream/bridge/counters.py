"""Counts of what was lost, by reason, and one log line for each cause: nothing is lost silently."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal

from otelstream.errors import OtelstreamError
from otelstream.redact import Redactor

Reason = Literal[
    "queue_full",
    "redaction",
    "recording",
    "spans",
    "export",
    "logs",
    "metrics",
    "after_fork",
    "after_shutdown",
    "after_end",
    "no_thread",
    "frame",
]
"""What was lost. It counts frames; `export` counts spans, `logs` log records, `metrics` failed exports."""


MAX_CAUSES: Final = 1_000
"""Causes that are remembered, and so logged; beyond that there is nothing new to say."""

log: Final = logging.getLogger("otelstream")


class Losses:
    """Thread-safe counters of one process. A cause is logged the first time it occurs.

    Attributes:
        seen: How many frames were handled.
        queued: Returns how many frames wait to be handled.
    """

    def __init__(self) -> None:
        self._redactor = Redactor()
        self.reset()

    def reset(self) -> None:
        """Start afresh, as a forked process does; whoever held the lock is not here."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._said: set[str] = set()
        self.seen = 0
        self.queued: Callable[[], int] = int

    def waiting(self) -> int:
        """Return how many frames wait to be handled."""
        return self.queued()

    def add(self, reason: Reason, count: int, sentence: str = "") -> None:
        """Count something lost, and log the sentence unless it was logged before."""
        with self._lock:
            self._counts[reason] += count
        if sentence:
            self.say(sentence)

    def failed(self, reason: Reason, count: int, error: BaseException) -> None:
        """Count what an exception cost, and log it unless the same cause was logged before.

        Our own errors say which file it was. Of others only the first of a reason is logged, and only its
        class: the text may quote what a frame held.
        """
        self.add(reason, count)
        own = isinstance(error, OtelstreamError)
        text = str(error) if own else type(error).__name__
        cause = text if own else reason
        self.say(f"{reason} failed, the observed run goes on without it: {text}", cause)

    def say(self, sentence: str, cause: str = "") -> None:
        """Log a warning once per cause; secrets in it are masked."""
        with self._lock:
            new = (cause or sentence) not in self._said and len(self._said) < MAX_CAUSES
            if new:
                self._said.add(cause or sentence)
        if new:
            log.warning(self._redactor.redact_text(sentence))

    def counts(self) -> dict[str, int]:
        """Return how much was lost, by reason."""
        with self._lock:
            return {reason: count for reason, count in self._counts.items() if count}
