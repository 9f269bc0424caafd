"""Sessions out of a damaged recording: the frames that are what was recorded, and gaps for the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from otelstream.errors import FrameError
from recorder.bounds import Bounds
from recorder.commits import Commit, GapRow, older_contexts
from recorder.decoder import FrameDecoder
from recorder.evidence import Evidence
from recorder.items import in_order, stored
from recorder.remains import Remains
from recorder.rows import ContextRow
from recorder.session_row import Item, SessionEnd, StoredGap

DAMAGED: Final = "damaged"
"""The reason of gaps for frames that were recorded and are lost."""

_OPEN_END: Final = (
    "rows of the hash chain cannot be read and it has no end, so that nobody knows whether frames are missing"
)


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
        repeated: Rows of frames that were left out, as the frame was there already.
        gaps: Rows of gaps that were salvaged so far.
        vouched: How many of the frames the hash chain vouches for.
        lost: Ordinals of recorded frames that are lost, each range as its first and the one after its last.
        altered: Those of frames that are whole, and not what was recorded.
        notes: What else is not as it was, each as a sentence.
    """

    def __init__(self, number: int, trusted: Remains | None, doubtful: Remains | None, now: datetime) -> None:
        self.frames = self.vouched = self.repeated = self.gaps = 0
        self.lost: list[tuple[int, int]] = []
        self.altered: list[tuple[int, int]] = []
        self._number = number
        self._now = now
        self._decoder = FrameDecoder(self._older)
        self._borrowed: list[tuple[int, int]] = []  # contexts that were taken from the doubtful rows
        self._next = self._seen = self._missing = 0
        self._last: datetime | None = None
        self._evidence = Evidence(number, trusted, doubtful)
        bounds = Bounds(self._evidence, now)
        self.start, self.notes, self._end, self._seed = bounds.start, bounds.notes, bounds.end, bounds.seed
        if self._end is None and not self._evidence.is_chain_whole:
            self.notes.append(_OPEN_END)

    @property
    def is_real(self) -> bool:
        """Whether it was ever recorded: a damaged number makes a session of its own."""
        evidence, seed = self._evidence, self._seed
        if evidence.trusted is not None and self._number in evidence.trusted.numbers():
            return True
        return (seed is not None and evidence.vouches_for(seed)) or evidence.has_fitting_commit(seed)

    def items(self) -> Iterator[Item]:
        """Yield its frames and gaps, in order."""
        if self._evidence.trusted is not None:
            contexts = self._evidence.trusted.contexts_without_data(self._number)
            self._decoder.add_without_data(contexts)
        covered = 0
        for commit in self._chosen():
            covered = commit.link.frames if commit.link else covered
            yield from self._decoded(commit)
        covered = max(covered, self._seen, 0 if self._end is None else self._end.frame_count)
        if covered > self._next:
            yield self._hole(covered)

    def end(self) -> SessionEnd:
        """Return how it ended, with what was lost counted; `crashed` if that is lost."""
        if self._end is None:
            ended_at = self._last or self.start.started_at
            return SessionEnd(ended_at, "crashed", self.frames, self._missing, None, None, None, None, None)
        lost = sum(until - first for first, until in self.lost)
        dropped = self._end.frames_dropped + lost
        return replace(self._end, frame_count=self.frames, frames_dropped=dropped)

    def _chosen(self) -> Iterator[Commit]:
        """Yield of each commit the rows that the chain vouches for, else those that can be trusted."""
        before, covered = self._seed, (0, 0)
        for mine, other in self._evidence.pairs():
            link = (mine or other).link  # type: ignore[union-attr]  # one of both is there
            fitting = [each for each in (mine, other) if each and before and each.fits(before)]
            if fitting:
                self.vouched += len(fitting[0].frames)
                if link and fitting[0] is not mine:
                    self._borrow(covered[1], link.contexts)
                yield fitting[0]
            elif mine is not None:
                if before:
                    self._tell_altered(mine, *covered)
                yield mine
            elif link:
                yield Commit(link, [], [], [])
            if link:
                before, covered = link.digest, (link.frames, link.contexts)

    def _tell_altered(self, commit: Commit, frames: int, contexts: int) -> None:
        """Take note of a commit of which all rows are there, but not as they were."""
        link = commit.link
        if link is None or self._evidence.chain is not self._evidence.trusted:
            return
        is_whole = (len(commit.frames), len(commit.contexts)) == (
            link.frames - frames,
            link.contexts - contexts,
        )
        if is_whole and commit.frames:
            self.altered.append((frames, link.frames))
        elif is_whole:
            self.notes.append(f"gaps before frame {frames} are not what was recorded")

    def _decoded(self, commit: Commit) -> Iterator[Item]:
        self._decoder.take(commit.contexts, commit.frames)
        for row in in_order(commit):
            if isinstance(row, GapRow):
                self._missing += row.frames
                self.gaps += 1
                yield StoredGap(row.frames, row.reason, row.noticed_at)
            elif row.ordinal < self._next:
                self.repeated += 1
            else:
                self._seen = row.ordinal + 1
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
        evidence = self._evidence
        borrowed = [any(first <= number < until for first, until in self._borrowed) for number in numbers]
        for remains, is_borrowed in ((evidence.trusted, False), (evidence.doubtful, True)):
            wanted = [number for number, each in zip(numbers, borrowed, strict=True) if each is is_borrowed]
            if remains is not None and wanted:
                yield from older_contexts(remains.connect, self._number)(wanted)

    def _hole(self, until: int) -> StoredGap:
        count = until - self._next
        self.lost.append((self._next, until))
        self._missing += count
        self._next = until
        return StoredGap(count, DAMAGED, self._now)
