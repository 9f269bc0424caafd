"""Recordings from one form to the other: a database of text, text of a database."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from otelstream.bridge.merging import Merge, merge
from otelstream.bridge.rewrite import copy_session
from otelstream.bridge.rewritetext import RecordedText
from otelstream.bridge.spans import options_of
from otelstream.config import Settings
from otelstream.errors import RecordingError
from otelstream.span.rules import Pair
from recorder.listing import Selector
from recorder.text.source import TextSource
from recorder.writer import Writer


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


def convert(
    source: Path, target: Path, session: Selector | None = None, *, accept_damage: bool = False
) -> Merge:
    """Copy a recording into a new one of the form that its name asks for; see `recorder.convert`.

    Raises:
        RecordingError: `target` exists or cannot be made; the source is missing, being written, or damaged.
        SessionNotFoundError: It holds no such session.
    """
    if os.path.lexists(target):
        raise RecordingError(f"{target} exists; choose another name.")
    return merge([source], target, session=session, accept_damage=accept_damage, rows=_rows())


def _rows() -> tuple[Pair, ...]:
    """Return start and end types of the user's own, as the process's variables give them."""
    return options_of(Settings.from_environ(os.environ)[0])[0].rows
