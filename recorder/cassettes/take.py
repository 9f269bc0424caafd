"""A recording while it is being made: beside its place, which it takes when the test has passed.

So there is never half a recording, whatever ends the process, and a failing test changes nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from otelstream.errors import RecordingError
from recorder.cassettes.episodes import episodes_in, label, number_of
from recorder.cassettes.live import LiveAsyncSession, LiveSession, is_begun, leave
from recorder.cassettes.plan import Plan
from recorder.folders import make_folder, remove_folder
from recorder.session_row import RecordedSession

if TYPE_CHECKING:
    from otelstream.redact import Redactor

S = TypeVar("S")

PREFIX: Final = ".being-recorded-"


class Observe(Protocol):
    """How a live session is recorded; `otelstream.observe` with what tests want of it."""

    def __call__(self, live: S, record: Path, entry_point: str) -> S:
        """Return a session that behaves the same and is recorded into a file."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What it takes to record.

    Attributes:
        observe: Records a session.
        flush: Commits what was recorded so far.
        redactor: The rules by which secrets are masked, if not the default ones.
    """

    observe: Observe
    flush: Callable[[], object]
    redactor: Redactor | None


class Take:
    """Sessions that a test records.

    Args:
        plan: Of which test, and where the recording shall be in the end.
        studio: What records.
        shift: By how much numbers of new episodes are greater than their places.

    Attributes:
        path: Where the recording is until then.

    Raises:
        RecordingError: There is no place for it.
    """

    def __init__(self, plan: Plan, studio: Studio, shift: int = 0) -> None:
        __tracebackhide__ = True
        place = self._place = plan.path
        self._test = plan.test
        self._studio = studio
        self._shift = shift
        self._sessions: dict[int, Any] = {}
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._folder = make_folder(PREFIX, place.parent)
        except OSError as error:
            raise RecordingError(
                f"{place} cannot be recorded: {error.strerror}; check the folder and its permissions.", "disk"
            ) from None
        self.path = self._folder / place.name

    def copy(self, recording: Path) -> None:
        """Begin with what a recording holds. Raises `RecordingError` if it cannot be copied."""
        __tracebackhide__ = True
        try:
            shutil.copyfile(recording, self.path)
        except OSError as error:
            raise RecordingError(f"{recording} cannot be extended: {error}.", "disk") from None

    def add(self, live: S, number: int) -> S:
        """Return a session in place of a live one, that is recorded as the episode of a number."""
        session = self._studio.observe(live, self.path, label(self._test, number + self._shift))
        self._sessions[number] = session
        return session

    def finish(self) -> None:
        """End what the test left half read, and see to it that everything was recorded.

        Raises:
            RecordingError: It was not.
        """
        for number, session in self._sessions.items():
            if not is_begun(session):
                raise RecordingError(f"{self._what(number)} was never read; iterate it, or do not wrap it.")
            leave(session)
        self._studio.flush()
        recorded = {number_of(session): session for session in episodes_in(self.path)}
        for number, session in self._sessions.items():
            self._check(session, recorded.get(number + self._shift), number)
        self._forget_origin()

    def keep(self, episodes: Sequence[RecordedSession]) -> None:
        """Add episodes that the recording holds until now. Raises `RecordingError` if that cannot be done."""
        if not episodes:
            return
        from recorder.conversion import convert

        parts = self._folder / "parts"
        parts.mkdir()
        os.replace(self.path, parts / self.path.name)
        for episode in episodes:
            convert(self._place, parts / f"{episode.id}{self.path.suffix}", episode.id)
        convert(parts, self.path)

    def publish(self) -> None:
        """Put the recording where it belongs, in one step. Raises `RecordingError` if that cannot be done."""
        try:
            os.replace(self.path, self._place)
        except OSError as error:
            raise RecordingError(f"{self._place} cannot be written: {error}.", "disk") from None
        self.discard()

    def discard(self) -> None:
        """Forget the sessions, and remove what was recorded of them."""
        self._sessions.clear()
        remove_folder(self._folder)

    def _forget_origin(self) -> None:
        """Take out of what was recorded where that was: no repository needs to know of this machine."""
        from recorder.conversion import convert
        from recorder.text.origins import copy_without_origin

        names = (f"whole{self.path.suffix}", "text.jsonl", "copied.jsonl")
        whole, text, copied = (self._folder / name for name in names)
        try:
            os.replace(self.path, whole)
            if self.path.suffix == ".jsonl":
                copy_without_origin(whole, self.path, self.path)
            else:
                convert(whole, text)
                copy_without_origin(text, copied, self.path)
                convert(copied, self.path)
        except OSError as error:
            raise RecordingError(f"{self._place} cannot be recorded: {error}.", "disk") from None

    def _check(
        self, live: LiveSession | LiveAsyncSession, recorded: RecordedSession | None, number: int
    ) -> None:
        what = self._what(number)
        if recorded is None and not live.frames:
            raise RecordingError(f"{what} was closed before it was read; iterate it, or do not wrap it.")
        if recorded is None or (recorded.end is None and not isinstance(live, LiveAsyncSession)):
            raise RecordingError(f"{what} was lost; the log of `otelstream` says why.")
        if recorded.end is None:
            raise RecordingError(
                f"{what} is still open; read it to its end, or leave it with `async with` or `aclose()`."
            )
        if recorded.end.frames_dropped:
            raise RecordingError(
                f"{what} lacks {recorded.end.frames_dropped} frames; the log of `otelstream` says why."
            )

    def _what(self, number: int) -> str:
        return f"nothing was recorded to {self._place}: the session that was wrapped as number {number + 1}"
