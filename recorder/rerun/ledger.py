"""Which recorded call answers which live one, each once: by causal path, request and occurrence.

Pure, but for a lock: parallel branches ask at the same time.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from recorder.causal import CausalPath
from recorder.rerun.calls import RecordedCall
from recorder.rerun.requests import Kind, Request


class Ledger:
    """The recorded calls that may be served, and what became of them.

    Args:
        calls: The calls of the kinds that are served, in the order of the recording.
    """

    def __init__(self, calls: Iterable[RecordedCall]) -> None:
        self._calls = list(calls)
        self._lock = threading.Lock()
        self._free: dict[tuple[CausalPath, str], list[RecordedCall]] = defaultdict(list)
        for call in self._calls:
            self._free[call.name.path, call.request.digest].append(call)
        self._used: set[int] = set()
        self._passed: set[int] = set()

    def take(self, path: CausalPath, request: Request) -> RecordedCall | None:
        """Return the next recorded call of this request at this place, once; None if there is none.

        One that has the same ids, too, comes before the others: those of a program's own data do not change.
        """
        with self._lock:
            free = self._free.get((path, request.digest), [])
            while free and free[0].ordinal in self._passed:
                del free[0]
            if not free:
                return None
            at = next((at for at, call in enumerate(free) if self._is_exact(call, request)), 0)
            call = free.pop(at)
            self._used.add(call.ordinal)
            return call

    def _is_exact(self, call: RecordedCall, request: Request) -> bool:
        return call.request.exact == request.exact and call.ordinal not in self._passed

    def pass_over(self, tool_call: RecordedCall) -> None:
        """Take note that the calls inside a tool call will not be made, as its body does not run."""
        with self._lock:
            inside = {call.ordinal for call in self._calls if tool_call.ordinal in call.inside}
            self._passed |= inside - self._used

    def served(self) -> list[RecordedCall]:
        """Return the calls that were taken, in the order of the recording."""
        with self._lock:
            return [call for call in self._calls if call.ordinal in self._used]

    def unused(self, kind: Kind | None = None) -> list[RecordedCall]:
        """Return the calls that were not, but for those inside tools that did not run."""
        with self._lock:
            done = self._used | self._passed
        return [
            call for call in self._calls if call.ordinal not in done and kind in (None, call.request.kind)
        ]
