"""A recording to spans again: its frames take the same path as those of a live run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from opentelemetry.trace import SpanContext, TraceFlags, TracerProvider

from otelstream import __version__
from otelstream.bridge.spans import fitted
from otelstream.bridge.stages import recording_attributes
from otelstream.export.tracer import SCOPE_NAME, TracerSink
from otelstream.redact import Redactor, redacted
from otelstream.span import ids
from otelstream.span.assembler import SpanAssembler
from otelstream.span.model import EarlierName, Follow, Operation
from otelstream.span.options import SpanOptions
from otelstream.span.tree import SpanNode, tree_of
from recorder import RecordedSession, Recording
from recorder.session_row import SessionStart

_TIES: Final[dict[EarlierName, tuple[str, str]]] = {
    "conversation": ("conversation_turn_started", "$.session_id"),
    "resumed": ("method_execution_started", "$.state.id"),
}
"""The frames that hold what ties sessions together, and where in `data`."""

_TIED: Final = "SELECT DISTINCT session_id FROM frames WHERE type = ? AND (data ->> ?) = ?"


def operations(
    recording: Recording, session: RecordedSession, options: SpanOptions, redactor: Redactor | None
) -> Iterator[Operation]:
    """Yield the span operations of a recorded session: those of its live run, in the same order.

    Raises:
        RecordingError: The file is damaged.
    """
    spans = SpanAssembler(options)
    for frame in redacted(recording.frames(session), redactor):
        yield from spans.feed(frame)
    dropped = 0 if session.end is None else session.end.frames_dropped
    start = session.start
    yield from spans.close(
        session.outcome, recording_attributes(start.recorded_as, start.session_id, dropped)
    )


def span_tree(recording: Recording, session: RecordedSession, options: SpanOptions) -> SpanNode | None:
    """Return the root span of a recorded session with everything beneath it; None if it has no frames.

    Raises:
        RecordingError: The file is damaged.
    """
    return tree_of(operations(recording, session, options, None))


def export(
    recording: Recording,
    session: RecordedSession,
    provider: TracerProvider,
    options: SpanOptions,
    redactor: Redactor | None,
) -> int | None:
    """Send the spans of a recorded session to a provider; return the trace's 128-bit id.

    With a `FrameIdGenerator` in the provider, ids are those of the live export by one.

    Raises:
        RecordingError: The file is damaged.
    """
    options = replace(options, events="span")  # log records are for live runs
    tracer = provider.get_tracer(SCOPE_NAME, __version__)
    sink = TracerSink(
        tracer,
        _parent_of(session.start),
        earlier=lambda relation, tie, _: _earlier(recording, session, options, Follow("", relation, tie)),
        content_form=options.content_form,
    )
    sink.apply(operations(recording, session, fitted(options, provider), redactor))
    return sink.trace_id


def _earlier(
    recording: Recording, session: RecordedSession, options: SpanOptions, follow: Follow
) -> SpanContext | None:
    """Return the root of the latest earlier session of the recording with that tie, None without one."""
    with recording.connection() as connection:
        rows = connection.execute(_TIED, [*_TIES[follow.relation], follow.id]).fetchall()
    tied = {session_id for (session_id,) in rows}
    for other in reversed(recording.sessions()[: session.index]):
        if other.start.session_id in tied:
            spans = SpanAssembler(options)
            said = (operation for frame in recording.frames(other) for operation in spans.feed(frame))
            for operation in said:
                if isinstance(operation, Follow):
                    if replace(operation, key="") == follow:
                        return _root_of(other.start, operation.key)
                    break  # a flow inside that session has the tie, not the session
    return None


def _root_of(start: SessionStart, key: str) -> SpanContext:
    parent = _parent_of(start)
    return SpanContext(
        trace_id=ids.trace_id(key) if parent is None else parent.trace_id,
        span_id=ids.span_id(key, key),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _parent_of(start: SessionStart) -> SpanContext | None:
    if start.parent_trace_id is None or start.parent_span_id is None:
        return None
    return SpanContext(
        trace_id=int(start.parent_trace_id, 16),
        span_id=int(start.parent_span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if start.parent_sampled else TraceFlags.DEFAULT),
    )
