"""The hash chain of a recorded session, recomputed from its rows."""

from __future__ import annotations

from dataclasses import fields

from duckdb import DuckDBPyConnection

from recorder import chain
from recorder.rows import FRAME_COLUMNS, ContextRow
from recorder.session_row import SessionEnd, SessionStart, SpanTotals

_START = ", ".join(field.name for field in fields(SessionStart))
_END = ", ".join((*(field.name for field in fields(SessionEnd)), *SpanTotals._fields))
_Rows = list[tuple[object, ...]]


def broken_links(connection: DuckDBPyConnection, session: int) -> list[str]:
    """Return which links of a session's chain do not hold, the last one as `end`; none is as it should be.

    Args:
        connection: A recording.
        session: The session's number in it.
    """

    def rows(query: str) -> _Rows:
        return connection.execute(query, [session]).fetchall()

    (start,) = rows(f"SELECT session, {_START} FROM session_starts WHERE session = ?")
    contexts = rows(
        f"SELECT {', '.join(ContextRow._fields)} FROM contexts WHERE session = ? ORDER BY context"
    )
    frames = rows(f"SELECT {FRAME_COLUMNS} FROM stored_frames WHERE session = ? ORDER BY ordinal")
    gaps = rows(
        "SELECT session, ordinal, frames, reason, noticed_at FROM gaps WHERE session = ? ORDER BY rowid"
    )
    links = rows("SELECT frames, contexts, gaps, digest FROM chain WHERE session = ? ORDER BY rowid")
    broken = []
    before, digest = (0, 0, 0), chain.first_digest(start)
    for *covered, expected in links:
        until = tuple(int(str(count)) for count in covered)
        parts = [table[a:b] for table, a, b in zip((frames, contexts, gaps), before, until, strict=True)]
        digest = chain.next_digest(digest, parts[1], parts[2], parts[0])
        if digest != expected:
            broken.append(f"{before} to {until}")
        before = (until[0], until[1], until[2])
    if before != (len(frames), len(contexts), len(gaps)):
        broken.append(f"{before} of {(len(frames), len(contexts), len(gaps))} are covered")
    ends = rows(f"SELECT session, {_END}, digest FROM session_ends WHERE session = ? AND state <> 'crashed'")
    if any(chain.last_digest(digest, end[:-1]) != end[-1] for end in ends):
        broken.append("end")
    return broken
