"""A text recording as a file of a recording: sessions and frames are read from it as they stand there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from otelstream.errors import RecordingError
from otelstream.frame import datetime_ns, timestamp_ns
from recorder.batches import BATCH_FRAMES, FIRST_FRAMES, Batch
from recorder.forms import Progress, Since
from recorder.listing import Key, key_of
from recorder.rows import Frame, converter
from recorder.search import Condition, first_read
from recorder.session_row import Gap, Item, RecordedSession, StoredGap
from recorder.text.file import TextFile, fitting
from recorder.text.index import MARKED, IndexedSession, Line
from recorder.text.lines import TEXT_VERSION
from recorder.text.parsing import offset_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from recorder.sandbox import Sandbox
    from recorder.text.tables import Tables


class TextSource:
    """A text recording. Every method raises `RecordingError` if it cannot be read; see `FileSource`.

    Where tables are asked for they are made of it, in a database that lasts as long as the sandbox.

    Args:
        path: The file.
        sandbox: Gives what databases are opened in.
    """

    def __init__(self, path: Path, sandbox: Callable[[], Sandbox]) -> None:
        self.path = path
        self.format = f"text {TEXT_VERSION}"
        self._file = TextFile(path)
        self._sandbox = sandbox
        self._tables: Tables | None = None

    @property
    def real(self) -> Path:
        """The path with links resolved."""
        return self._file.real

    @property
    def live(self) -> bool:
        """Whether it was being written when it was last looked at."""
        return self._file.live

    def refresh(self) -> bool:
        """Look whether the file has changed since the last time; it is read as it is in any case."""
        before = (self._file.state, self.live)
        try:
            self.check()
        except RecordingError:
            return True  # reading it says so
        return before != (self._file.state, self.live)

    def check(self) -> None:
        """Look whether it is there, and a recording."""
        with self._file.opened():
            pass

    def keys(self) -> list[Key]:
        """Return its sessions, in no order."""
        return [key_of(session) for session in self.sessions()]

    def sessions(self, number: int | None = None) -> list[RecordedSession]:
        """Return its sessions, or the one of a number, all with the index 0 and in no order."""
        with self._file.opened() as file:
            found = self._file.index.sessions
            some = found if number is None else found[number : number + 1]
            return [self._recorded(file, each) for each in some]

    def chosen(self, choose: Callable[[list[Key]], tuple[int, Key]]) -> RecordedSession:
        """Return the session that is chosen among its own, with the index that is given to it."""
        found = self.sessions()
        index, key = choose([key_of(session) for session in found])
        return replace(found[key.number], index=index)

    def gaps(self, session: RecordedSession) -> list[Gap]:
        """Return where frames of a session are missing."""
        with self._file.opened():
            return self._file.indexed(session).gaps.copy()

    def batches(self, session: RecordedSession, first: int, until: int | None) -> Iterator[Batch]:
        """Yield the frames of a session from an ordinal on, up to another or to its end."""
        end = session.frame_count if until is None else min(until, session.frame_count)
        size = FIRST_FRAMES
        while first < end:
            with self._file.opened() as file:
                indexed = self._file.indexed(session)
                lines = fitting(self._file.lines(file, indexed, first, min(first + size, end)))
            offsets_ns = [self._offset_of(line) for line in lines]
            yield Batch(first, offsets_ns, partial(self._frames, deque(lines)))
            first += len(lines)
            size = min(2 * size, BATCH_FRAMES)

    def find(self, session: RecordedSession, condition: Condition, first: int) -> int | None:
        """Return the ordinal of the first frame from `first` on that meets a condition, None if none does."""
        return first_read(self.batches(session, first, None), condition)

    def progress(self, since: Since | None) -> tuple[Since, list[Progress]]:
        """Return how far its sessions are."""
        with self._file.opened():
            found = [
                Progress(
                    self.path,
                    each.number,
                    each.start.session_id,
                    None if each.end is None else each.end.ended_at,
                    each.frames,
                )
                for each in self._file.index.sessions
            ]
        return since or (None, 0), found

    def arrivals(self, number: int, first: int) -> list[int]:
        """Return when the frames of a session came from an ordinal on, in nanoseconds since the epoch."""
        with self._file.opened() as file:
            session = self._file.index.sessions[number]
            began_ns = datetime_ns(session.start.started_at)
            lines = self._file.lines(file, session, first, session.frames)
            return [began_ns + self._offset_of(line) for line in lines]

    def items(self, session: RecordedSession) -> Iterator[Item]:
        """Yield what a session holds, in its order, one batch of it in memory at a time."""
        gaps = deque(self.gaps(session))
        ordinal = 0
        while ordinal < session.frame_count:
            with self._file.opened() as file:
                indexed = self._file.indexed(session)
                until = min(ordinal + FIRST_FRAMES, session.frame_count)
                lines = deque(fitting(self._file.lines(file, indexed, ordinal, until)))
            while lines:
                while gaps and gaps[0].ordinal <= ordinal:
                    yield _stored(gaps.popleft())
                yield self._file.frame(lines.popleft())
                ordinal += 1
        yield from map(_stored, gaps)

    @property
    def place(self) -> Path:
        """Where its tables are; the file itself as long as they have not been made."""
        return self.real if self._tables is None else self._tables.path

    @contextmanager
    def connection(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection whose default schema are the tables that are made of it, for a short query."""
        with self._made().connection() as connection:
            yield connection

    @contextmanager
    def opened(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection for a user's queries, in a database of its own that can reach nothing else."""
        with self._made().opened() as connection:
            yield connection

    @contextmanager
    def readable(self) -> Iterator[Path]:
        """Give a path at which DuckDB can open its tables for reading."""
        yield self._made().path

    def _made(self) -> Tables:
        """Return tables that hold what the file holds now."""
        from recorder.text.tables import make_tables

        self.check()
        if self._tables is None or self._tables.state != (self._file.state, self.live):
            before, state = self._tables, (self._file.state, self.live)
            self._tables = make_tables(self, state, self._sandbox())
            if before is not None:
                before.remove()
        return self._tables

    def _recorded(self, file: BinaryIO, session: IndexedSession) -> RecordedSession:
        end = session.end
        return RecordedSession(
            index=0,
            number=session.number,
            file=self.path,
            start=session.start,
            end=end,
            state=end.state if end is not None else "recording" if self.live else "crashed",
            frame_count=session.frames if end is None else end.frame_count,
            last_ns=self._last_ns(file, session) if end is None or end.state == "crashed" else 0,
        )

    def _last_ns(self, file: BinaryIO, session: IndexedSession) -> int:
        """Return the time of the last of the frames at a session's end; they may have changed places."""
        first = max(0, session.frames - 1) // MARKED * MARKED
        lines = self._file.lines(file, session, first, session.frames)
        return max((timestamp_ns(self._file.frame(line).frame) for line in lines), default=0)

    def _offset_of(self, line: Line) -> int:
        known = offset_of(line.text)
        return (self._file.frame(line).offset_ns or 0) if known is None else known

    def _frames(self, lines: deque[Line], kind: type[Frame]) -> Iterator[Frame]:
        convert = converter(kind)
        while lines:
            yield convert(self._file.frame(lines.popleft()).frame)


def _stored(gap: Gap) -> StoredGap:
    return StoredGap(gap.frames, gap.reason, gap.noticed_at)
