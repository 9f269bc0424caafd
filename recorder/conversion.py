"""From one form of a recording to the other, with the spans that a database has and text has not.

The one module of the recorder that asks the bridge for something, and only when it is called: it is there
that spans are made of frames.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.text.source import TextSource


def make_database(source: TextSource, path: Path) -> None:
    """Make a database of what a text recording holds now, also of sessions that go on.

    Raises:
        RecordingError: The text is damaged, or the database cannot be written.
    """
    from otelstream.bridge.converting import make_database as make

    make(source, path)
