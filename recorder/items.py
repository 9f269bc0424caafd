"""What a session holds, in its order: frames, and gaps where frames are missing."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from otelstream.errors import FrameError, RecordingError
from otelstream.frame import StreamFrame
from recorder.commits import Commit, Connect, GapRow, commits, links, older_contexts
from recorder.decoder import FrameDecoder
from recorder.faults import sentence_for
from recorder.rows import FrameRow
from recorder.session_row import Item, RecordedSession, StoredFrame, StoredGap


def items_of(connect: Connect, session: RecordedSession) -> Iterator[Item]:
    """Yield what a session holds, with one commit of it in memory.

    Args:
        connect: Gives a connection to the file that holds it.
        session: The session.

    Raises:
        RecordingError: The file is damaged.
    """
    try:
        yield from _items_of(connect, session)
    except duckdb.Error as error:
        raise RecordingError(sentence_for(session.file, error)) from None


def _items_of(connect: Connect, session: RecordedSession) -> Iterator[Item]:
    decoder, ordinal = FrameDecoder(older_contexts(connect, session.number)), 0
    for commit in commits(connect, session.number, links(connect, session.number)):
        decoder.take(commit.contexts, commit.frames)
        for row in in_order(commit):
            if isinstance(row, GapRow):
                yield StoredGap(row.frames, row.reason, row.noticed_at)
                continue
            if row.ordinal != ordinal:
                raise _damaged(session, f"frame {ordinal} is missing")
            try:
                yield stored(row, decoder.frame(row))
            except FrameError as error:
                raise _damaged(session, f"frame {ordinal}: {error}") from None
            ordinal += 1
    if ordinal != session.frame_count:
        raise _damaged(session, f"it has {ordinal} frames instead of {session.frame_count}")


def stored(row: FrameRow, frame: StreamFrame) -> StoredFrame:
    """Return a frame with what its row says of it."""
    size = sum(len(text) for text in (row.chunk, row.tool_call, row.data, row.raw) if text)
    return StoredFrame(row.offset_ns, frame, size)


def in_order(commit: Commit) -> Iterator[FrameRow | GapRow]:
    """Yield the frames and gaps of a commit in the order in which they came."""
    gaps = iter(commit.gaps)
    gap = next(gaps, None)
    for row in commit.frames:
        while gap is not None and gap.ordinal <= row.ordinal:
            yield gap
            gap = next(gaps, None)
        yield row
    while gap is not None:
        yield gap
        gap = next(gaps, None)


def _damaged(session: RecordedSession, what: str) -> RecordingError:
    return RecordingError(f"{session.file} is damaged: session {session.id}: {what}; recover it first.")
