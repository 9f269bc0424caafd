"""Token frames of one span as few span events, with none of them uncounted, and the times between them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from otelstream.frame import FrameLike, timestamp_ns
from otelstream.span import names
from otelstream.span.events import envelope
from otelstream.span.model import AddEvent, AttributeValue, Gap
from otelstream.span.scalars import text

ChunkEvents: TypeAlias = Literal["coalesced", "all", "off"]
ChunkKind: TypeAlias = Literal["text", "thinking", "tool_call"]

MAX_EVENTS: Final = 100
"""Most events that the chunks of one span become; OpenTelemetry's default limit is 128 events a span."""

MAX_STALLS: Final = 10
"""Most stalls of one span that become events; all are counted."""

OTHER_EVENTS: Final = 18
"""Events of a span with chunks that are kept free for frames that are neither chunks nor stalls."""

GAP_ACCURACY: Final = 0.001
"""How exactly the times between chunks are kept, relative to each: in buckets, so memory stays bounded."""

_LOG_STEP: Final = math.log1p(2 * GAP_ACCURACY)


def kind_of(frame: FrameLike) -> ChunkKind:
    """Return what a chunk frame carries a piece of: an answer's text, thinking, or a tool call."""
    if frame.type == "llm_thinking_chunk":
        return "thinking"
    return (
        "tool_call" if frame.data.get("call_type") == "tool_call" or frame.data.get("tool_call") else "text"
    )


@dataclass(slots=True)
class Gaps:
    """Times between successive chunks, in buckets of equal relative width."""

    count: int = 0
    total_ns: int = 0
    longest_ns: int = 0
    _buckets: Counter[int] = field(default_factory=Counter)

    def add(self, ns: int) -> None:
        """Take one, in nanoseconds; a clock that ran backwards counts as no time."""
        ns = max(0, ns)
        self.count += 1
        self.total_ns += ns
        self.longest_ns = max(self.longest_ns, ns)
        self._buckets[round(math.log(ns) / _LOG_STEP) if ns else -1] += 1

    def buckets(self) -> Iterator[Gap]:
        """Return them from the shortest to the longest, each within `GAP_ACCURACY` of its true time."""
        for bucket, count in sorted(self._buckets.items()):
            ns = round(math.exp(bucket * _LOG_STEP)) if bucket >= 0 else 0
            yield Gap(min(ns, self.longest_ns), count)

    def percentile(self, share: float) -> int:
        """Return the ns that this share of the gaps does not exceed (nearest rank), 0 without gaps."""
        rank, seen = math.ceil(share * self.count), 0
        for gap in self.buckets():
            seen += gap.count
            if seen >= rank:
                return gap.ns
        return 0


@dataclass(slots=True)
class Run:
    """Some successive chunks: how many, of what, how long, and which frames."""

    first: FrameLike
    last: FrameLike
    types: tuple[str, ...]
    kinds: tuple[ChunkKind, ...]
    count: int
    characters: int


