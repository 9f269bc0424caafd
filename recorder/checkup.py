"""What is wrong with one session of a recording: its hash chain, its frames, its end, its spans.

One commit of it is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from otelstream.errors import FrameError
from otelstream.frame import StreamFrame
from recorder import chain
from recorder.commits import Commit, Connect, commits, end_row, links, older_contexts, start_row
from recorder.decoder import FrameDecoder
from recorder.ranges import NAMED, Ranges
from recorder.rows import FrameRow
from recorder.session_row import RecordedSession, SpanTotals

Level: TypeAlias = Literal["error", "warning", "info"]

_SPANS: Final = """
SELECT count(*), count(error_type), count(*) FILTER (operation = 'chat'),
       count(*) FILTER (operation = 'execute_tool' AND NOT within_tool),
       sum(input_tokens)::BIGINT, sum(output_tokens)::BIGINT
FROM stored_spans WHERE session = ?
"""
_UNSTORED: Final = frozenset({"frame", "recording"})
"""Reasons of gaps for frames that spans may have been made of."""


class Problem(NamedTuple):
    """Something about a session.

    Attributes:
        level: `error`: it is not what was recorded. `warning`: it is not all that happened. `info`: neither.
        what: A clause that says what.
    """

    level: Level
    what: str


class Comparison(Protocol):
    """Compares the spans that a session has with those that its frames make."""

    def feed(self, frame: StreamFrame) -> None:
        """Take the next frame."""

    def problems(self, connect: Connect, session: RecordedSession) -> Iterable[Problem]:
        """Return what is to be said of the spans, once all frames were taken."""


class Checkup:
    """Looks at one session; take `problems` first.

    Args:
        connect: Gives a connection to its file.
        session: The session.
        version: The format that its file has itself.
        comparison: What compares its spans with its frames, None for nothing.

    Attributes:
        frames: Frames that were looked at.
        vouched: How many of them the hash chain vouches for.
    """

    def __init__(
        self, connect: Connect, session: RecordedSession, version: int, comparison: Comparison | None = None
    ) -> None:
        self.frames = self.vouched = 0
        self._version = version
        self._comparison = comparison
        self._connect = connect
        self._session = session
        self._decoder = FrameDecoder(older_contexts(connect, session.number))
        self._digest: bytes | None = None
        self._linked = 0
        self._gaps: Counter[str] = Counter()
        self._gaps_altered = self._has_loose_contexts = False
        self._is_old = True
        self._altered, self._missing, self._repeated, self._unlinked = (Ranges() for _ in range(4))
        self._unreadable: dict[str, Ranges] = {}

    def problems(self) -> Iterator[Problem]:
        """Yield what is to be said of the session.

        Raises:
            RecordingError: The file cannot be read.
        """
        self._read()
        yield from self._of_frames()
        yield from self._of_the_chain()
        yield from self._of_the_end()
        yield from self._of_spans()

    def _read(self) -> None:
        number = self._session.number
        start = start_row(self._connect, number)
        self._digest = None if start is None else chain.first_digest(start)
        next_ordinal = 0
        for commit in commits(self._connect, number, links(self._connect, number)):
            self._link(commit)
            self._decoder.take(commit.contexts, commit.frames)
            for gap in commit.gaps:
                self._gaps[gap.reason] += gap.frames
            for row in commit.frames:
                if row.ordinal < next_ordinal:
                    self._repeated.add(row.ordinal, row.ordinal + 1)
                    continue
                self._missing.add(next_ordinal, row.ordinal)
                next_ordinal = row.ordinal + 1
                self._take(row)

    def _take(self, row: FrameRow) -> None:
        self.frames += 1
        # A frame of format 1 has its whole data, and names the frame before it or says that it has none.
        is_old = (row.data is not None or row.raw is not None) and row.previous_id is not None
        self._is_old = self._is_old and is_old
        try:
            frame = self._decoder.frame(row)
        except FrameError as error:
            known = len(self._unreadable) < NAMED or str(error) in self._unreadable
            why = str(error) if known else "other reasons"
            self._unreadable.setdefault(why, Ranges()).add(row.ordinal, row.ordinal + 1)
        else:
            if self._comparison is not None:
                self._comparison.feed(frame)

    def _link(self, commit: Commit) -> None:
        """Check a commit against its digest."""
        if commit.link is None:
            self._gaps_altered = self._gaps_altered or (self._linked > 0 and bool(commit.gaps))
            self._has_loose_contexts = self._has_loose_contexts or (
                self._linked > 0 and bool(commit.contexts) and not commit.frames
            )
            for row in commit.frames:
                self._unlinked.add(row.ordinal, row.ordinal + 1)
            return
        if self._digest is not None and commit.fits(self._digest):
            self.vouched += len(commit.frames)
        else:
            self._altered.add(self._linked, commit.link.frames)
            self._gaps_altered = self._gaps_altered or not commit.frames
        self._digest, self._linked = commit.link.digest, commit.link.frames

    def _of_frames(self) -> Iterator[Problem]:
        if self._missing:
            yield Problem("error", f"missing: {self._missing}")
        if self._repeated:
            yield Problem("error", f"stored twice: {self._repeated}")
        for why, frames in self._unreadable.items():
            yield Problem("error", f"unreadable: {frames}: {why}")
        for reason, count in sorted(self._gaps.items()):
            noun = "frame" if count == 1 else "frames"
            yield Problem("warning", f"never stored ({reason}): {count} {noun}")

    def _of_the_chain(self) -> Iterator[Problem]:
        if self._altered:
            yield Problem("error", f"the hash chain is broken: not what was recorded: {self._altered}")
        if self._gaps_altered:
            yield Problem("error", "the hash chain is broken: gaps are not what was recorded")
        if self._has_loose_contexts:
            yield Problem("error", "the hash chain does not cover some of its contexts")
        if not self._unlinked:
            return
        if self._version == 1:
            yield Problem("info", "no chain: recorded in format 1")
        elif self._linked or not self._is_old:
            yield Problem("error", f"the hash chain does not cover {self._unlinked}")
        else:
            yield Problem("warning", "no chain: recorded in format 1, or its chain was taken away")

    def _of_the_end(self) -> Iterator[Problem]:
        end = self._session.end
        if end is None or end.state == "crashed":
            live = self._session.state == "recording"
            yield Problem("info", "being recorded") if live else Problem("warning", "its process died")
        if end is None:
            return
        if end.frame_count != self.frames:
            yield Problem("error", f"it ended with {end.frame_count} frames, and {self.frames} are there")
        found = end_row(self._connect, self._session.number)
        if found is not None and self._digest is not None:
            yield from self._of_the_digest(self._digest, *found, end.state)
        if self._linked and end.frames_dropped != self._gaps.total():
            yield Problem(
                "warning",
                f"it ended with {end.frames_dropped} frames dropped, and its gaps say {self._gaps.total()}",
            )

    def _of_the_digest(
        self, before: bytes, row: tuple[Any, ...], digest: bytes | None, state: str
    ) -> Iterator[Problem]:
        if digest is not None:
            if chain.last_digest(before, row) != digest:
                yield Problem("error", "the hash chain is broken: how it ended is not what was recorded")
            return
        # Whoever marks a session as crashed knows nothing of its spans.
        has_totals = row[-len(SpanTotals._fields)] is not None
        if self._linked and (state != "crashed" or has_totals):
            yield Problem("error", "the hash chain is broken: how it ended has no digest")

    def _of_spans(self) -> Iterator[Problem]:
        number = self._session.number
        with self._connect() as connection:
            row = connection.execute(_SPANS, [number]).fetchone() or SpanTotals()
        found = end_row(self._connect, number)
        told = SpanTotals() if found is None else SpanTotals._make(found[0][-len(SpanTotals._fields) :])
        stored = SpanTotals._make(row)
        if found is None or told.span_count is None:
            if self._linked and self._session.state == "completed":
                yield Problem("error", "its spans are missing")
        elif stored.span_count != told.span_count:
            yield Problem("error", f"it has {stored.span_count} of its {told.span_count} spans")
        elif stored != told:
            pairs = zip(told._fields, told, stored, strict=True)
            names = [name for name, mine, other in pairs if mine != other]
            yield Problem("warning", f"its spans do not add up to what its end says of {', '.join(names)}")
        is_whole = not (self._missing or self._unreadable or self._altered or _UNSTORED & set(self._gaps))
        if self._comparison is not None and is_whole:
            yield from self._comparison.problems(self._connect, self._session)
