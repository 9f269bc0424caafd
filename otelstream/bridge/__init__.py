"""The shell around the pure core: observe a session, flush, shut down, and ask what was lost."""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

from opentelemetry._logs import LoggerProvider
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from otelstream.bridge import providers
from otelstream.bridge.counters import Losses
from otelstream.bridge.leaving import survive_a_late_return
from otelstream.bridge.pipeline import Pipeline
from otelstream.bridge.stream import Options
from otelstream.bridge.targets import target_of
from otelstream.bridge.termination import Termination
from otelstream.redact import Redactor, secret_values
from otelstream.source.session import AsyncSession, observed
from otelstream.span.options import SpanOptions
from recorder.database import keep_open

S = TypeVar("S")
Redact = bool | Redactor | Callable[[str], str]

EXIT_TIMEOUT_S: Final = 5.0

LEAVE_TIMEOUT_S: Final = 5.0
"""How much longer an exit may take where a write to the disk does not come to its end, in seconds."""

_LAST: Final = -100

_unobserved: Final[ContextVar[bool]] = ContextVar("otelstream_unobserved", default=False)
_lock = threading.Lock()
_losses = Losses()
_pipeline: Pipeline | None = None
_late: Final[list[Pipeline]] = []  # those whose thread went on after their shutdown
_exiting = False


def observe(  # noqa: PLR0913  one parameter for each choice that people make
    session: S,
    *,
    record: str | os.PathLike[str] | None = None,
    redact: Redact = True,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    spans: SpanOptions | None = None,
    flush_on_end: bool = True,
    entry_point: str | None = None,
) -> S:
    """Return a session of the same class that behaves the same and is traced, and recorded if wanted.

    The program iterates the returned session instead of its own. It never sees an error of ours: what
    cannot be exported or recorded is counted (`losses()`) and logged once (logger `otelstream`).
    Frames are read in the background and not copied: one that the program changes is recorded as changed.

    Args:
        session: A `StreamSession` or `AsyncStreamSession`: what `flow.stream_events()`, `flow.astream()`,
            `flow.stream_turn()`, `llm.stream_events()` and `kickoff()` of a flow with `stream=True` return.
        record: Recording file (`*.duckdb`, or text: `*.jsonl`), made if it is missing and appended to if not;
            or a directory (a name that ends in a separator or has no suffix), in which each process gets
            files of its own, `YYYY-MM-DD/host-pid-….duckdb`. Processes that record at the same time need a
            directory.
        redact: Whether secrets are masked before anything leaves the process; a `Redactor` with rules of
            your own; or a function that is given every string after the default rules and returns it masked.
        tracer_provider: Where spans go. By default to the global provider if the program has set one, else
            to one made from the `OTEL_*` variables if they ask for an export, else nowhere.
        meter_provider: Where metrics go. By default to the global provider, else to one made from the
            `OTEL_*` variables if they ask for metrics by name (`OTEL_METRICS_EXPORTER=otlp`), else nowhere.
        logger_provider: Where log records go, if `spans` asks for any. By default to the global provider,
            else to one made from the `OTEL_*` variables.
        spans: How frames become spans, in place of what the `OTELSTREAM_*` variables say.
        flush_on_end: Whether the last step of the iteration waits until spans are ended and the recording is
            committed, 5 s at most (`OTELSTREAM_FLUSH_TIMEOUT_MS`).
        entry_point: Name of what is run, as `module:flow`, for the recording.

    Raises:
        TypeError: `session` is no stream session.
    """
    if _unobserved.get():
        return session
    pipeline = _running()
    span_options = spans or pipeline.span_options
    to = pipeline.providers.destinations(span_options, tracer_provider, meter_provider, logger_provider)
    if span_options.uses_logs and to.logger_provider is None:
        span_options = pipeline.without_logs(span_options)
    options = Options(
        record=None if record is None else target_of(record),
        redactor=redactor_of(redact, os.environ),
        to=to,
        spans=span_options,
        meter_provider=meter_provider,
        flush_on_end=flush_on_end,
        entry_point=entry_point,
        mode="async" if isinstance(session, AsyncSession) else "sync",
    )
    return observed(session, pipeline.open(options))


