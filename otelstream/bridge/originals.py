"""Recordings as sources of a copy: their sessions, and what keeps others from writing them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otelstream.errors import RecordingError
from recorder.commits import Connect
from recorder.connecting import connecting
from recorder.faults import sentence_for
from recorder.listing import keys_of, sessions_of
from recorder.locks import is_being_written
from recorder.names import real_path
from recorder.sandbox import Sandbox
from recorder.session_row import RecordedSession
from recorder.source import Source
from recorder.writer import Writer

_IS_WRITTEN: Final = "{} is being written; wait until its process has ended."


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A recording file that is open for copying.

    Attributes:
        path: The file.
        connect: Gives a connection to it.
    """

    path: Path
    connect: Connect

    def sessions(self) -> Iterator[RecordedSession]:
        """Yield its sessions, oldest first, one in memory at a time. Raises `RecordingError`."""
        with self.connect() as connection:
            keys = sorted(keys_of(connection, self.path), key=lambda key: (key.started_at, key.session_id))
        for key in keys:
            yield self.session(key.number)

    def session(self, number: int) -> RecordedSession:
        """Return the session of a number. Raises `RecordingError`."""
        with self.connect() as connection:
            (session,) = sessions_of(connection, self.path, live=False, number=number)
        return session


@contextmanager
def opened(file: Path) -> Iterator[OpenFile]:
    """Open a file for copying; others may write it when they want to.

    Raises:
        RecordingError: The file is missing, no recording, being written, or damaged.
    """
    _refuse_live(file)
    with closing(Sandbox([real_path(file)])) as sandbox, connecting(Source(file, sandbox)) as connect:
        yield OpenFile(file, connect)


@contextmanager
def held(file: Path) -> Iterator[OpenFile]:
    """Open a file that shall be replaced: meanwhile nobody else can write it, and all of it is in one file.

    Raises:
        RecordingError: The file is missing, no recording, being written, or damaged.
    """
    _refuse_live(file)
    Writer(file).close()  # brings it to the current format, and its WAL into it
    with closing(Sandbox([real_path(file)])) as sandbox:
        source = Source(file, sandbox)
        with source.connection() as connection:
            if source.live or source.place != source.real:  # a copy: somebody has begun to write it
                raise RecordingError(_IS_WRITTEN.format(file))
            yield OpenFile(file, lambda: nullcontext(connection))


def _refuse_live(file: Path) -> None:
    try:
        if is_being_written(file):
            raise RecordingError(_IS_WRITTEN.format(file))
    except OSError as error:
        raise RecordingError(sentence_for(file, error)) from None
