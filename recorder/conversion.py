"""From one form of a recording to the other, with the spans that a database has and text has not.

The one module of the recorder that asks the bridge for something, and only when it is called: it is there
that spans are made of frames.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.listing import Selector

if TYPE_CHECKING:
    from recorder.text.source import TextSource


def make_database(source: TextSource, path: Path) -> None:
    """Make a database of what a text recording holds now, also of sessions that go on.

    Raises:
        RecordingError: The text is damaged, or the database cannot be written.
    """
    from otelstream.bridge.converting import make_database as make

    make(source, path)


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    session: Selector | None = None,
    *,
    accept_damage: bool = False,
) -> None:
    """Copy a recording into a new one, text (`*.jsonl`) or a database (every other name), without loss.

    Sessions, frames, gaps, results and errors are the same in both; what a database has besides, spans and
    the hash chain, is made of the frames. The new recording gets its name when it has been read again.

    Args:
        source: The recording: a file of either form, a directory, or a pattern.
        target: The file to make.
        session: The only session to copy, named as in `replay`; by default all of them.
        accept_damage: Whether what the hash chain of a database does not vouch for is copied all the same.

    Raises:
        RecordingError: `target` exists or cannot be made; the source is missing, being written, or damaged.
        SessionNotFoundError: It holds no such session.
    """
    from otelstream.bridge.converting import convert as copy

    copy(Path(source), Path(target), session, accept_damage=accept_damage)
