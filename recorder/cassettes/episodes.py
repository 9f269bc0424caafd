"""The sessions of a recording in the order in which a test wrapped them.

A recording is ordered by the times at which its sessions began, and two that run at the same time may begin
in any order: so each says which one it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recorder.reader import open_recording
from recorder.session_row import RecordedSession

_LABEL: Final = re.compile(r".*#([0-9]{1,9})", re.DOTALL)


def label(test: str, number: int) -> str:
    """Return what a session is told that it is: the test that recorded it, and its number there from 0."""
    return f"{test}#{number}"


def number_of(session: RecordedSession) -> int:
    """Return the number of an episode; that of a session which no test recorded is its index."""
    match = _LABEL.fullmatch(session.start.entry_point or "")
    return int(match[1]) if match else session.index


def episodes_in(path: Path) -> list[RecordedSession]:
    """Return the episodes of a recording, none if there is no such file.

    Raises:
        RecordingError: It is no recording, or damaged.
    """
    if not path.exists():
        return []
    with open_recording(path) as recording:
        return sorted(recording.sessions(), key=number_of)


def next_number(episodes: Sequence[RecordedSession]) -> int:
    """Return the number of an episode that is added."""
    return max(map(number_of, episodes), default=-1) + 1