class Chunks:
    """The chunk frames of one span, kept as at most `MAX_EVENTS` runs.

    The first and the last chunk are runs of their own. When the runs between them become too many,
    neighbours are joined two by two, so their lengths stay even and the memory bounded.

    Args:
        mode: What becomes of them: runs (`coalesced`), one event each (`all`), or nothing but counts (`off`).
        stall_ns: Nanoseconds between two chunks from which on it is a stall.
        span_events: Most events that the span may have, those that are no chunks included.
    """

    __slots__ = (
        "_last",
        "_length",
        "_mode",
        "_most",
        "_runs",
        "_stall_ns",
        "first_ns",
        "gaps",
        "kinds",
        "last_ns",
        "stalls",
    )

    def __init__(self, mode: ChunkEvents, stall_ns: int, span_events: int = 128) -> None:
        self._mode = mode
        self._most = max(3, min(MAX_EVENTS, span_events - MAX_STALLS - OTHER_EVENTS))
        self._stall_ns = stall_ns
        self._runs: list[Run] = []
        self._length = 1
        self._last: FrameLike | None = None
        self.last_ns = 0
        self.first_ns = 0
        self.kinds: Counter[ChunkKind] = Counter()
        self.gaps = Gaps()
        self.stalls = 0

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.kinds.values())

    def add(self, key: str, frame: FrameLike, *, event: AddEvent | None = None) -> Iterator[AddEvent]:
        """Take the next chunk frame; return the events that it is or causes at once.

        Args:
            key: Key of the span.
            frame: The chunk.
            event: The frame as an event, where it shall be one of its own.
        """
        now, kind, last = timestamp_ns(frame), kind_of(frame), self._last
        if last is None:
            self.first_ns = now
        else:
            gap = now - self.last_ns
            self.gaps.add(gap)
            if gap >= self._stall_ns:
                self.stalls += 1
                if self.stalls <= MAX_STALLS:
                    yield _stall(key, last, frame, gap)
        self._last, self.last_ns = frame, now
        self.kinds[kind] += 1
        if event is not None:
            yield event
        elif self._mode != "off":
            self._coalesce(_run_of(frame, kind))

    def attributes(self) -> dict[str, AttributeValue]:
        """Return the counts of the chunks and the times between them (in seconds)."""
        found: dict[str, AttributeValue] = {names.CHUNK_COUNT: self.count}
        for kind, count in sorted(self.kinds.items()):
            found[names.CHUNK_COUNT_PREFIX + kind] = count
        if self.gaps.count:
            found[names.CHUNK_GAP_MEAN] = self.gaps.total_ns / self.gaps.count / 1e9
            found[names.CHUNK_GAP_P95] = self.gaps.percentile(0.95) / 1e9
            found[names.CHUNK_GAP_MAX] = self.gaps.longest_ns / 1e9
        if self.stalls:
            found[names.STALLS] = self.stalls
        return found

    def events(self, key: str) -> Iterator[AddEvent]:
        """Return the runs as events on the span of that key, in the order of their arrival."""
        return (_event_of(run, key) for run in self._runs)

    def _coalesce(self, run: Run) -> None:
        runs = self._runs
        runs.append(run)
        if len(runs) > 3 and self._fits(runs[-3], runs[-2]):
            runs[-3:-1] = [_joined(runs[-3], runs[-2])]
        while len(self._runs) > self._most:
            self._halve()

    def _fits(self, run: Run, other: Run) -> bool:
        return run.count + other.count <= self._length

    def _halve(self) -> None:
        self._length *= 2
        first, *middle, last = self._runs
        joined: list[Run] = []
        for run in middle:
            if joined and self._fits(joined[-1], run):
                joined[-1] = _joined(joined[-1], run)
            else:
                joined.append(run)
        self._runs = [first, *joined, last]


def _run_of(frame: FrameLike, kind: ChunkKind) -> Run:
    chunk = frame.data.get("chunk")
    return Run(frame, frame, (frame.type,), (kind,), 1, len(chunk) if isinstance(chunk, str) else 0)


def _joined(run: Run, other: Run) -> Run:
    return Run(
        first=run.first,
        last=other.last,
        types=run.types if run.types == other.types else tuple(dict.fromkeys(run.types + other.types)),
        kinds=run.kinds if run.kinds == other.kinds else tuple(dict.fromkeys(run.kinds + other.kinds)),
        count=run.count + other.count,
        characters=run.characters + other.characters,
    )


def _event_of(run: Run, key: str) -> AddEvent:
    start_ns = timestamp_ns(run.first)
    attributes = envelope(run.first)
    attributes[names.CHUNK_RUN_COUNT] = run.count
    attributes[names.CHUNK_RUN_CHARACTERS] = run.characters
    attributes[names.CHUNK_RUN_KINDS] = run.kinds
    if run.count > 1:
        attributes[names.CHUNK_RUN_TYPES] = run.types
        attributes[names.CHUNK_RUN_FIRST_ID] = text(run.first.id) or ""
        attributes[names.CHUNK_RUN_LAST_ID] = text(run.last.id) or ""
        attributes[names.CHUNK_RUN_DURATION] = max(0, timestamp_ns(run.last) - start_ns) / 1e9
    return AddEvent(key, text(run.types[0]) or "frame", start_ns, attributes)


def _stall(key: str, last: FrameLike, frame: FrameLike, gap_ns: int) -> AddEvent:
    attributes: dict[str, AttributeValue] = {
        names.STALL_DURATION: gap_ns / 1e9,
        names.CHUNK_RUN_FIRST_ID: text(last.id) or "",
        names.CHUNK_RUN_LAST_ID: text(frame.id) or "",
    }
    return AddEvent(key, names.STALL, timestamp_ns(frame), attributes)
