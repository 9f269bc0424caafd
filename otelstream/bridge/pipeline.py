"""The background thread: takes frames from the streams and sees to it that they are handled and committed."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.backlog import Room
from otelstream.bridge.counters import Losses
from otelstream.bridge.files import RecordingFiles, Rotation
from otelstream.bridge.leaving import Leaving
from otelstream.bridge.providers import Providers
from otelstream.bridge.run import Run, Shared
from otelstream.bridge.spans import EarlierRuns, options_of
from otelstream.bridge.stream import Arrival, End, Options, OrphanReason, Stream
from otelstream.config import Settings
from otelstream.span.options import ContentPolicy, SpanOptions

LAST_S: Final = 2.0
"""How long a file that somebody else has open is waited for when the process ends, in seconds."""

POLL_S: Final = 0.1

IDLE_S: Final = 1.0
"""How often the thread looks for forgotten sessions when nothing else happens, in seconds."""


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
        rotation = Rotation(self.settings.rotate_mb * 1_000_000, self.settings.rotate_minutes * 60)
        self._files = RecordingFiles(self._attempt, rotation, self.providers.committed)
        room = Room(self.settings.queue_mb * 1_000_000)
        self._shared = Shared(
            self._attempt, losses, self._files, EarlierRuns(), self.settings.batch_frames, room
        )
        self._leaving: Leaving = self._shared.leaving
        self._runs: list[Run] = []
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._urgent = threading.Event()
        self._passes: list[threading.Event] = []
        self._lost_before = losses.counts()
        self._stopping = False
        self._refuses: OrphanReason | None = "no_thread"
        self._thread: threading.Thread | None = None

    def start(self) -> bool:
        """Start the thread; return whether this did. Without one no session is observed, and each counted."""
        with self._lock:
            if self._refuses != "no_thread":
                return False
            thread = threading.Thread(target=self._loop, name="otelstream", daemon=True)
            if _started(thread):
                self._thread, self._refuses = thread, None
            return self._refuses is None

    def open(self, options: Options) -> Stream:
        """Return a stream whose frames this pipeline will take."""
        stream = Stream(options, self.settings, self.losses, self._wake)
        self.providers.use(options.to.tracer_provider, options.to.logger_provider, options.meter_provider)
        with self._lock:
            if self._refuses is None:
                self._runs.append(Run(stream, self._shared))
            else:
                stream.orphan(self._refuses, self.losses)
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
        if _started(thread):
            thread.join(max(0.0, deadline - time.monotonic()))
        lost, self._lost_before = self._lost_before, self.losses.counts()
        return flushed == [True] and self._lost_before == lost

    def shutdown(self, timeout_s: float) -> bool:
        """End the sessions that are open, flush and stop; return whether that was done within the seconds."""
        with self._lock:
            self._refuses = "after_shutdown"
            runs = list(self._runs)
            for run in runs:
                run.stream.orphan("after_shutdown", self.losses)  # first, so that nothing is behind the end
                run.stream.abandon()
            self._stopping = True
        self._wake(True)  # noqa: FBT003  as in Stream
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            for run in runs:
                run.stream.cut_short()
        return not self._thread.is_alive()

    def leave(self, timeout_s: float) -> bool:
        """Let the thread leave DuckDB, as the interpreter ends; return whether it has within the seconds.

        Call `shutdown` before. What the thread has not handled by now is counted.
        """
        self._leaving.begin()
        return self._thread is None or self._leaving.left.wait(timeout_s)

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
            if self._refuses is not None:
                return False
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
            self._attempt("recording", 0, self._files.tidy)
        self._attempt("frame", 0, self._once)
        self._attempt("frame", 0, self._wait_for_files)
        for run in self._runs:
            run.stream.finish()
        self._attempt("recording", 0, self._close)
        self._leaving.left.set()
        self._attempt("export", 0, self.providers.shutdown)

    def _close(self) -> None:
        if self._leaving.may_write:
            self._files.close()
        if self._leaving.has_begun:
            for file in self._files:
                self._attempt("recording", file.pending, file.abandon)

    def _wait_for_files(self) -> None:
        """Wait a little for files that others have open, and give up what cannot be recorded by then."""
        deadline = time.monotonic() + LAST_S
        while any(run.is_kept_out for run in self._runs) and time.monotonic() < deadline:
            if self._leaving.has_begun:
                break
            time.sleep(POLL_S)
            for run in self._runs:
                run.open()
        for run in self._runs:
            run.give_up()
        for passed in self._passes:
            passed.set()

    def _once(self) -> None:
        with self._lock:
            runs, passes, self._passes = list(self._runs), self._passes, []
        ends = [end for run in runs for end in self._handle(run, at_once=bool(passes))]
        if any(run.waits for run in runs):
            self._work.set()  # what is held back is decided in the next round
        for file in self._files:
            if self._leaving.may_write:
                self._files.commit(file)
        for end in ends:
            if end.done.set_running_or_notify_cancel():
                end.done.set_result(None)
        with self._lock:
            self._runs = [run for run in self._runs if run.is_kept_out or not run.has_ended]
            if any(run.is_kept_out for run in self._runs):
                self._passes = passes + self._passes  # not everything is committed
                self._work.set()
                return
        for passed in passes:
            passed.set()

    def _handle(self, run: Run, *, at_once: bool) -> list[End]:
        """Handle what has come of a run; return its end, if that was among it."""
        run.open()
        ends: list[End] = []
        arrivals: list[Arrival] = []
        taken = deque(run.stream.take())
        while taken:
            item = taken.popleft()
            if isinstance(item, Arrival):
                arrivals.append(item)
            else:
                run.take(arrivals, final=True)
                arrivals = []
                self._end(run, item)
                ends.append(item)
        if ends:
            run.stream.finish(arrivals)
        else:
            run.take(arrivals, at_once=at_once)
        run.announce()
        return ends

    def _queued(self) -> int:
        return sum(run.stream.waiting for run in list(self._runs))

    def _end(self, run: Run, end: End) -> None:
        if not run.has_ended:  # a session that is forgotten after its end ends twice
            run.end(end)


def _started(thread: threading.Thread) -> bool:
    """Start a thread; return False if the process may not have one more, or is about to end."""
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        return False
    return True
