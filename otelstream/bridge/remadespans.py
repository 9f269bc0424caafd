"""The spans that frames make, beside those that a recording has: the hash chain does not cover spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otelstream.bridge.spanrows import SpanRows
from otelstream.bridge.storedspans import StoredSpans
from otelstream.frame import Outcome, OutcomeState, StreamFrame, datetime_ns
from otelstream.span.rules import Pair
from recorder.checkup import Problem
from recorder.commits import Connect
from recorder.rows import utf8
from recorder.session_row import RecordedSession, SpanRow

_STATES: Final[dict[str, OutcomeState]] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


class RemadeSpans:
    """Makes the spans of one session anew, and compares. Only their hashes are kept.

    Args:
        rows: Start and end types of the user's own.
    """

    def __init__(self, rows: Sequence[Pair] = ()) -> None:
        self._has_rows = bool(rows)
        self._spans = SpanRows(rows)
        self._ended: Counter[int] = Counter()

    def feed(self, frame: StreamFrame) -> None:
        """Take the next frame."""
        self._ended += _hashes(self._spans.feed(frame))

    def problems(self, connect: Connect, session: RecordedSession) -> Iterator[Problem]:
        """Yield what is to be said of the spans that the recording has, once all frames were taken."""
        stored = StoredSpans(connect, session.number)
        found = sum((_hashes(batch) for batch in stored.rows()), Counter[int]())
        if not found:
            return
        if not self._has_rows and stored.are_of_own_types():
            yield Problem(
                "info", "its spans are of frame types of the user's own: compared with OTELSTREAM_ROWS only"
            )
            return
        everything = self._ended + _hashes(self._spans.close(_outcome(session)))
        is_open = session.end is None or session.end.state == "crashed"
        other = (found - everything).total()
        missing = ((self._ended if is_open else everything) - found).total()
        if other or missing:
            yield Problem(
                "warning",
                f"{other} of its {found.total()} spans are not what its frames make, and {missing} that they"
                " make are missing (the frames are not concerned)",
            )


def _hashes(rows: Iterable[SpanRow]) -> Counter[int]:
    texts = (tuple(utf8(value) if isinstance(value, str) else value for value in row) for row in rows)
    return Counter(map(hash, texts))


def _outcome(session: RecordedSession) -> Outcome:
    end = session.end
    if end is None:
        return Outcome("cut", session.last_ns or datetime_ns(session.start.started_at))
    return Outcome(
        _STATES.get(end.state, "cut"), datetime_ns(end.ended_at), end.error_type, end.error_message
    )
