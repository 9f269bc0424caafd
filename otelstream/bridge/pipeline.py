"""The background thread: takes frames from the streams, redacts them, and drives both stages.

Here is the one catch-all: whatever goes wrong in a stage is counted and said once, and never reaches the
observed program.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final
from weakref import WeakSet

from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.trace import TracerProvider

from otelstream.bridge.counters import Losses, Reason
from otelstream.bridge.stages import (
    RecordingFile,
    RecordStage,
    SpanStage,
    ToldEnd,
    recording_attributes,
    redacted_frame,
    told,
    withheld,
)
from otelstream.bridge.stream import Arrival, End, Options, Stream
from otelstream.config import Settings
from otelstream.export.otlp import global_provider, provider_from_environment
from otelstream.frame import FrameLike, frame_json

IDLE_S: Final = 1.0
"""How often the thread looks for forgotten sessions when nothing else happens, in seconds."""

NOTICEABLE_S: Final = 0.1
BACK_OFF_S: Final = 5.0
"""How long a file is left alone once opening it took a noticeable time and failed, in seconds."""

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
        for problem in problems:
            self.losses.say(problem)
        self._environ = dict(environ)
        self._own_provider: SdkTracerProvider | None = None
        self._own_provider_made = False
        self._providers: WeakSet[SdkTracerProvider] = WeakSet()
        self._runs: list[Run] = []
        self._files: dict[Path, RecordingFile] = {}
        self._held_until: dict[Path, float] = {}
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
        with self._lock:
            self._runs.append(Run(stream))
            if isinstance(options.provider, SdkTracerProvider):
                self._providers.add(options.provider)
        return stream

    def provider(self) -> TracerProvider | None:
        """Return the program's tracer provider, else one made from the environment, else None."""
        provider = global_provider()
        if provider is not None:
            return provider
        with self._lock:
            if not self._own_provider_made:
                self._own_provider_made = True
                self._attempt("export", 0, self._make_provider)
        return self._own_provider

    def flush(self, timeout_s: float) -> bool:
        """Handle everything that has arrived, commit it and export ended spans; return whether that was done.

        It was not if anything was lost since the last flush.

        Args:
            timeout_s: Seconds to wait. The work goes on when they have passed.
        """
        deadline = time.monotonic() + timeout_s
        if not self._pass_over(timeout_s):
            return False
        with self._lock:
            providers = list(self._providers)
        flushed: list[bool] = []

        def force_flush() -> None:
            for provider in providers:
                self._attempt("export", 0, lambda: flushed.append(provider.force_flush()))  # noqa: B023  run at once

        # `force_flush` of the SDK ignores its timeout when the collector hangs: another thread waits for it.
        thread = threading.Thread(target=force_flush, name="otelstream-flush", daemon=True)
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        lost, self._lost_before = self._lost_before, self.losses.counts()
        return len(flushed) == len(providers) and all(flushed) and self._lost_before == lost

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
        if self._own_provider is not None:
            self._attempt("export", 0, self._own_provider.shutdown)

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
        for file in list(self._files.values()):
            self._commit(file)
        for end in ends:
            if end.done.set_running_or_notify_cancel():
                end.done.set_result(None)
        for passed in passes:
            passed.set()

    def _frame(self, run: Run, arrival: Arrival) -> None:
        if not run.started:
            self._start(run)
        frame = arrival.frame
        redactor = run.stream.options.redactor
        kept: list[FrameLike] = []
        if not self._attempt("redaction", 1, lambda: kept.append(redacted_frame(frame, redactor))):
            run.lost += 1
            return
        self._attempt("frame", 0, lambda: self._weigh(run, kept[0]))
        self._to_recording(run, kept[0], arrival.clock_ns)
        self._to_spans(run, kept[0])

    def _to_recording(self, run: Run, frame: FrameLike, clock_ns: int) -> None:
        record = run.record
        if record is not None:
            if not self._attempt("recording", 1, lambda: record.frame(frame, clock_ns)):
                run.lost += 1
            if record.file.pending >= self.settings.batch_frames:
                self._commit(record.file)
        elif run.stream.options.record is not None:
            self.losses.add("recording", 1)

    def _to_spans(self, run: Run, frame: FrameLike) -> None:
        spans = run.spans
        if spans is not None:
            self._attempt("spans", 1, lambda: spans.frame(frame))
        elif run.stream.options.provider is not None:
            self.losses.add("spans", 1)

    def _start(self, run: Run) -> None:
        run.started = True
        options, beginning = run.stream.options, run.stream.beginning
        if beginning is None:
            return
        provider = options.provider
        if provider is not None:
            stages: list[SpanStage] = []
            self._attempt(
                "spans", 0, lambda: stages.append(SpanStage(provider, self.settings, beginning.parent))
            )
            run.spans = stages[0] if stages else None
        if options.record is not None:
            file = self._opened(options.record)
            if file is not None:
                file.users += 1
                run.record = RecordStage(file, options, beginning)

    def _opened(self, path: Path) -> RecordingFile | None:
        """Return the file, open for writing; None if it cannot be, or could not be a moment ago.

        Waiting for a file that somebody else holds delays every session of the process, so it is not tried
        again for each.
        """
        file = self._files.get(path)
        if file is not None:
            return file
        now = time.monotonic()
        if now < self._held_until.get(path, 0.0):
            return None
        file = RecordingFile(path)
        if self._attempt("recording", 0, file.open):
            self._files[path] = file
            self._held_until.pop(path, None)
            return file
        if time.monotonic() - now > NOTICEABLE_S:
            self._held_until[path] = time.monotonic() + BACK_OFF_S
        return None

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
            record.file.users -= 1
            if self._commit(record.file) and record.file.users == 0:
                del self._files[record.file.path]
                self._attempt("recording", 0, record.file.close)

    def _tell_end(self, run: Run, end: End) -> None:
        redactor = run.stream.options.redactor
        tellings: list[ToldEnd] = []
        if not self._attempt("redaction", 1, lambda: tellings.append(told(end, redactor))):
            tellings.append(withheld(end))
        last = tellings[0]
        record, spans = run.record, run.spans
        dropped = run.stream.dropped + run.lost
        attributes = recording_attributes(
            None if record is None else str(record.file.path),
            None if record is None else record.session_id,
            dropped,
        )
        if spans is not None:
            for operation in spans.last(last.outcome, attributes):
                self._attempt("spans", 0, partial(spans.apply, operation))
        if record is not None:
            trace_id = None if spans is None else spans.trace_id
            self._attempt("recording", 0, lambda: record.end(last, dropped, trace_id))

    def _commit(self, file: RecordingFile) -> bool:
        if self._attempt("recording", file.pending, file.flush):
            return True
        self._break(file)
        return False

    def _break(self, file: RecordingFile) -> None:
        """Stop recording into a file that cannot be written; later frames are counted as lost."""
        self._files.pop(file.path, None)
        for run in self._runs:
            if run.record is not None and run.record.file is file:
                run.record = None
        self._attempt("recording", 0, file.close)

    def _weigh(self, run: Run, frame: FrameLike) -> None:
        seen = run.measured.get(frame.type, 0)
        if seen < WEIGHED_FRAMES:
            run.measured[frame.type] = seen + 1
            size = len(frame_json(frame))
            run.stream.weights[frame.type] = max(size, run.stream.weights.get(frame.type, 0))

    def _make_provider(self) -> None:
        self._own_provider = provider_from_environment(
            self._environ,
            lambda count, why: self.losses.add(
                "export", count, f"spans were not exported: {why.rstrip('.')}."
            ),
        )

    def _attempt(self, reason: Reason, lost: int, step: Callable[[], object]) -> bool:
        try:
            step()
        except BaseException as error:  # not even `sys.exit` of a user's function may end this thread
            self.losses.failed(reason, lost, error)
            return False
        return True
