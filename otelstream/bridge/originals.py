"""Recordings as sources of a copy: their sessions, and what keeps others from writing them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from otelstream.bridge.rewrite import Recorded
from otelstream.bridge.rewritetext import RecordedText
from otelstream.errors import RecordingError
from recorder.commits import Connect
from recorder.connecting import connecting
from recorder.faults import sentence_for
from recorder.listing import Key, keys_of, sessions_of
from recorder.locks import is_being_written
from recorder.names import is_text, real_path
from recorder.sandbox import Sandbox
from recorder.session_row import RecordedSession
from recorder.source import Source
from recorder.text.source import TextSource
from recorder.text.writer import TextWriter
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

    def keys(self) -> list[Key]:
        """Return its sessions, in no order. Raises `RecordingError`."""
        with self.connect() as connection:
            return keys_of(connection, self.path)

    def sessions(self) -> Iterator[RecordedSession]:
        """Yield its sessions, oldest first, one in memory at a time. Raises `RecordingError`."""
        for key in sorted(self.keys(), key=lambda key: (key.started_at, key.session_id)):
            yield self.session(key.number)

    def session(self, number: int) -> RecordedSession:
        """Return the session of a number. Raises `RecordingError`."""
        with self.connect() as connection:
            (session,) = sessions_of(connection, self.path, live=False, number=number)
        return session

    def original(self, session: RecordedSession) -> Recorded:
        """Return a session as what can be copied."""
        return Recorded(self.connect, session)


@dataclass(frozen=True, slots=True)
class OpenText(OpenFile):
    """A text recording that is open for copying; tables are made of it where somebody connects to it.

    Attributes:
        source: The file.
    """

    source: TextSource

    def keys(self) -> list[Key]:
        """Return its sessions, in no order. Raises `RecordingError`."""
        return self.source.keys()

    def session(self, number: int) -> RecordedSession:
        """Return the session of a number. Raises `RecordingError`."""
        (session,) = self.source.sessions(number)
        # Nobody else writes it: who holds it here has ended all of its sessions.
        return replace(session, state="crashed") if session.end is None else session

    def original(self, session: RecordedSession) -> Recorded:
        """Return a session as what can be copied."""
        return RecordedText(self.source, session)


@contextmanager
def opened(file: Path) -> Iterator[OpenFile]:
    """Open a file for copying; others may write it when they want to.

    Raises:
        RecordingError: The file is missing, no recording, being written, or damaged.
    """
    _refuse_live(file)
    if is_text(file):
        with opened_text(file) as text:
            yield text
        return
    with closing(Sandbox([real_path(file)])) as sandbox, connecting(Source(file, sandbox)) as connect:
        yield OpenFile(file, connect)


@contextmanager
def held(file: Path) -> Iterator[OpenFile]:
    """Open a file that shall be replaced: meanwhile nobody else can write it, and all of it is in one file.

    Raises:
        RecordingError: The file is missing, no recording, being written, or damaged.
    """
    _refuse_live(file)
    if is_text(file):
        with closing(TextWriter(file)), opened_text(file) as text:
            yield text
        return
    Writer(file).close()  # brings it to the current format, and its WAL into it
    with closing(Sandbox([real_path(file)])) as sandbox:
        source = Source(file, sandbox)
        with source.connection() as connection:
            if source.live or source.place != source.real:  # a copy: somebody has begun to write it
                raise RecordingError(_IS_WRITTEN.format(file))
            yield OpenFile(file, lambda: nullcontext(connection))


@contextmanager
def opened_text(file: Path) -> Iterator[OpenText]:
    """Open a text recording that nobody else writes. What is wrong with it is raised when it is read."""
    with closing(Sandbox([])) as sandbox:
        source = TextSource(file, lambda: sandbox)
        yield OpenText(file, source.connection, source)


def _refuse_live(file: Path) -> None:
    try:
        if is_being_written(file):
            raise RecordingError(_IS_WRITTEN.format(file))
    except OSError as error:
        raise RecordingError(sentence_for(file, error)) from None
