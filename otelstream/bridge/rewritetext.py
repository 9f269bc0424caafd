"""Sessions of text recordings, for copies of them."""

from __future__ import annotations

from collections.abc import Iterator

from otelstream.bridge.rewrite import Recorded
from otelstream.bridge.storedspans import StoredSpans
from recorder.session_row import Item, RecordedSession, SessionEnd
from recorder.text.source import TextSource


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
