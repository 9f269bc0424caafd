"""`otelstream replay`: a recorded session again, as its consumer saw it."""

from __future__ import annotations

import sys

import typer
from pydantic_core import to_json

import recorder
from otelstream.cli.arguments import AsJson, RecordingPath, SessionName
from otelstream.cli.opening import opened
from otelstream.cli.watch import sentence_of, watch
from otelstream.errors import RecordingError
from recorder import StreamSession


def replay(recording: RecordingPath, session: SessionName = "last", *, as_json: AsJson = False) -> None:
    """Replay a session: print its text as it was streamed, then its result. Exit code 1 if the run failed."""
    with opened(recording) as reading:
        recorded = reading.session(session)
    stream = recorder.replay(recorded.file, recorded.start.session_id)
    watched = watch(stream, quiet=as_json)
    error = watched.error
    if isinstance(error, RecordingError):
        raise error
    ended = "failed" if error is not None else "cancelled" if stream.is_cancelled else "completed"
    result = None if error is not None else _result(stream)
    if as_json:
        facts = {
            "state": ended,
            "frames": len(stream.frames),
            "result": result,
            "error": None if error is None else {"type": type(error).__name__, "message": str(error)},
        }
        print(to_json(facts, indent=2, fallback=str, inf_nan_mode="null").decode())
    else:
        print(f"{ended}, {len(stream.frames)} frames, result: {result!r}")
        if error is not None:
            print(f"otelstream: the run failed: {sentence_of(error)}", file=sys.stderr)
    if error is not None:
        raise typer.Exit(1)


def _result(stream: StreamSession[object]) -> object:
    try:
        return stream.result
    except RuntimeError:
        return None  # cancelled, or died, before it gave one
