"""Token frames of one call as few span events, with none of them uncounted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from otelstream.frame import FrameLike, timestamp_ns
from otelstream.span import names
from otelstream.span.attributes import text
from otelstream.span.events import envelope
from otelstream.span.model import AddEvent

ChunkEvents: TypeAlias = Literal["coalesced", "all", "off"]

MAX_EVENTS: Final = 100
"""Most events that the chunks of one call become; OpenTelemetry's default limit is 128 events a span."""


@dataclass(slots=True)
class Run:
    """Some successive chunks: how many, how long, and which frames."""

    first: FrameLike
    last: FrameLike
    types: tuple[str, ...]
    count: int
    characters: int


@dataclass(slots=True)
class Chunks:
    """The chunk frames of one call, kept as at most `MAX_EVENTS` runs.

    The first and the last chunk are runs of their own. When the runs between them become too many,
    neighbours are joined two by two, so their lengths stay even and the memory bounded.
    """

    count: int = 0
    first_ns: int | None = None
    _runs: list[Run] = field(default_factory=list)
    _length: int = 1

    def add(self, frame: FrameLike) -> None:
        """Take the next chunk frame of the call."""
        run = _run_of(frame)
        self.count += 1
        if self.first_ns is None:
            self.first_ns = timestamp_ns(frame)
        self._runs.append(run)
        if len(self._runs) > 3 and self._fits(self._runs[-3], self._runs[-2]):
            self._runs[-3:-1] = [_joined(self._runs[-3], self._runs[-2])]
        if len(self._runs) > MAX_EVENTS:
            self._halve()

    def events(self, key: str) -> Iterator[AddEvent]:
        """Return the runs as events on the span of that key, in the order of their arrival."""
        for run in self._runs:
            start_ns = timestamp_ns(run.first)
            attributes = envelope(run.first)
            attributes[names.CHUNK_RUN_COUNT] = run.count
            attributes[names.CHUNK_RUN_CHARACTERS] = run.characters
            if run.count > 1:
                attributes[names.CHUNK_RUN_TYPES] = run.types
                attributes[names.CHUNK_RUN_FIRST_ID] = text(run.first.id) or ""
                attributes[names.CHUNK_RUN_LAST_ID] = text(run.last.id) or ""
                attributes[names.CHUNK_RUN_DURATION] = max(0, timestamp_ns(run.last) - start_ns) / 1e9
            yield AddEvent(key, text(run.types[0]) or "frame", start_ns, attributes)

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


def _run_of(frame: FrameLike) -> Run:
    chunk = frame.data.get("chunk")
    return Run(frame, frame, (frame.type,), 1, len(chunk) if isinstance(chunk, str) else 0)


def _joined(run: Run, other: Run) -> Run:
    return Run(
        first=run.first,
        last=other.last,
        types=run.types if run.types == other.types else tuple(dict.fromkeys(run.types + other.types)),
        count=run.count + other.count,
        characters=run.characters + other.characters,
    )
