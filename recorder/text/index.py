"""Where the sessions of a text recording stand in its file, found in one pass that reads no frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, NoReturn
from uuid import UUID

from otelstream.errors import FrameError, RecordingError
from recorder.session_row import Gap, SessionEnd, SessionStart, StoredFrame, StoredGap
from recorder.text.headers import may_begin_recording, without_header
from recorder.text.lines import FRAME_START
from recorder.text.parsing import Said, is_object, said_by

MARKED: Final = 1_000
"""The place of every so many frames is remembered, so that a later one is found without reading them all."""


class Place(NamedTuple):
    """Where a line stands: at which byte of the file, and its number, from 1."""

    byte: int
    line: int


class Line(NamedTuple):
    """A line and where it stands."""

    place: Place
    text: bytes

    @property
    def is_frame(self) -> bool:
        """Whether it is a frame's, as otelstream writes it; that of others may be one, too."""
        return self.text.startswith(FRAME_START)


@dataclass(slots=True)
class IndexedSession:
    """A session in a text recording.

    Attributes:
        number: Its number in the file, from 0.
        start: How it started.
        end: How it ended; None if the file does not say.
        frames: How many frames it has.
        gaps: Where frames are missing.
        marks: Where every `MARKED`th frame stands.
        last: Where its last frame stands.
        ended_at: Where its outcome stands.
    """

    number: int
    start: SessionStart
    end: SessionEnd | None = None
    frames: int = 0
    gaps: list[Gap] = field(default_factory=list)
    marks: list[Place] = field(default_factory=list)
    last: Place | None = None
    ended_at: Place | None = None


class Index:
    """The sessions of a text recording, as far as it has been read.

    Args:
        path: The file, for errors.

    Attributes:
        sessions: In the order in which they began.
        torn: What stands behind the last whole line: the beginning of one that was never committed.
    """

    def __init__(self, path: Path) -> None:
        self.sessions: list[IndexedSession] = []
        self.torn = b""
        self.end = Place(0, 1)
        self._path = path
        self._current: IndexedSession | None = None
        self._open: dict[UUID, IndexedSession] = {}

    def extend(self, file: BinaryIO) -> None:
        """Read on where the last reading ended.

        Raises:
            RecordingError: A line is damaged, or the file is no recording, or one of a later version.
        """
        self.torn = b""
        for line in lines_from(file, self.end):
            if not line.text.endswith(b"\n") and not is_object(line.text):
                if not (self.sessions or may_begin_recording(line.text)):
                    self._refuse()
                self.torn = line.text
                return
            self._read(line)
            number = line.place.line + line.text.endswith(b"\n")
            self.end = Place(line.place.byte + len(line.text), number)

    def take(self, place: Place, said: Said) -> None:
        """Take what the next line says.

        Raises:
            FrameError: It cannot stand there.
        """
        if isinstance(said, SessionStart):
            self._current = IndexedSession(len(self.sessions), said)
            self.sessions.append(self._current)
            self._open[said.session_id] = self._current
        elif isinstance(said, UUID):
            self._current = self._open.get(said)
            if self._current is None:
                raise FrameError(f"no session {said} is open above it")
        elif said is not None:
            if self._current is None:
                raise FrameError("it belongs to no session: none is open above it")
            self._add(self._current, said, place)

    def _read(self, line: Line) -> None:
        if line.is_frame and self._current is not None:
            self._add_frame(self._current, line.place)
            return
        if not line.text.strip():
            return
        try:
            said = said_by(line.text)
            if self.sessions or isinstance(said, SessionStart):
                self.take(line.place, said)
                return
        except FrameError as error:
            if self.sessions or may_begin_recording(line.text):
                raise damaged(self._path, line.place, str(error)) from None
        except RecordingError as error:
            raise RecordingError(f"{self._path} has {error}; upgrade otelstream.") from None
        self._refuse()

    def _add(self, session: IndexedSession, said: StoredFrame | StoredGap | SessionEnd, place: Place) -> None:
        if isinstance(said, StoredFrame):
            self._add_frame(session, place)
        elif isinstance(said, StoredGap):
            session.gaps.append(Gap(session.frames, said.frames, said.reason, said.noticed_at))
        else:
            session.end, session.ended_at, self._current = said, place, None
            self._open.pop(session.start.session_id, None)

    def _add_frame(self, session: IndexedSession, place: Place) -> None:
        if session.frames % MARKED == 0:
            session.marks.append(place)
        session.frames += 1
        session.last = place

    def _refuse(self) -> NoReturn:
        raise RecordingError(without_header(self._path))


def lines_from(file: BinaryIO, place: Place) -> Iterator[Line]:
    """Yield the lines of a file from a place on; the last one may lack its end. Raises `OSError`."""
    file.seek(place.byte)
    byte, number = place
    for text in file:
        yield Line(Place(byte, number), text)
        byte += len(text)
        number += 1


def damaged(path: Path, place: Place, what: str) -> RecordingError:
    """Return the error for a damaged line."""
    return RecordingError(f"{path} is damaged: line {place.line}: {what}; correct or remove that line.")


def frame_lines(lines: Iterable[Line], path: Path, session: IndexedSession) -> Iterator[Line]:
    """Yield the lines of a session's frames; whoever takes them knows how many there are.

    Args:
        lines: The lines of the file, from one of its frames on.
        path: The file, for errors.
        session: The session.

    Raises:
        RecordingError: A line that is no frame's is damaged.
    """
    is_ours = True
    for line in lines:
        said = None if line.is_frame else said_in(path, line)
        if isinstance(said, UUID | SessionStart):
            is_ours = said == session.start.session_id
        elif is_ours and (line.is_frame or isinstance(said, StoredFrame)):
            yield line


def said_in(path: Path, line: Line) -> Said:
    """Return what a line of a file says, nothing if it is empty.

    Raises:
        RecordingError: It is damaged.
    """
    if not line.text.strip():
        return None
    try:
        return said_by(line.text)
    except FrameError as error:
        raise damaged(path, line.place, str(error)) from None
