"""How a replayed session ended, for a person and for a program."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import typer
from pydantic_core import to_json

from otelstream.cli.terminal import plain
from otelstream.cli.watch import Watched, sentence_of
from otelstream.errors import RecordingError
from otelstream.jsontext import encode_json
from recorder import StreamSession
from recorder.classes import describe


@dataclass(frozen=True, slots=True)
class Ending:
    """How a replay ended.

    Attributes:
        state: `completed`, `failed`, `cancelled`, or another word for a replay that did not reach the end.
        frames: How many frames it had.
        result: What the run gave, None if it gave nothing.
        error: The exception that ended it.
    """

    state: str
    frames: int
    result: object
    error: Exception | None


def ending_of(stream: StreamSession[object], watched: Watched, cut: str | None = None) -> Ending:
    """Return how a replay ended.

    Args:
        stream: The replay.
        watched: What came of it.
        cut: What to call it if it ended before the session did; None if it did not.

    Raises:
        RecordingError: The recording could not be read to its end.
    """
    error = watched.error
    if isinstance(error, RecordingError):
        raise error
    ended = "failed" if error is not None else "cancelled" if stream.is_cancelled else "completed"
    result = None if error is not None else _result(stream)
    return Ending(cut or ended, watched.frames, result, error)


def tell(ending: Ending, *, as_json: bool = False) -> None:
    """Print how a replay ended; leave with the exit code 1 if the run failed."""
    error = ending.error
    if as_json:
        facts = {
            "state": ending.state,
            "frames": ending.frames,
            "result": ending.result,
            "error": None if error is None else {"type": type(error).__name__, "message": str(error)},
        }
        print(_json(facts))
    else:
        result = plain(describe(ending.result, limit=None))
        print(f"{ending.state}, {ending.frames} frames, result: {result}", flush=True)
        if error is not None:
            print(f"otelstream: the run failed: {sentence_of(error)}", file=sys.stderr)
    if error is not None:
        raise typer.Exit(1)


def _json(facts: dict[str, object]) -> str:
    try:
        return to_json(facts, indent=2, fallback=str, inf_nan_mode="null").decode()
    except ValueError:  # a text in it is no Unicode, or its bytes are no text
        return encode_json(facts, nan="null")


def _result(stream: StreamSession[object]) -> object:
    try:
        return stream.result
    except RuntimeError:
        return None  # cancelled, or died, before it gave one
