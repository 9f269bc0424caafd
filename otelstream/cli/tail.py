"""`otelstream tail`: the newest frames of a recording, and those that come."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

import recorder
from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.frameline import frame_line
from otelstream.cli.terminal import wait_for_reader
from otelstream.errors import RecordingError
from otelstream.frame import frame_json
from recorder import Recording, Seen, Tail

POLL_S: Final = 0.4
"""How often a recording that is followed is looked at, in seconds."""


def tail(
    recording: RecordingPath,
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many frames.")] = 10,
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", help="Only this session, named as in `show`. [default: all]"),
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as frames come, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the newest frames of a recording, also while it is being written."""
    with _opened(recording, follow=follow) as opened:
        only = None if session is None else opened.session(session).start.session_id
        tailed = Tail(opened, only)
        _print(tailed.newest(count), as_json=as_json)
        told = _tell(opened, set())
        absence = _Absence()
        while follow:
            wait_for_reader(POLL_S)
            with absence.waited_for():
                _print(tailed.since(), as_json=as_json)
            told = _tell(opened, told)


def _opened(path: Path, *, follow: bool) -> Recording:
    if not follow:
        return recorder.open(path)
    absence = _Absence()
    while True:
        with absence.waited_for():
            return recorder.open(path)
        wait_for_reader(POLL_S)


class _Absence:
    """Waits for a recording that is not there, yet or any more, and says so once each time."""

    def __init__(self) -> None:
        self._is_told = False

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Let pass that the recording is not there; what else is wrong with it is raised."""
        try:
            yield
        except RecordingError as error:
            if error.fault != "missing":
                raise
            if not self._is_told:
                print(f"otelstream: {error} It is waited for.", file=sys.stderr)
            self._is_told = True
        else:
            self._is_told = False


def _print(frames: Iterable[Seen], *, as_json: bool) -> None:
    for seen in frames:
        print(frame_json(seen.frame) if as_json else frame_line(seen.session, seen.frame))
    sys.stdout.flush()


def _tell(recording: Recording, told: set[str]) -> set[str]:
    """Say which files are left out, each once for each reason."""
    sentences = [sentence for _, sentence in recording.skipped if sentence not in told]
    for sentence in sentences:
        print(f"otelstream: left out: {sentence}", file=sys.stderr)
    return told.union(sentences)
