"""The frames of a session in batches that are bounded in frames and in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from otelstream.errors import FrameError, RecordingError
from otelstream.frame import StreamFrame
from recorder.columns import FrameColumns, frame_columns
from recorder.commits import contexts_of
from recorder.rows import CONTEXT, ID, ORDINAL, ContextRow, Frame, builder, frame_of, shared_of
from recorder.session_row import RecordedSession

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FIRST_FRAMES: Final = 1_000
BATCH_FRAMES: Final = 16_000
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
_ID: Final = "SELECT coalesce(id_text, id::VARCHAR) FROM stored_frames WHERE session = ? AND ordinal = ?"


class Frames(Protocol):
    """The frames of a batch."""

    def __call__(self, kind: type[Frame], /) -> Iterator[Frame]:
        """Make them one by one, of a class of frames, ours or CrewAI's; once."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames of a session that follow each other.

    Attributes:
        first: Ordinal of the first of them.
        offsets_ns: When each arrived, in nanoseconds after the session's start, as it is recorded.
        frames_of: Makes the frames.
    """

    first: int
    offsets_ns: Sequence[int]
    frames_of: Frames

    @property
    def frames(self) -> Iterator[StreamFrame]:
        """The frames, made one by one; once."""
        return self.frames_of(StreamFrame)


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
    try:
        columns = frame_columns(connection, session.number, first, until)
    except ValueError as error:
        raise RecordingError(f"{session.file} is damaged: frames {first} to {until - 1}: {error}") from None
    if columns.ordinals != list(range(first, until)):
        missing = until - first - len(set(columns.ordinals))
        which = f"lacks {missing} of its frames" if missing else "has twice one of its frames"
        raise RecordingError(
            f"{session.file} is damaged: session {session.id} {which} {first} to {until - 1}."
        )
    contexts = _contexts_of(connection, place, set(columns.contexts))
    before = place.before
    if before is None and first > 0:
        (before,) = connection.execute(_ID, [session.number, first - 1]).fetchone() or (None,)
    place.ordinal, place.before, place.contexts = until, columns.ids[-1], contexts
    place.frames = min(4 * place.frames, BATCH_FRAMES)
    offsets = [offset_ns or 0 for offset_ns in columns.offsets_ns]
    return Batch(first, offsets, partial(_frames, session, columns, contexts, before))


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
    session: RecordedSession,
    columns: FrameColumns,
    contexts: dict[int, ContextRow],
    before: str | None,
    kind: type[Frame],
) -> Iterator[Frame]:
    build = builder(kind)
    shared = {number: shared_of(context) for number, context in contexts.items()}
    for row in columns.rows:
        try:
            frame = frame_of(row, shared[row[CONTEXT]], before, build)
        except KeyError:
            raise RecordingError(
                f"{session.file} is damaged: frame {row[ORDINAL]} lacks its context {row[CONTEXT]}."
            ) from None
        except (FrameError, ValueError) as error:
            raise RecordingError(f"{session.file} is damaged: frame {row[ORDINAL]}: {error}") from None
        before = row[ID]
        yield frame
