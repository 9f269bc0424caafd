"""Running a session to its end on a terminal, whatever that end is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import otelstream
from otelstream.cli.terminal import plain, wait_for_reader
from otelstream.frame import FrameLike
from recorder.classes import describe


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a session: how many frames, and the exception that ended it, if one did."""

    frames: int
    error: Exception | None = None


def watch(session: Iterable[FrameLike], *, quiet: bool = False) -> Watched:
    """Print the text of a session's frames as they come, unless quiet; return what came of it."""
    text = _Text()
    try:
        return consume(session, (lambda _: None) if quiet else text.show)
    finally:
        text.end()


def consume(session: Iterable[FrameLike], show: Callable[[FrameLike], None]) -> Watched:
    """Show every frame of a session as it comes; return what came of it.

    Raises:
        OSError: The output cannot be written.
    """
    frames, stream = 0, iter(session)
    while True:
        try:
            frame = next(stream, None)
        except Exception as error:  # noqa: BLE001  the observed program's own, whatever it is
            if isinstance(error, BrokenPipeError):
                wait_for_reader(0.0)  # raises where it is not the program's own
            # CrewAI keeps the exception for ever; its traceback would keep this program's frames, and with
            # them DuckDB, whose binding complains on stderr about whatever outlives the interpreter.
            return Watched(frames, error.with_traceback(None))
        if frame is None:
            return Watched(frames)
        frames += 1
        show(frame)


class _Text:
    """Prints text as it is streamed, that of each call on lines of its own."""

    def __init__(self) -> None:
        self._speaker: tuple[object] | None = None

    def show(self, frame: FrameLike) -> None:
        """Print what a frame says."""
        chunk = frame.data.get("chunk")
        if isinstance(chunk, str) and chunk:
            speaker = (frame.data.get("call_id"),)
            spoken = plain(chunk, keep="\n\t")
            print("" if self._speaker in (None, speaker) else "\n", spoken, sep="", end="", flush=True)
            self._speaker = speaker

    def end(self) -> None:
        """End the last line."""
        if self._speaker is not None:
            print()


def sentence_of(error: BaseException) -> str:
    """Return class and first line of an exception's text."""
    text = describe(error, str, None)  # its own code, which may fail, too
    return plain(f"{type(error).__name__}: {text}".partition("\n")[0])


def report(record: Path | None, frames: int) -> bool:
    """Say on stderr what was recorded and what was lost; return whether all went where it should."""
    lost = otelstream.losses()
    if record is not None and not lost.get("recording"):
        print(f"{frames} frames recorded in {record}", file=sys.stderr)
    for reason, count in lost.items():
        print(f"otelstream: {count} lost ({reason})", file=sys.stderr)
    return not lost
