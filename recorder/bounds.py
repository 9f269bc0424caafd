"""How a session of a damaged recording started and how it ended, as far as that can be known."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from otelstream.frame import datetime_ns
from recorder import chain
from recorder.commits import end_row, start_row
from recorder.evidence import Evidence
from recorder.session_row import SessionEnd, SessionStart

_UNCHECKED = "how it ended cannot be checked, as rows of the hash chain cannot be read"
_CHANGED = "how it ended is not what was recorded"
_LOST = "how it ended is lost"
_MAYBE_LOST = "how it ended, if it did, is lost"


class Bounds:
    """The start and the end of a session.

    Args:
        evidence: What is left of the session.
        now: When this is, naive UTC.

    Attributes:
        start: How it started, made up if that is lost.
        seed: The first digest of its chain; None if that is lost.
        end: How it ended, None if that is not known.
        notes: What is not as it was, each as a clause.
    """

    def __init__(self, evidence: Evidence, now: datetime) -> None:
        self.notes: list[str] = []
        self.seed: bytes | None = None
        self._evidence = evidence
        self._now = now
        self.start = self._found_start() or self._made_up_start()
        self.end = self._found_end()

    def _found_start(self) -> SessionStart | None:
        evidence = self._evidence
        for remains in evidence.sources:
            row = start_row(remains.connect, evidence.number)
            if row is not None:
                self.seed = chain.first_digest(row)
                if remains is evidence.doubtful and not evidence.vouches_for(self.seed):
                    self.notes.append("how it started may not be what was recorded")
                return SessionStart(*row[1:])
        found, lost = evidence.partial("session_starts", "session_id", "started_at")
        if found is None:
            return None
        self.notes.append(f"of how it started is lost: {', '.join(lost)}")
        return replace(
            _unknown_start(found["session_id"], found["started_at"]),
            **{field.name: found[field.name] for field in fields(SessionStart) if field.name not in lost},
        )

    def _made_up_start(self) -> SessionStart:
        self.notes.append("how it started is lost; its id and the time are made up from its first frame")
        first = None
        for remains in self._evidence.sources:
            first = first or remains.first_frame(self._evidence.number)
        moment, offset_ns = first or (self._now, 0)
        try:
            started_at = moment - timedelta(microseconds=offset_ns // 1000)
        except OverflowError:
            started_at = moment
        return _unknown_start(_made_up_id(started_at, self._evidence.number), started_at)

    def _found_end(self) -> SessionEnd | None:
        trusted, doubtful = self._rows()
        if trusted is not None:
            row, digest = trusted
            if digest is not None and chain.last_digest(self._last_digest(), row) != digest:
                self._end_does_not_fit(frames=_end_of(row).frame_count)
            return _end_of(row)
        if doubtful is not None and chain.last_digest(self._last_digest(), doubtful[0]) == doubtful[1]:
            return _end_of(doubtful[0])
        partial, lost = self._evidence.partial("session_ends", "state", "ended_at")
        if partial is None:
            self._end_is_missing(may_be_doubtful=doubtful is not None)
            return None
        self.notes.append(f"of how it ended is lost: {', '.join(lost)}")
        known = {field.name: partial[field.name] for field in fields(SessionEnd)}
        return SessionEnd(**{**known, "frames_dropped": known["frames_dropped"] or 0, "frame_count": 0})

    def _rows(self) -> list[tuple[tuple[Any, ...], bytes | None] | None]:
        """Return its end as it can be trusted, and as it may be."""
        evidence = self._evidence
        return [
            None if remains is None else end_row(remains.connect, evidence.number)
            for remains in (evidence.trusted, evidence.doubtful)
        ]

    def _last_digest(self) -> bytes:
        last = self._evidence.last_link()
        return (self.seed if last is None else last.digest) or b""

    def _end_does_not_fit(self, frames: int) -> None:
        """Say whether that is known to be a change, or whether what it should fit is lost."""
        last = self._evidence.last_link()
        if not self._evidence.is_chain_whole or (last is None and self.seed is None):
            self.notes.append(_UNCHECKED)
        elif last is None or last.frames == frames:
            self.notes.append(_CHANGED)

    def _end_is_missing(self, *, may_be_doubtful: bool) -> None:
        """Say that it is lost, unless it never was."""
        evidence = self._evidence
        unreadable = evidence.sources[0].unreadable["session_ends"]
        if may_be_doubtful or (unreadable and unreadable >= evidence.sources[0].without_end()):
            self.notes.append(_LOST)
        elif unreadable:
            self.notes.append(_MAYBE_LOST)


def _unknown_start(session_id: uuid.UUID, started_at: datetime) -> SessionStart:
    return SessionStart(
        session_id=session_id,
        started_at=started_at,
        mode="sync",
        name=None,
        entry_point=None,
        conversation_id=None,
        recorded_as="",
        redacted=False,
        parent_trace_id=None,
        parent_span_id=None,
        parent_sampled=None,
        service_name=None,
        host="",
        pid=0,
        otelstream_version="",
        crewai_version=None,
        python_version="",
    )


def _made_up_id(started_at: datetime, number: int) -> uuid.UUID:
    """Return a UUIDv7 of that time, the same one each time."""
    rest = int.from_bytes(hashlib.sha256(f"{started_at} {number}".encode()).digest()[:10], "big")
    value = (datetime_ns(started_at) // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | rest
    return uuid.UUID(int=value & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def _end_of(row: tuple[Any, ...]) -> SessionEnd:
    return SessionEnd(*row[1 : 1 + len(fields(SessionEnd))])
