"""Where a text recording was made, and how a copy comes to say less of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from recorder.session_row import SessionStart
from recorder.text.headers import HEADER_FIELD
from recorder.text.lines import header_line
from recorder.text.parsing import said_by

_START: Final = f'{{"{HEADER_FIELD}":'.encode()


def copy_without_origin(source: Path, target: Path, recorded_as: Path) -> None:
    """Copy a text recording; what was recorded into one file names neither host, process nor folder.

    Args:
        source: The recording.
        target: The copy.
        recorded_as: That file. Its own folder must have a name that no other has: the path may be noted
            with other folders above, where some are links.

    Raises:
        OSError: It cannot be copied.
    """
    with source.open("rb") as lines, target.open("wb") as copy:
        copy.writelines(_without_origin(line, recorded_as) for line in lines)


def _without_origin(line: bytes, recorded_as: Path) -> bytes:
    start = said_by(line) if line.startswith(_START) else None
    if not isinstance(start, SessionStart) or Path(start.recorded_as).parts[-2:] != recorded_as.parts[-2:]:
        return line
    return header_line(replace(start, recorded_as=recorded_as.name, host="", pid=0))
