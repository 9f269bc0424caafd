"""Sessions out of a damaged recording: the frames that are what was recorded, and gaps for the others."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Final

from otelstream.errors import FrameError
from otelstream.frame import datetime_ns
from recorder import chain
from recorder.commits import Commit, GapRow, Link, commits, end_row, links, older_contexts, start_row
from recorder.decoder import FrameDecoder
from recorder.items import Item, StoredGap, in_order, stored
from recorder.remains import Remains
from recorder.rows import ContextRow
from recorder.session_row import SessionEnd, SessionStart

DAMAGED: Final = "damaged"
"""The reason of gaps for frames that were recorded and are lost."""


class Salvaged:
    """A session as far as it can be salvaged. Take `items` first; what was lost is known afterwards.

    Args:
        number: Its number.
        trusted: Rows that are what was written; None if there are none.
        doubtful: Rows that may be wrong; None if they are not needed.
        now: When this is, naive UTC.

    Attributes:
        start: How it started, made up if that is lost.
        frames: Frames that were salvaged so far.
        vouched: How many of them the hash chain vouches for.
        lost: Ordinals of recorded frames that are lost, each range as its first and the one after its last.
        altered: Those of frames that are whole, and not what was recorded.
        notes: What else is not as it was, each as a sentence.
    """

    def __init__(self, number: int, trusted: Remains | None, doubtful: Remains | None, now: datetime) -> None:
        self.frames = self.vouched = 0
        self.lost: list[tuple[int, int]] = []
        self.altered: list[tuple[int, int]] = []
        self.notes: list[str] = []
        self._number = number
        self._trusted = trusted
        self._doubtful = doubtful
        self._now = now
        self._decoder = FrameDecoder(self._older)
        self._borrowed: list[tuple[int, int]] = []  # contexts that were taken from the doubtful rows
        self._next = 0
        self._gaps = 0
        self._last: datetime | None = None
        whole = trusted is not None and (trusted.has_whole_chain or doubtful is None)
        self._chain = trusted if whole else doubtful
        self._seed: bytes | None = None
        self.start = self._found_start() or self._made_up_start()
        self._end = self._found_end()

    @property
    def is_real(self) -> bool:
        """Whether it was ever recorded: a damaged number makes a session of its own."""
        if self._trusted is not None and self._number in self._trusted.numbers():
            return True
        return self._is_vouched() or any(self._fitting())

    def items(self) -> Iterator[Item]:
        """Yield its frames and gaps, in order."""
        if self._trusted is not None:
            self._decoder.add_without_data(self._trusted.contexts_without_data(self._number))
        covered = 0
        for commit in self._chosen():
            covered = commit.link.frames if commit.link else covered
            yield from self._decoded(commit)
        if self._end is not None:
            covered = max(covered, self._end.frame_count)
        if covered > self._next:
            yield self._hole(covered)

    def end(self) -> SessionEnd:
        """Return how it ended, with what was lost counted; `crashed` if that is lost."""
        if self._end is None:
            ended_at = self._last or self.start.started_at
            return SessionEnd(ended_at, "crashed", self.frames, self._gaps, None, None, None, None, None)
        lost = sum(until - first for first, until in self.lost)
        dropped = self._end.frames_dropped + lost
        return replace(self._end, frame_count=self.frames, frames_dropped=dropped)

    def _chosen(self) -> Iterator[Commit]:
        """Yield of each commit the rows that the chain vouches for, else those that can be trusted."""
        before, covered = self._seed, (0, 0)
        for mine, other in self._pairs():
            link = (mine or other).link  # type: ignore[union-attr]  # one of both is there
            fitting = [each for each in (mine, other) if each and before and each.fits(before)]
            if fitting:
                self.vouched += len(fitting[0].frames)
                if link and fitting[0] is not mine:
                    self._borrow(covered[1], link.contexts)
                yield fitting[0]
            elif mine is not None:
                whole = link and (len(mine.frames), len(mine.contexts)) == (
                    link.frames - covered[0],
                    link.contexts - covered[1],
                )
                if link and whole and before and self._chain is self._trusted:
                    self.altered.append((covered[0], link.frames))
                yield mine
            elif link:
                yield Commit(link, [], [], [])
            if link:
                before, covered = link.digest, (link.frames, link.contexts)

    def _pairs(self) -> Iterator[tuple[Commit | None, Commit | None]]:
        """Yield each commit as it can be trusted, and as it may be."""
        return zip_longest(self._commits(self._trusted), self._commits(self._doubtful))

    def _commits(self, remains: Remains | None) -> Iterator[Commit]:
        if remains is None or self._chain is None:
            return iter(())
        return commits(remains.connect, self._number, links(self._chain.connect, self._number))

    def _decoded(self, commit: Commit) -> Iterator[Item]:
        self._decoder.take(commit.contexts, commit.frames)
        for row in in_order(commit):
            if isinstance(row, GapRow):
                self._gaps += row.frames
                yield StoredGap(row.frames, row.reason, row.noticed_at)
            elif row.ordinal >= self._next:  # else it is there twice
                try:
                    frame = self._decoder.frame(row)
                except FrameError:
                    continue  # a hole, that ends with the next frame
                if row.ordinal > self._next:
                    yield self._hole(row.ordinal)
                self._next = row.ordinal + 1
                self._last = max(row.timestamp, self._last or row.timestamp)
                self.frames += 1
                yield stored(row, frame)

    def _borrow(self, first: int, until: int) -> None:
        """Take note that contexts were taken from the doubtful rows."""
        if self._borrowed and self._borrowed[-1][1] == first:
            first, _ = self._borrowed.pop()
        self._borrowed.append((first, until))

    def _older(self, numbers: list[int]) -> Iterator[ContextRow]:
        """Yield contexts of earlier commits, each from the rows that its commit was taken from."""
        borrowed = [any(first <= number < until for first, until in self._borrowed) for number in numbers]
        for remains, is_borrowed in ((self._trusted, False), (self._doubtful, True)):
            wanted = [number for number, each in zip(numbers, borrowed, strict=True) if each is is_borrowed]
            if remains is not None and wanted:
                yield from older_contexts(remains.connect, self._number)(wanted)

    def _hole(self, until: int) -> StoredGap:
        count = until - self._next
        self.lost.append((self._next, until))
        self._gaps += count
        self._next = until
        return StoredGap(count, DAMAGED, self._now)

    def _found_start(self) -> SessionStart | None:
        for remains in filter(None, (self._trusted, self._doubtful)):
            row = start_row(remains.connect, self._number)
            if row is not None:
                self._seed = chain.first_digest(row)
                if remains is self._doubtful and not self._is_vouched():
                    self.notes.append("how it started may not be what was recorded")
                return SessionStart(*row[1:])
        found, lost = self._partial("session_starts", "session_id", "started_at")
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
        for remains in filter(None, (self._trusted, self._doubtful)):
            first = first or remains.first_frame(self._number)
        moment, offset_ns = first or (self._now, 0)
        try:
            started_at = moment - timedelta(microseconds=offset_ns // 1000)
        except OverflowError:
            started_at = moment
        return _unknown_start(_made_up_id(started_at, self._number), started_at)

    def _found_end(self) -> SessionEnd | None:
        last = self._last_link()
        before = (self._seed if last is None else last.digest) or b""
        if self._trusted is not None and (found := end_row(self._trusted.connect, self._number)):
            row, digest = found
            end = _end_of(row)
            is_covered = digest is not None and (last is None or last.frames == end.frame_count)
            if is_covered and chain.last_digest(before, row) != digest:
                self.notes.append("how it ended is not what was recorded")
            return end
        if self._doubtful is not None and (found := end_row(self._doubtful.connect, self._number)):
            row, digest = found
            if chain.last_digest(before, row) == digest:
                return _end_of(row)
        partial, lost = self._partial("session_ends", "state", "ended_at")
        if partial is None:
            return None
        self.notes.append(f"of how it ended is lost: {', '.join(lost)}")
        known = {field.name: partial[field.name] for field in fields(SessionEnd)}
        return SessionEnd(**{**known, "frames_dropped": known["frames_dropped"] or 0, "frame_count": 0})

    def _partial(self, table: str, *needed: str) -> tuple[dict[str, Any] | None, list[str]]:
        """Return what can be trusted of a row, and the names of what is lost; None if too much is."""
        found = None if self._trusted is None else self._trusted.partial(table, self._number)
        if found is None or any(found[0].get(name) is None for name in needed):
            return None, []
        return found

    def _last_link(self) -> Link | None:
        """Return the last commit that the chain knows."""
        last = None
        if self._chain is not None:
            for link in links(self._chain.connect, self._number):
                last = link
        return last

    def _is_vouched(self) -> bool:
        """Whether the chain vouches for the start, through what came next."""
        if self._seed is None:
            return False
        for mine, other in self._pairs():
            if any(each is not None and each.fits(self._seed) for each in (mine, other)):
                return True
            break
        ends = [end_row(each.connect, self._number) for each in (self._trusted, self._doubtful) if each]
        return any(end is not None and chain.last_digest(self._seed, end[0]) == end[1] for end in ends)

    def _fitting(self) -> Iterator[bool]:
        before = self._seed
        for commit in self._commits(self._doubtful):
            if commit.link is not None:
                yield before is not None and commit.fits(before)
                before = commit.link.digest


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
