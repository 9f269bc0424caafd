"""The recording files that are open in this process: who uses them, and which are left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.stages import RecordingFile

NOTICEABLE_S: Final = 0.1
BACK_OFF_S: Final = 5.0
"""How long a file is left alone once opening it took a noticeable time and failed, in seconds."""


class RecordingFiles:
    """One writer per file, shared by the sessions that record into it."""

    def __init__(self, attempt: Attempts) -> None:
        self._attempt = attempt
        self._files: dict[Path, RecordingFile] = {}
        self._held_until: dict[Path, float] = {}

    def __iter__(self) -> Iterator[RecordingFile]:
        return iter(list(self._files.values()))

    def use(self, path: Path) -> RecordingFile | None:
        """Return the file, open for writing; None if it cannot be, or could not be a moment ago.

        Waiting for a file that somebody else holds delays every session of the process, so it is not tried
        again for each.
        """
        file = self._files.get(path) or self._opened(path)
        if file is not None:
            file.users += 1
        return file

    def commit(self, file: RecordingFile) -> bool:
        """Commit a file; if that fails it is given up, what was pending is counted, and False returned."""
        if self._attempt("recording", file.pending, file.flush):
            return True
        self._files.pop(file.path, None)
        file.broken = True
        self._attempt("recording", 0, file.close)
        return False

    def leave(self, file: RecordingFile) -> None:
        """Take note that one session is done with a file; the last one closes it."""
        file.users -= 1
        if not file.broken and self.commit(file) and file.users == 0:
            del self._files[file.path]
            self._attempt("recording", 0, file.close)

    def _opened(self, path: Path) -> RecordingFile | None:
        now = time.monotonic()
        if now < self._held_until.get(path, 0.0):
            return None
        file = RecordingFile(path)
        if self._attempt("recording", 0, file.open):
            self._files[path] = file
            self._held_until.pop(path, None)
            return file
        if time.monotonic() - now > NOTICEABLE_S:
            self._held_until[path] = time.monotonic() + BACK_OFF_S
        return None
