"""One test at a time makes a recording of one name: the others, in whatever process, wait for their turn."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from otelstream.errors import RecordingError


class Turn:
    """The right to make one recording; it ends with its process.

    Its lock is no file beside the recording, which would come into people's repositories, but one in the
    folder for temporary files.

    Args:
        path: The recording.
    """

    def __init__(self, path: Path) -> None:
        self._name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
        self._descriptor: int | None = None

    @property
    def is_taken(self) -> bool:
        """Whether this test has it."""
        return self._descriptor is not None

    def take(self) -> None:
        """Wait until nobody else has it.

        Raises:
            RecordingError: There is no place for the lock.
        """
        if sys.platform == "win32":
            self._descriptor = -1
            return
        try:
            self._descriptor = _locked(self._name)
        except OSError as error:
            raise RecordingError(
                f"nothing is recorded without a lock in the folder for temporary files: {error};"
                " set TMPDIR to another one.",
                "disk",
            ) from None

    def give_up(self) -> None:
        """Let the next one have it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and descriptor >= 0:
            os.close(descriptor)


def _locked(name: str) -> int:
    """Return the descriptor of a file that nobody else has locked; it waits for that."""
    import fcntl

    folder = Path(tempfile.gettempdir(), f"otelstream-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:  # Ctrl-C, too
        os.close(descriptor)
        raise
    return descriptor
