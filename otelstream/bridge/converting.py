"""Recordings from one form to the other: a database of text, text of a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from otelstream.bridge.rewrite import Recorded, copy_session
from otelstream.bridge.spans import options_of
from otelstream.bridge.storedspans import StoredSpans
from otelstream.config import Settings
from otelstream.errors import RecordingError
from otelstream.span.rules import Pair
from recorder.session_row import Item, RecordedSession, SessionEnd
from recorder.text.source import TextSource
from recorder.writer import Writer


class RecordedText(Recorded):
    """A session of a text recording, for copying; one that goes on has no end."""

    def __init__(self, source: TextSource, session: RecordedSession) -> None:
        super().__init__(source.connection, session)
        self._source = source

    def _stored(self) -> Iterator[Item]:
        return self._source.items(self._session)

    def end(self) -> SessionEnd | None:
        """Return how it ended, once all items have been taken; None if it goes on."""
        return None if self._session.state == "recording" else super().end()

    def own_spans(self) -> StoredSpans | None:
        """Return nothing, as text has no spans."""
        return None


def make_database(source: TextSource, path: Path) -> None:
    """Make a database of what a text recording holds now, also of sessions that go on.

    Raises:
        RecordingError: The text is damaged, or the database cannot be written.
    """
    writer = Writer(path)
    try:
        for session in source.sessions():
            copy_session(RecordedText(source, session), writer, rows=_rows())
    finally:
        with suppress(RecordingError):
            writer.close()


def _rows() -> tuple[Pair, ...]:
    """Return start and end types of the user's own, as the process's variables give them."""
    return options_of(Settings.from_environ(os.environ)[0])[0].rows