@contextmanager
def unobserved() -> Iterator[None]:
    """Let `observe` return sessions as they are, in this context and in those copied from it.

    For programs that are only tried: what they observe belongs neither into recordings nor into traces.
    """
    token = _unobserved.set(True)
    try:
        yield
    finally:
        _unobserved.reset(token)


def flush(timeout_s: float = 30.0) -> bool:
    """Commit and export everything that has arrived; return False if that failed or took longer.

    Args:
        timeout_s: Seconds to wait; the work goes on afterwards.
    """
    return _pipeline is None or _pipeline.flush(timeout_s)


def shutdown(timeout_s: float = 30.0) -> bool:
    """End open sessions, commit, export and stop; return False if it took longer than the seconds.

    A later `observe` starts afresh. At interpreter exit this happens by itself, within five seconds; where a
    write to the disk takes longer, its end is waited for, up to five seconds more.
    """
    global _pipeline
    with _lock:
        pipeline, _pipeline = _pipeline, None
    if pipeline is None or pipeline.shutdown(timeout_s):
        return True
    _late.append(pipeline)
    return False


def losses() -> Mapping[str, int]:
    """Return how much was lost in this process so far, by reason.

    Frames; for `export` spans, for `logs` log records, for `metrics` exports that failed.
    """
    return _losses.counts()


def redactor_of(redact: Redact, environ: Mapping[str, str]) -> Redactor | None:
    """Return the redactor that a `redact` argument asks for, one that knows the environment's secrets."""
    if isinstance(redact, Redactor):
        return redact.knowing(secret_values(environ))
    if isinstance(redact, bool):
        return Redactor(values=secret_values(environ)) if redact else None
    return Redactor(values=secret_values(environ), function=redact)


def _running() -> Pipeline:
    global _pipeline
    with _lock:
        if _pipeline is None:
            _pipeline = Pipeline(os.environ, _losses)
            # Registered now, so that it runs before the exit handlers of providers that exist already.
            atexit.unregister(_at_exit)
            atexit.register(_at_exit)
            if multiprocessing.parent_process() is not None:
                # Its children leave by `os._exit`, without exit handlers, but run their own finalizers.
                multiprocessing.util.Finalize(None, _at_exit, exitpriority=_LAST)
        if not _exiting and _pipeline.start() and _pipeline.settings.flush_on_sigterm:
            _install_termination()
        return _pipeline


def _install_termination() -> None:
    try:
        _termination.install()
    except (OSError, RuntimeError) as error:
        _losses.say(f"a SIGTERM may end the process before all is committed, as nobody can watch: {error}.")


def _at_exit() -> None:
    global _exiting
    _exiting = True  # handlers that run later may observe, but a thread would not outlive them
    shutdown(EXIT_TIMEOUT_S)
    deadline = time.monotonic() + LEAVE_TIMEOUT_S
    if [each for each in _late if not each.leave(max(0.0, deadline - time.monotonic()))]:
        keep_open()
        survive_a_late_return()
    _termination.uninstall()


def _at_sigterm() -> None:
    shutdown(EXIT_TIMEOUT_S)


_termination: Final = Termination(_at_sigterm, EXIT_TIMEOUT_S)


def _after_fork() -> None:
    global _lock, _pipeline, _exiting
    _lock, _exiting = threading.Lock(), False
    _losses.reset()
    if _pipeline is not None:
        _pipeline.orphan(_losses)
        _pipeline = None
    _late.clear()
    _termination.forget_after_fork()
    providers.forget_after_fork()


os.register_at_fork(after_in_child=_after_fork)
