"""Sessions and frames into a recording: rows are buffered, and committed together by `flush`.

Not thread-safe and never slow on purpose: its caller owns the thread and decides when to commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import astuple
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import duckdb

from otelstream.errors import RecordingError
from otelstream.frame import FrameLike
from recorder import chain
from recorder.database import PATIENCE_S, close_after_writing, is_in_place, open_for_writing
from recorder.encoder import FrameEncoder
from recorder.faults import fault_of
from recorder.rows import FrameRow, Row, are_uuids, utf8
from recorder.session_row import SessionEnd, SessionStart, SpanRow, SpanTotals
from recorder.tables import Table

CHECKPOINT_BYTES: Final = 16_000_000
"""How big the WAL becomes before it is moved to the file (measured: docs/ARCHITECTURE.md)."""

Encode = Callable[..., Row]
"""The method `FrameEncoder.encode` of one session."""

_MARK_CRASHED: Final = """
INSERT INTO session_ends (session, ended_at, state, frame_count, frames_dropped)
SELECT s.session, s.started_at + to_microseconds(coalesce(max(f.offset_ns), 0) // 1000), 'crashed',
       count(f.ordinal),
       coalesce((SELECT sum(g.frames) FROM gaps AS g WHERE g.session = s.session), 0)
FROM session_starts AS s
LEFT JOIN stored_frames AS f ON f.session = s.session
WHERE s.session NOT IN (SELECT session FROM session_ends)
GROUP BY s.session, s.started_at
"""
_ID: Final = FrameRow._fields.index("id")
_WITH_ID_TEXT: Final = ["id_text" if name == "id" else name for name in FrameRow._fields]
_NEXT_SESSION: Final = "SELECT coalesce(max(session), -1) + 1 FROM session_starts"


class Writer:
    """Appends to one recording file.

    Opening it makes the file if there is none. Sessions without an end in an existing file belong to a
    process that died, since this one now holds the file: they are marked `crashed`.

    Args:
        path: The file.
        patience_s: How many seconds to wait for somebody who is reading it.

    Raises:
        RecordingError: The file cannot be written; see `recorder.database.open_for_writing`.
    """

    keeps_spans: Final = True

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.path = path.absolute()
        self._sessions: dict[UUID, _Session] = {}
        connection = self._connection = open_for_writing(self.path, patience_s=patience_s)
        try:
            self._starts = Table(connection, "session_starts")
            self._contexts = Table(connection, "contexts")
            self._frames = Table(connection, "stored_frames", FrameRow._fields)
            self._odd_frames = Table(connection, "stored_frames", _WITH_ID_TEXT)
            self._gaps = Table(connection, "gaps")
            self._spans = Table(connection, "stored_spans")
            self._chain = Table(connection, "chain")
            self._ends = Table(connection, "session_ends")
            connection.execute(_MARK_CRASHED)
            (self._next,) = connection.execute(_NEXT_SESSION).fetchone() or (0,)
        except duckdb.Error as error:
            with suppress(RecordingError):
                close_after_writing(self.path)
            raise RecordingError(f"{self.path} is damaged or unreadable: {_first_line(error)}") from None

    @property
    def pending(self) -> int:
        """Frames that were added and are not committed yet."""
        stored = len(self._frames.rows) + len(self._odd_frames.rows)
        return stored + sum(len(session.frames) for session in self._sessions.values())

    @property
    def is_in_place(self) -> bool:
        """Whether the file still has its name: it was not moved or replaced."""
        return is_in_place(self.path)

    @property
    def _tables(self) -> tuple[Table, ...]:
        return (
            self._starts,
            self._contexts,
            self._frames,
            self._odd_frames,
            self._gaps,
            self._spans,
            self._chain,
            self._ends,
        )

    def begin(self, start: SessionStart) -> None:
        """Add the row that says how a session started; what else is added of it comes after this."""
        number = self._next
        self._next += 1
        row = (number, *_storable(start))
        self._starts.rows.append(row)
        self._sessions[start.session_id] = _Session(number, chain.first_digest(row))

    def add(self, session_id: UUID, ordinal: int, offset_ns: int, frame: FrameLike) -> None:
        """Add a frame.

        Args:
            session_id: The session that it belongs to.
            ordinal: Its place in the session's order of arrival: 0, 1, 2, ...
            offset_ns: When it arrived, in nanoseconds after the session's start.
            frame: The frame, as it shall be stored.
        """
        encode, add = self.adding_to(session_id)
        add(encode(frame, ordinal, offset_ns))

    def adding_to(self, session_id: UUID) -> tuple[Encode, Callable[[Row], None]]:
        """Return what encodes a frame of a session, and what adds its row to the next commit.

        Called for every token, so nothing shall be looked up each time.
        """
        session = self._sessions[session_id]
        return session.encoder.encode, session.frames.append

    def add_gap(self, session_id: UUID, frames: int, reason: str, noticed_at: datetime) -> None:
        """Say that frames are missing between the last frame that was added and the next one.

        Args:
            session_id: The session that they belong to.
            frames: How many.
            reason: Why, as in `otelstream.losses()`.
            noticed_at: Now, naive UTC.
        """
        session = self._sessions[session_id]
        ordinal = session.count + len(session.frames)
        session.gaps.append((session.number, ordinal, frames, reason, noticed_at))

    def add_spans(self, session_id: UUID, spans: Iterable[SpanRow]) -> None:
        """Add spans that have ended."""
        session = self._sessions[session_id]
        for span in spans:
            texts = (utf8(value) if isinstance(value, str) else value for value in span)
            self._spans.rows.append((session.number, *texts))
            session.totals = session.totals.plus(span)

    def end(self, session_id: UUID, end: SessionEnd) -> None:
        """Add the row that says how a session ended; nothing of it comes after this."""
        session = self._sessions.pop(session_id)
        self._take(session)
        row = (session.number, *_storable(end), *session.totals)
        self._ends.rows.append((*row, chain.last_digest(session.digest, row)))

    def flush(self) -> bool:
        """Commit everything added so far, in one transaction; then it survives the death of the process.

        Returns:
            Whether there was anything to commit.

        Raises:
            RecordingError: The commit failed (a full disk, an I/O error), or the file is not there any more.
                Nothing of the batch is stored.
        """
        for session in self._sessions.values():
            self._take(session)
        tables = [table for table in self._tables if table.rows]
        if not tables:
            return False
        if not self.is_in_place:
            raise RecordingError(
                f"{self.path} was removed or replaced while it was recorded; nothing more goes there.",
                "missing",
            )
        try:
            self._connection.execute("BEGIN")
            for table in tables:
                table.insert()
            self._connection.execute("COMMIT")
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                self._connection.execute("ROLLBACK")
            raise RecordingError(
                f"{self.path} cannot be written: {_first_line(error)}", fault_of(self.path, error)
            ) from None
        return True

    def checkpoint(self) -> None:
        """Move what was committed from the WAL to the file, if it has become much.

        Nothing is lost if that fails.

        Raises:
            RecordingError: It failed.
        """
        wal = self.path.with_name(self.path.name + ".wal")
        try:
            if wal.stat().st_size > CHECKPOINT_BYTES:
                self._connection.execute("CHECKPOINT recording")
        except FileNotFoundError:
            pass  # nothing was committed since the last one
        except (duckdb.Error, OSError) as error:
            raise RecordingError(
                f"{self.path} cannot be checkpointed: {_first_line(error)}", fault_of(self.path, error)
            ) from None

    def close(self, *, abandoned: bool = False) -> None:
        """Checkpoint the file and give it back to other processes; what was not flushed is not stored.

        Args:
            abandoned: Whether a commit failed, so that nothing of the file shall be touched any more.

        Raises:
            RecordingError: The checkpoint failed; what was committed stays readable.
        """
        for table in self._tables:
            table.close()
        close_after_writing(self.path, abandoned=abandoned)

    def _take(self, session: _Session) -> None:
        """Move what a session has gathered to the tables, under one digest."""
        contexts, session.encoder.new_contexts = session.encoder.new_contexts, []
        gaps, session.gaps = session.gaps, []
        frames = session.frames.copy()
        session.frames.clear()  # the same list stays: `adding_to` gave it away
        if not (gaps or frames):
            return
        session.count += len(frames)
        session.contexts += len(contexts)
        session.gap_count += len(gaps)
        session.digest = chain.next_digest(session.digest, contexts, gaps, frames)
        self._contexts.rows += contexts
        self._gaps.rows += gaps
        if are_uuids([str(row[_ID]) for row in frames]):
            self._frames.rows += frames
        else:
            for row in frames:
                (self._frames if are_uuids([str(row[_ID])]) else self._odd_frames).rows.append(row)
        self._chain.rows.append(
            (session.number, session.count, session.contexts, session.gap_count, session.digest)
        )


class _Session:
    """A session that is being written: what waits for the next commit, and the state of its chain.

    Attributes:
        count: Frames that have a digest.
        contexts: Contexts that have one.
        gap_count: Gaps that have one.
    """

    def __init__(self, number: int, digest: bytes) -> None:
        self.number = number
        self.digest = digest
        self.encoder = FrameEncoder(number)
        self.frames: list[Row] = []
        self.gaps: list[Row] = []
        self.count = self.contexts = self.gap_count = 0
        self.totals = SpanTotals()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _storable(row: SessionStart | SessionEnd) -> Row:
    return tuple(utf8(value) if isinstance(value, str) else value for value in astuple(row))
