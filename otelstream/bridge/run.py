"""One stream's way: out of its queue, through the redaction, into its recording and its spans."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.backlog import SESSION_BYTES, Backlog, Room
from otelstream.bridge.counters import Losses, Reason
from otelstream.bridge.files import RecordingFiles
from otelstream.bridge.holding import Holding
from otelstream.bridge.leaving import Leaving
from otelstream.bridge.spanrows import SpanRows
from otelstream.bridge.spans import EarlierRuns, SpanStage
from otelstream.bridge.stages import RecordStage, ToldEnd, recording_attributes, told, withheld
from otelstream.bridge.stream import WHY_DROPPED, Arrival, Beginning, End, Options, Stream
from otelstream.frame import FrameLike
from otelstream.redact import Released, StreamRedactor

BATCH_BYTES: Final = 2_000_000
"""About what the frames of a batch weigh at most: redacting 10 MB takes a third of a second."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the runs of a process have in common.

    Attributes:
        batch_frames: Most frames that are handled and committed together.
        room: For what waits until the file of a recording is free.
        leaving: Whether there is no more time for any.
    """

    attempt: Attempts
    losses: Losses
    files: RecordingFiles
    earlier: EarlierRuns
    batch_frames: int
    room: Room
    leaving: Leaving = field(default_factory=Leaving)


class Run:
    """A stream and its stages, as far as they still work. None of its methods raises.

    Args:
        stream: The program's side.
        shared: What it shares with other runs.
    """

    def __init__(self, stream: Stream, shared: Shared) -> None:
        self.stream = stream
        self._shared = shared
        self._attempt = shared.attempt
        self._redaction = StreamRedactor(stream.options.redactor, partial(self._attempt, "redaction", 1))
        self._arrivals: deque[Arrival] = deque()  # of the frames that the redaction has, in the same order
        self._holding = Holding()
        self._spans: SpanStage | None = None
        self._record: RecordStage | None = None
        self._rows: SpanRows | None = None
        self._backlog: Backlog | None = None  # while somebody else has the file open
        self._started = False
        self._ended = False
        self._lost = 0
        self._dropped = 0

    @property
    def waits(self) -> bool:
        """Whether frames are held back in the redaction."""
        return bool(self._arrivals)

    @property
    def has_ended(self) -> bool:
        """Whether the session has."""
        return self._ended

    @property
    def is_kept_out(self) -> bool:
        """Whether something waits until the file is free."""
        return self._backlog is not None

    def open(self) -> None:
        """Open what a session needs that has begun, before its first frames have gathered."""
        if not self._started and self.stream.beginning is not None:
            self._attempt("frame", 0, self._start)
        elif self.is_kept_out:
            self._attempt("frame", 0, self._open_record)

    def take(self, arrivals: list[Arrival], *, final: bool = False, at_once: bool = False) -> None:
        """Handle frames in batches, each of which is committed when it is full.

        Args:
            arrivals: The frames, in order. The list is emptied, so that each is gone once it was handled.
            final: Whether no more will come.
            at_once: Whether none may be held back.
        """
        batches = deque(_batches(arrivals, self._shared.batch_frames))
        arrivals.clear()
        while batches:
            batch = batches.popleft()
            if self._shared.leaving.has_begun:
                batch += chain.from_iterable(batches)
                batches.clear()
            step = self._leave_out if self._shared.leaving.has_begun else self._batch
            self._attempt("frame", 0, partial(step, batch))
            self.stream.let_go(batch)
            # The last one is committed together with what other sessions have.
            if self._record is not None and batches and not self._shared.leaving.has_begun:
                self._shared.files.commit(self._record.file)
        if self.waits and (final or at_once or self._holding.due(time.monotonic_ns())):
            self._attempt("frame", 0, partial(self._release, final=final, at_once=final or at_once))

    def end(self, end: End) -> None:
        """Handle the end of the session."""
        if not self._started:
            self._start()
        self._gap(self.stream.cut, "after_shutdown")
        self._attempt("frame", 0, lambda: self._tell_end(end))
        if self._spans is not None:
            self._spans.leave()
        self._ended = True
        self._once_open(self._leave)

    def give_up(self) -> None:
        """Wait no longer for the file, as the process ends; what waits is counted."""
        backlog, self._backlog = self._backlog, None
        if backlog is not None:
            record = self.stream.options.record
            path = "" if record is None else record.path
            why = f"{path} was not free before the process ended; the frames that waited for it are lost."
            self._shared.losses.add("recording", backlog.drop(), why)

    def announce(self) -> None:
        """Let spans that have been open for long be seen, where that is asked for."""
        spans = self._spans
        if spans is not None and not self._ended:
            self._attempt("spans", 0, lambda: spans.announce(time.time_ns()))

    def _batch(self, arrivals: list[Arrival]) -> None:
        if not self._started:
            self._start()
        self._shared.losses.seen += len(arrivals)
        options = self.stream.options
        if options.record is None and not options.to.exist:
            return
        weight = sum(arrival.weight for arrival in arrivals)
        self._holding.took(len(arrivals), weight, time.monotonic_ns())
        self._attempt.each("frame", arrivals, self._put, lambda: self._redaction.put_lost("frame"))
        self._release()

    def _leave_out(self, arrivals: list[Arrival]) -> None:
        """Count frames for which there is no more time, and say so in the recording."""
        self._shared.losses.add("after_shutdown", len(arrivals), WHY_DROPPED["after_shutdown"])
        if self.waits:
            self._release(at_once=True)
        self._gap(len(arrivals), "after_shutdown")

    def _put(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)
        self._redaction.put(arrival.frame)

    def _release(self, *, final: bool = False, at_once: bool = False) -> None:
        """Pass on what may leave the redaction."""
        released: list[Released] = []
        due = self._holding.due(time.monotonic_ns())

        def release() -> None:
            released.extend(self._redaction.release(final=final, at_once=at_once, due=due))

        if not self._attempt("redaction", 0, release):
            self._give_up_waiting()
        self._holding.left(len(released))
        pairs = [(one, self._arrivals.popleft()) for one in released]
        kept = [frame for frame, _ in released if frame is not None]
        self._to_recording(pairs, kept)
        self._to_spans(kept)
        self._attempt.each("frame", kept, self.stream.weights.learn)

    def _give_up_waiting(self) -> None:
        stuck = len(self._arrivals)
        self._arrivals.clear()
        self._holding = Holding()
        self._redaction = StreamRedactor(self.stream.options.redactor, partial(self._attempt, "redaction", 1))
        self._shared.losses.add("redaction", stuck)
        self._gap(stuck, "redaction")

    def _to_recording(self, pairs: list[tuple[Released, Arrival]], kept: list[FrameLike]) -> None:
        backlog = self._backlog
        if backlog is not None:
            weight = sum(arrival.weight for _, arrival in pairs)
            if not backlog.add(partial(self._to_recording, pairs, kept), len(kept), weight):
                self._shared.losses.add("recording", len(kept))
            return
        self._attempt.each("recording", pairs, self._store, lambda: self._gap(1, "recording"))
        record, rows = self._record, self._rows
        if record is None or record.file.broken or rows is None:
            return

        def span_rows() -> None:
            for frame in kept:
                if ended := rows.feed(frame):
                    record.spans(ended)

        if not self._attempt("spans", 0, span_rows):
            self._rows = None

    def _store(self, pair: tuple[Released, Arrival]) -> None:
        (frame, like), arrival = pair
        if arrival.dropped != self._dropped:
            self._gap(arrival.dropped - self._dropped, "queue_full")
            self._dropped = arrival.dropped
        record = self._record
        if frame is None:
            self._gap(1, "frame" if like == "frame" else "redaction")
        elif record is not None and not record.file.broken:
            record.frame(frame, arrival.clock_ns, like)
        elif self.stream.options.record is not None:
            self._shared.losses.add("recording", 1)

    def _gap(self, frames: int, reason: Reason) -> None:
        if self._backlog is not None:
            self._backlog.add(partial(self._gap, frames, reason))
            return
        self._lost += frames
        record = self._record
        if frames and record is not None and not record.file.broken:
            self._attempt("recording", 0, lambda: record.gap(frames, reason))

    def _to_spans(self, frames: list[FrameLike]) -> None:
        if self._spans is not None:
            self._attempt.each("spans", frames, self._spans.frame)
        elif self.stream.options.to.exist:
            self._shared.losses.add("spans", len(frames))

    def _start(self) -> None:
        self._started = True
        options, beginning = self.stream.options, self.stream.beginning
        if beginning is None:
            return
        if options.to.exist:
            stages: list[SpanStage] = []
            self._attempt("spans", 0, lambda: stages.append(self._span_stage(options, beginning)))
            self._spans = stages[0] if stages else None
        self._open_record()

    def _open_record(self) -> None:
        """Open the recording, and do what has waited for that; if somebody else has it, let things wait."""
        options, beginning = self.stream.options, self.stream.beginning
        if options.record is None or beginning is None or self._shared.leaving.has_begun:
            return
        file = self._shared.files.use(options.record)
        if file == "taken":
            if self._backlog is None and self._shared.room.left > SESSION_BYTES:
                self._backlog = Backlog(self._shared.room, partial(self._gap, reason="recording"))
            return
        if file != "failed":
            self._record = RecordStage(file, options, beginning)
            self._rows = SpanRows(options.spans.rows) if file.writer.keeps_spans else None
        backlog, self._backlog = self._backlog, None
        if backlog is not None:
            backlog.run(self._commit_batch)  # without a recording each frame is counted

    def _commit_batch(self) -> None:
        file = None if self._record is None else self._record.file
        if file is not None and not file.broken and file.pending >= self._shared.batch_frames:
            self._shared.files.commit(file)

    def _once_open(self, step: Callable[[], object]) -> None:
        if self._backlog is None:
            step()
        else:
            self._backlog.add(step)

    def _leave(self) -> None:
        if self._record is not None and self._shared.leaving.may_write:
            self._shared.files.leave(self._record.file)

    def _span_stage(self, options: Options, beginning: Beginning) -> SpanStage:
        session = (beginning.parent, self._shared.earlier.exchange)
        return SpanStage(options.to, options.spans, session, self._attempt)

    def _tell_end(self, end: End) -> None:
        redactor = self._redaction.redactor
        tellings: list[ToldEnd] = []
        if not self._attempt("redaction", 1, lambda: tellings.append(told(end, redactor))):
            tellings.append(withheld(end, redactor))
        last = tellings[0]
        record, spans = self._record, self._spans
        if record is not None and record.file.broken:
            record = None
        attributes = recording_attributes(
            None if record is None else str(record.file.path),
            None if record is None else record.session_id,
            self._lost + self.stream.dropped - self._dropped,
        )
        if spans is not None:
            self._attempt("spans", 0, lambda: spans.last(last.outcome, attributes))
        trace_id = None if spans is None else spans.trace_id
        self._once_open(
            partial(self._end_record, last, trace_id, None if redactor is None else redactor.fired)
        )

    def _end_record(self, last: ToldEnd, trace_id: int | None, fired: Mapping[str, int] | None) -> None:
        self._gap(self.stream.dropped - self._dropped, "queue_full")
        record = self._record
        if record is None or record.file.broken:
            return
        if self._rows is not None:
            self._attempt("spans", 0, partial(self._last_rows, self._rows, record, last))
        self._attempt("recording", 0, lambda: record.end(last, trace_id, fired))

    def _last_rows(self, rows: SpanRows, record: RecordStage, last: ToldEnd) -> None:
        record.spans(rows.close(last.outcome))


def _batches(arrivals: list[Arrival], size: int) -> Iterator[list[Arrival]]:
    """Yield frames in batches of at most so many, and of little more than `BATCH_BYTES`."""
    first = weight = 0
    for number, arrival in enumerate(arrivals, start=1):
        weight += arrival.weight
        if number - first == size or weight >= BATCH_BYTES:
            yield arrivals[first:number]
            first, weight = number, 0
    if first < len(arrivals):
        yield arrivals[first:]
