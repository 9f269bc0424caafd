"""The background thread: takes frames from the streams, redacts them, and drives the stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Losses
from otelstream.bridge.files import RecordingFiles
from otelstream.bridge.providers import Providers
from otelstream.bridge.spans import EarlierRuns, SpanStage, options_of
from otelstream.bridge.stages import (
    RecordStage,
    ToldEnd,
    recording_attributes,
    redacted_frame,
    told,
    withheld,
)
from otelstream.bridge.stream import Arrival, Beginning, End, Options, Stream
from otelstream.config import Settings
from otelstream.frame import FrameLike, frame_json
from otelstream.span.options import ContentPolicy, SpanOptions

IDLE_S: Final = 1.0
"""How often the thread looks for forgotten sessions when nothing else happens, in seconds."""

WEIGHED_FRAMES: Final = 3
"""How many frames of a type are measured to know what the next ones weigh in the queue."""


class Run:
    """What the pipeline knows of one stream: its stages, as far as they still work."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.spans: SpanStage | None = None
        self.record: RecordStage | None = None
        self.started = False
        self.lost = 0
        self.measured: dict[str, int] = {}


class Pipeline:
    """One background thread for all sessions of a process.

    Args:
        environ: The `OTELSTREAM_*` and `OTEL_*` variables.
        losses: Where losses are counted.
    """

    def __init__(self, environ: Mapping[str, str], losses: Losses) -> None:
        self.losses = losses
        self.settings, problems = Settings.from_environ(environ)
        self.span_options, more = options_of(self.settings)
        for problem in (*problems, *more):
            self.losses.say(problem)
        self._attempt = Attempts(losses)
        self.providers = Providers(dict(environ), self._attempt, losses)
        losses.queued = self._queued
        self._files = RecordingFiles(self._attempt)
        self._earlier = EarlierRuns()
        self._runs: list[Run] = []
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._urgent = threading.Event()
        self._passes: list[threading.Event] = []
        self._lost_before = losses.counts()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="otelstream", daemon=True)
        self._thread.start()

    def open(self, options: Options) -> Stream:
        """Return a stream whose frames this pipeline will take."""
        stream = Stream(options, self.settings, self.losses, self._wake)
        self.providers.use(options.to.tracer_provider, options.to.logger_provider, options.meter_provider)
        with self._lock:
            self._runs.append(Run(stream))
        return stream

    def without_logs(self, options: SpanOptions) -> SpanOptions:
        """Return options for which nothing is lost although there is nowhere to send log records."""
        self.losses.say(
            "log records are asked for, and there is no logger provider to take them (OTEL_LOGS_EXPORTER);"
            " events stay on spans, content that was meant for log records only is left out."
        )
        content: ContentPolicy = "SPAN_ONLY" if options.content_on_spans else "NO_CONTENT"
        return replace(options, events="span", content=content)

    def flush(self, timeout_s: float) -> bool:
        """Handle everything that has arrived, commit it and export ended spans; return whether that was done.

        It was not if anything was lost since the last flush.

        Args:
            timeout_s: Seconds to wait. The work goes on when they have passed.
        """
        deadline = time.monotonic() + timeout_s
        if not self._pass_over(timeout_s):
            return False
        flushed: list[bool] = []
        # `force_flush` of the SDK ignores its timeout when the collector hangs: another thread waits for it.
        thread = threading.Thread(
            target=lambda: flushed.append(self.providers.flush()), name="otelstream-flush", daemon=True
        )
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        lost, self._lost_before = self._lost_before, self.losses.counts()
        return flushed == [True] and self._lost_before == lost

    def shutdown(self, timeout_s: float) -> bool:
        """End the sessions that are open, flush and stop; return whether that was done within the seconds."""
        runs = list(self._runs)
        for run in runs:
            run.stream.abandon()
        self._stopping = True
        self._wake(True)  # noqa: FBT003  as in Stream
        self._thread.join(timeout_s)
        for run in runs:
            run.stream.orphan("after_shutdown", self.losses)
        return not self._thread.is_alive()

    def orphan(self, losses: Losses) -> None:
        """Disown all streams: this process is a fork, and its parent has the thread and the files.

        The parent's thread may have held any lock at that moment, so none of its objects is used any more.
        """
        for run in self._runs:
            run.stream.orphan("after_fork", losses)

    def _wake(self, urgent: bool) -> None:
        if urgent:
            self._urgent.set()
        if not self._work.is_set():
            self._work.set()

    def _pass_over(self, timeout_s: float) -> bool:
        passed = threading.Event()
        with self._lock:
            self._passes.append(passed)
        self._wake(True)  # noqa: FBT003  as in Stream
        return passed.wait(timeout_s)

    def _loop(self) -> None:
        while not self._stopping:
            # Forgotten sessions wake nobody, so a look now and then is needed.
            if self._work.wait(IDLE_S):
                self._urgent.wait(self.settings.batch_ms / 1000)  # a batch gathers; ends and flushes hurry
            self._work.clear()
            self._urgent.clear()
            self._attempt("frame", 0, self._once)
        self._attempt("frame", 0, self._once)
        self._attempt("export", 0, self.providers.shutdown)

    def _once(self) -> None:
        with self._lock:
            runs, passes, self._passes = list(self._runs), self._passes, []
        ends: list[End] = []
        for run in runs:
            for item in run.stream.take():
                if isinstance(item, Arrival):
                    self._frame(run, item)
                else:
                    self._end(run, item)
                    ends.append(item)
            self._announce(run)
        for file in self._files:
            self._files.commit(file)
        for end in ends:
            if end.done.set_running_or_notify_cancel():
                end.done.set_result(None)
        for passed in passes:
            passed.set()

    def _frame(self, run: Run, arrival: Arrival) -> None:
        if not run.started:
            self._start(run)
        self.losses.seen += 1
        frame, options = arrival.frame, run.stream.options
        if options.record is None and not options.to.exist:
            return
        redactor = options.redactor
        kept: list[FrameLike] = []
        if not self._attempt("redaction", 1, lambda: kept.append(redacted_frame(frame, redactor))):
            run.lost += 1
            return
        self._attempt("frame", 0, lambda: self._weigh(run, kept[0]))
        self._to_recording(run, kept[0], arrival.clock_ns)
        self._to_spans(run, kept[0])

    def _to_recording(self, run: Run, frame: FrameLike, clock_ns: int) -> None:
        record = run.record
        if record is not None and not record.file.broken:
            if not self._attempt("recording", 1, lambda: record.frame(frame, clock_ns)):
                run.lost += 1
            if record.file.pending >= self.settings.batch_frames:
                self._files.commit(record.file)
        elif run.stream.options.record is not None:
            self.losses.add("recording", 1)

    def _to_spans(self, run: Run, frame: FrameLike) -> None:
        spans = run.spans
        if spans is not None:
            self._attempt("spans", 1, lambda: spans.frame(frame))
        elif run.stream.options.to.exist:
            self.losses.add("spans", 1)

    def _start(self, run: Run) -> None:
        run.started = True
        options, beginning = run.stream.options, run.stream.beginning
        if beginning is None:
            return
        if options.to.exist:
            stages: list[SpanStage] = []
            self._attempt("spans", 0, lambda: stages.append(self._span_stage(options, beginning)))
            run.spans = stages[0] if stages else None
        if options.record is not None:
            file = self._files.use(options.record)
            if file is not None:
                run.record = RecordStage(file, options, beginning)

    def _span_stage(self, options: Options, beginning: Beginning) -> SpanStage:
        session = (beginning.parent, self._earlier.exchange)
        return SpanStage(options.to, options.spans, session, self._attempt)

    def _announce(self, run: Run) -> None:
        spans = run.spans
        if spans is not None:
            self._attempt("spans", 0, lambda: spans.announce(time.time_ns()))

    def _queued(self) -> int:
        return sum(run.stream.waiting for run in list(self._runs))

    def _end(self, run: Run, end: End) -> None:
        with self._lock:
            if run not in self._runs:
                return
            self._runs.remove(run)
        if not run.started:
            self._start(run)
        self._attempt("frame", 0, lambda: self._tell_end(run, end))
        record = run.record
        if record is not None:
            self._files.leave(record.file)

    def _tell_end(self, run: Run, end: End) -> None:
        redactor = run.stream.options.redactor
        tellings: list[ToldEnd] = []
        if not self._attempt("redaction", 1, lambda: tellings.append(told(end, redactor))):
            tellings.append(withheld(end))
        last = tellings[0]
        record, spans = run.record, run.spans
        if record is not None and record.file.broken:
            record = None
        dropped = run.stream.dropped + run.lost
        attributes = recording_attributes(
            None if record is None else str(record.file.path),
            None if record is None else record.session_id,
            dropped,
        )
        if spans is not None:
            self._attempt("spans", 0, lambda: spans.last(last.outcome, attributes))
        if record is not None:
            trace_id = None if spans is None else spans.trace_id
            self._attempt("recording", 0, lambda: record.end(last, dropped, trace_id))

    def _weigh(self, run: Run, frame: FrameLike) -> None:
        seen = run.measured.get(frame.type, 0)
        if seen < WEIGHED_FRAMES:
            run.measured[frame.type] = seen + 1
            size = len(frame_json(frame))
            run.stream.weights[frame.type] = max(size, run.stream.weights.get(frame.type, 0))
