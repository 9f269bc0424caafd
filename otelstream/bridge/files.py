"""The recording files that are open in this process: one by name, or one of its own in a directory.

A directory gets `YYYY-MM-DD/host-pid-….duckdb`; a file that has become old or big takes no more sessions, and
is closed when its last session has ended, so that no session is ever split.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.targets import Target, new_path
from otelstream.errors import RecordingError
from recorder.database import PATIENCE_S
from recorder.writing import AnyWriter, writer_of

NOTICEABLE_S: Final = 0.1
BACK_OFF_S: Final = 5.0
"""How long a file is left alone once opening it took a noticeable time and failed, in seconds."""

RETRY_S: Final = 0.5
"""How long a file is left alone that somebody else has, in seconds; it delays nobody by then."""

STOPPED_S: Final = 60.0
"""How long nothing is recorded to a place where the disk is full or broken, in seconds."""

Refusal = Literal["taken", "failed"]
"""Why there is no file for a session: somebody else has it for now, or it cannot be written."""

IDLE_S: Final = 10.0
"""How long a directory's file stays open without a session, in seconds."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a directory's file takes no more sessions: at that size in bytes, or that age in seconds."""

    size: int
    age_s: float


class RecordingFile:
    """A recording that sessions of this process share.

    Attributes:
        users: Sessions that are being recorded into it.
        broken: Whether a commit failed, so that nothing more goes into it.
        opened_at: Monotonic time of its first opening, in seconds.
        left_at: Monotonic time at which a session last ended, in seconds.
    """

    def __init__(self, target: Target, path: Path) -> None:
        self.target = target
        self.path = path
        self.users = 0
        self.broken = False
        self.opened_at = self.left_at = time.monotonic()
        self._writer: AnyWriter | None = None

    @property
    def writer(self) -> AnyWriter:
        """The open writer.

        Raises:
            RecordingError: The file is closed.
        """
        if self._writer is None:
            raise RecordingError(f"{self.path} is not being recorded.")
        return self._writer

    @property
    def pending(self) -> int:
        """Frames that are not committed yet."""
        return 0 if self._writer is None else self._writer.pending

    @property
    def size(self) -> int:
        """Bytes that it takes on the disk, its WAL included."""
        return sum(part.stat().st_size for part in (self.path, _wal(self.path)) if part.exists())

    @property
    def is_in_place(self) -> bool:
        """Whether it still has its name: nobody has removed, moved or replaced it."""
        return self._writer is None or self._writer.is_in_place

    def open(self, patience_s: float) -> None:
        """Open the file unless it is open. Raises `RecordingError` if it cannot be written."""
        if self._writer is None:
            self._writer = writer_of(self.path, patience_s=patience_s)

    def flush(self) -> bool:
        """Commit; return whether there was anything. Raises `RecordingError`: what was pending is lost."""
        return self._writer is not None and self._writer.flush()

    def checkpoint(self) -> None:
        """Move what was committed into the file, if it has become much. Raises `RecordingError`."""
        if self._writer is not None:
            self._writer.checkpoint()

    def close(self) -> None:
        """Give the file back to other processes."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def abandon(self) -> None:
        """Give the file up, as a commit failed."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(abandoned=True)


class RecordingFiles:
    """One writer per file, shared by the sessions that record into it.

    Args:
        attempt: Runs what may fail.
        rotation: When a directory's file takes no more sessions.
        committed: Called with the seconds that a commit took; must not raise.
    """

    def __init__(
        self, attempt: Attempts, rotation: Rotation, committed: Callable[[float], object] = float
    ) -> None:
        self._attempt = attempt
        self._rotation = rotation
        self._committed = committed
        self._files: dict[Path, RecordingFile] = {}
        self._current: dict[Path, RecordingFile] = {}
        self._held_until: dict[Path, tuple[float, Refusal]] = {}

    def __iter__(self) -> Iterator[RecordingFile]:
        return iter(list(self._files.values()))

    def use(self, target: Target) -> RecordingFile | Refusal:
        """Return the file for a session, open for writing, or why there is none just now.

        Waiting for a file that somebody else holds delays every session of the process, so it is not tried
        again for each.
        """
        file = self._at(target)
        if file.path not in self._files:
            refusal = self._opened(file)
            if refusal == "taken" and target.is_directory:
                file = RecordingFile(target, new_path(target.path))
                refusal = self._opened(file)
            if refusal is not None:
                return refusal
        file.users += 1
        return file

    def commit(self, file: RecordingFile) -> bool:
        """Commit a file; if that fails it is given up, what was pending is counted, and False returned."""
        if not (file.users or file.pending or file.is_in_place):
            self._give_up(file)  # retention has taken it away: nothing is lost, and nothing to be said
            return False
        error = self._error_of(lambda: self._flush(file), file.pending) or self._error_of(file.checkpoint)
        if error is None:
            return True
        self._give_up(file)
        if error.fault == "disk" or not file.target.is_directory:
            self._held_until[file.target.path] = (time.monotonic() + STOPPED_S, "failed")
        return False

    def leave(self, file: RecordingFile) -> None:
        """Take note that one session is done with a file; the last one closes it, if it was named."""
        file.users -= 1
        file.left_at = time.monotonic()
        if not file.broken and self.commit(file) and file.users == 0 and not file.target.is_directory:
            self._close(file)

    def tidy(self) -> None:
        """Close the files of directories that no session uses and that are old, big, or idle."""
        now = time.monotonic()
        for file in self:
            is_free = file.target.is_directory and not file.users
            if is_free and (self._is_full(file) or now - file.left_at > IDLE_S):
                self._close(file)

    def close(self) -> None:
        """Close the files that no session uses."""
        for file in self:
            if not file.users:
                self._close(file)

    def _flush(self, file: RecordingFile) -> None:
        began = time.monotonic()
        if file.flush():
            self._committed(time.monotonic() - began)

    def _is_full(self, file: RecordingFile) -> bool:
        return file.size > self._rotation.size or time.monotonic() - file.opened_at > self._rotation.age_s

    def _at(self, target: Target) -> RecordingFile:
        """Return the file that takes the next session, whether it is open or not."""
        file = self._current.get(target.path) if target.is_directory else self._files.get(target.path)
        if file is None:
            path = new_path(target.path) if target.is_directory else target.path
            return RecordingFile(target, path)
        if target.is_directory and (self._is_full(file) or not file.is_in_place):
            return RecordingFile(target, new_path(target.path))
        return file

    def _opened(self, file: RecordingFile) -> Refusal | None:
        """Open a file; return why it cannot be, None if it is open."""
        now, place = time.monotonic(), file.target.path
        until, refusal = self._held_until.get(place, (0.0, None))
        if now < until:
            return refusal
        patience_s = 0.0 if refusal == "taken" or file.target.is_directory else PATIENCE_S
        error = self._error_of(lambda: file.open(patience_s))
        if error is None:
            self._files[file.path] = file
            if file.target.is_directory:
                self._current[place] = file
            self._held_until.pop(place, None)
            return None
        if error.fault == "taken":
            self._note_taken(file, error)
            return "taken"
        if time.monotonic() - now > NOTICEABLE_S or file.target.is_directory:
            self._held_until[place] = (time.monotonic() + BACK_OFF_S, "failed")
        return "failed"

    def _note_taken(self, file: RecordingFile, error: RecordingError) -> None:
        if not file.target.is_directory:  # a directory gets another file
            self._held_until[file.path] = (time.monotonic() + RETRY_S, "taken")
            sentence = f"{error} Frames are kept until it is free, as far as there is room."
            self._attempt.say(sentence, f"{file.path} is taken")

    def _error_of(self, step: Callable[[], object], lost: int = 0) -> RecordingError | None:
        """Run a step; return what was wrong, and count what it cost, unless the file is only taken."""
        errors: list[RecordingError] = []

        def run() -> None:
            try:
                step()
            except RecordingError as error:
                errors.append(error)
                if error.fault != "taken":
                    raise

        if self._attempt("recording", lost, run) and not errors:
            return None
        return errors[0] if errors else RecordingError("something else went wrong, which has been logged")

    def _give_up(self, file: RecordingFile) -> None:
        self._files.pop(file.path, None)
        if self._current.get(file.target.path) is file:
            del self._current[file.target.path]
        file.broken = True
        self._attempt("recording", 0, file.abandon)

    def _close(self, file: RecordingFile) -> None:
        self._files.pop(file.path, None)
        self._attempt("recording", 0, file.close)


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")
