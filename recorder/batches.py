"""The frames of a session in batches that are bounded in frames and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from otelstream.errors import FrameError, RecordingError
from otelstream.frame import StreamFrame
from recorder.commits import contexts_of
from recorder.rows import FRAME_COLUMNS, ContextRow, FrameRow, frame_of
from recorder.session_row import RecordedSession

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FIRST_FRAMES: Final = 1_000
BATCH_FRAMES: Final = 8_000
"""How many frames a batch has at most; the first has fewer, as the first frame shall come soon."""

BATCH_BYTES: Final = 32 * 1024 * 1024
"""How many bytes of JSON a batch has at most, unless a single frame has more."""

_SIZE: Final = "coalesce(strlen({0}), 0)"
_BYTES: Final = " + ".join(_SIZE.format(column) for column in ("chunk", "tool_call", "data", "raw"))
_RANGE: Final = "FROM stored_frames WHERE session = ? AND ordinal >= ? AND ordinal < ?"
_SUM: Final = f"SELECT sum({_BYTES}) {_RANGE}"
_FITTING: Final = f"""
SELECT count(*) FROM (SELECT sum({_BYTES}) OVER (ORDER BY ordinal) AS total {_RANGE}) WHERE total <= ?
"""
_FRAMES: Final = f"SELECT {FRAME_COLUMNS} {_RANGE} ORDER BY ordinal"
_ID: Final = "SELECT coalesce(id_text, id::VARCHAR) FROM stored_frames WHERE session = ? AND ordinal = ?"


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames of a session that follow each other.

    Attributes:
        first: Ordinal of the first of them.
        offsets_ns: When each arrived, in nanoseconds after the session's start, as it is recorded.
        frames: The frames, made one by one; once.
    """

    first: int
    offsets_ns: Sequence[int]
    frames: Iterator[StreamFrame]


@dataclass(slots=True)
class Place:
    """How far the frames of a session have been read.

    Attributes:
        session: The session.
        ordinal: Ordinal of the next frame.
        until: Ordinal of the first frame that is not read any more.
        before: Id of the frame before it, None for the first.
        contexts: Contexts that the next frames may share.
        frames: How many frames to read next.
    """

    session: RecordedSession
    ordinal: int
    until: int
    before: str | None
    contexts: dict[int, ContextRow]
    frames: int = FIRST_FRAMES


def place_at(session: RecordedSession, ordinal: int, until: int | None = None) -> Place:
    """Return the place before a frame of a session, from which it is read up to another or its end."""
    count = session.frame_count
    return Place(session, ordinal, count if until is None else min(until, count), None, {})


def next_batch(connection: DuckDBPyConnection, place: Place) -> Batch:
    """Return the next frames of a session, and move the place behind them.

    What has been taken of a batch is not held any more.

    Raises:
        RecordingError: Frames are missing, or cannot be made of what is stored.
        duckdb.Error: The file is damaged.
    """
    session, first = place.session, place.ordinal
    until = _end_of_batch(connection, place)
    found = connection.execute(_FRAMES, [session.number, first, until]).fetchall()
    rows = deque(FrameRow._make(row) for row in found)
    del found
    if [row.ordinal for row in rows] != list(range(first, until)):
        missing = until - first - len({row.ordinal for row in rows})
        which = f"lacks {missing} of its frames" if missing else "has twice one of its frames"
        raise RecordingError(
            f"{session.file} is damaged: session {session.id} {which} {first} to {until - 1}."
        )
    contexts = _contexts_of(connection, place, {row.context for row in rows})
    before = place.before
    if before is None and first > 0:
        (before,) = connection.execute(_ID, [session.number, first - 1]).fetchone() or (None,)
    place.ordinal, place.before, place.contexts = until, rows[-1].id, contexts
    place.frames = min(2 * place.frames, BATCH_FRAMES)
    offsets = [row.offset_ns or 0 for row in rows]
    return Batch(first, offsets, _frames(session, rows, contexts, before))


def _end_of_batch(connection: DuckDBPyConnection, place: Place) -> int:
    first = place.ordinal
    until = min(first + place.frames, place.until)
    asked = [place.session.number, first, until]
    (size,) = connection.execute(_SUM, asked).fetchone() or (0,)
    if size is None or size <= BATCH_BYTES:
        return until
    (fitting,) = connection.execute(_FITTING, [*asked, BATCH_BYTES]).fetchone() or (1,)
    return first + max(1, int(fitting))


def _contexts_of(connection: DuckDBPyConnection, place: Place, wanted: set[int]) -> dict[int, ContextRow]:
    # Those without data are few and small, and come again and again.
    kept = {number: row for number, row in place.contexts.items() if number in wanted or row.data is None}
    new = sorted(wanted - kept.keys())
    if not new:
        return kept
    return {**kept, **{row.context: row for row in contexts_of(connection, place.session.number, new)}}


def _frames(
    session: RecordedSession, rows: deque[FrameRow], contexts: dict[int, ContextRow], before: str | None
) -> Iterator[StreamFrame]:
    while rows:
        row = rows.popleft()
        try:
            frame = frame_of(row, contexts[row.context], before)
        except KeyError:
            raise RecordingError(
                f"{session.file} is damaged: frame {row.ordinal} lacks its context {row.context}."
            ) from None
        except (FrameError, ValueError) as error:
            raise RecordingError(f"{session.file} is damaged: frame {row.ordinal}: {error}") from None
        before = row.id
        yield frame
