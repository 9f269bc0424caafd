"""Which sessions a file holds, in which order sessions of many files stand, and which one is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from otelstream.errors import SessionNotFoundError
from otelstream.frame import datetime_ns
from recorder.session_row import RecordedSession, SessionEnd, SessionStart

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Selector = str | int | UUID
"""Which session: `last`, an index (negative from the end), an id or the beginning of one, or a name."""

_STARTS: Final = ", ".join(f"s.{field.name}" for field in fields(SessionStart))
_ENDS: Final = ", ".join(f"e.{field.name}" for field in fields(SessionEnd))
# The frames of a session that ended are counted in its end: only those of the others are looked at.
_SESSIONS: Final = f"""
SELECT s.session, coalesce(e.frame_count, f.frame_count), f.last, {_STARTS}, {_ENDS}
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT session, count(*) AS frame_count, max(timestamp) AS last FROM stored_frames
    WHERE session NOT IN (SELECT session FROM session_ends WHERE state <> 'crashed') GROUP BY session
) AS f ON f.session = s.session
"""
_SESSION: Final = f"""
SELECT s.session, coalesce(e.frame_count, f.frame_count), f.last, {_STARTS}, {_ENDS}
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT count(*) AS frame_count, max(timestamp) AS last FROM stored_frames
    WHERE session = $1 AND $1 NOT IN (SELECT session FROM session_ends WHERE state <> 'crashed')
) AS f ON true
WHERE s.session = $1
"""
_KEYS: Final = """
SELECT s.started_at, s.session_id, s.name, s.session, s.redacted, e.redactions,
       e.state, coalesce(e.frame_count, f.frame_count)
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT session, count(*) AS frame_count
    FROM stored_frames SEMI JOIN (FROM session_starts ANTI JOIN session_ends USING (session)) USING (session)
    GROUP BY session
) AS f ON f.session = s.session
"""


class Key(NamedTuple):
    """What it takes to find a session among others.

    Attributes:
        started_at: Naive UTC.
        session_id: Its id.
        name: Flow, crew or model.
        file: The file that holds it.
        number: Its number there.
        completeness: Which of two records of one session is the better one: the greater. That which knows
            how it ended, then that with more frames, then that in which more was masked.
    """

    started_at: datetime
    session_id: UUID
    name: str | None
    file: Path
    number: int
    completeness: tuple[bool, int, int]


def keys_of(connection: DuckDBPyConnection, file: Path) -> list[Key]:
    """Return the sessions of a file, in no order. Raises `duckdb.Error` if it is damaged."""
    rows = connection.execute(_KEYS).fetchall()
    return [
        Key(
            started_at,
            session_id,
            name,
            file,
            number,
            (_is_ended(state), frames or 0, _masked(redacted, fired)),
        )
        for started_at, session_id, name, number, redacted, fired, state, frames in rows
    ]


def key_of(session: RecordedSession) -> Key:
    """Return the key of a session."""
    start, end = session.start, session.end
    state, fired = (None, None) if end is None else (end.state, end.redactions)
    completeness = (_is_ended(state), session.frame_count, _masked(start.redacted, fired))
    return Key(start.started_at, start.session_id, start.name, session.file, session.number, completeness)


def in_order(keys: Iterable[Key]) -> list[Key]:
    """Return keys of sessions, oldest first; of a session that several files hold, the most complete."""
    best: dict[UUID, Key] = {}
    for key in keys:
        other = best.get(key.session_id)
        if other is None or key.completeness > other.completeness:
            best[key.session_id] = key
    return sorted(best.values(), key=lambda key: (key.started_at, key.session_id))


def selected(keys: list[Key], selector: Selector) -> int | None:
    """Return the index of the session that is meant, None if there is no such one or more than one."""
    text = str(selector)
    if text == "last":
        return len(keys) - 1
    if re.fullmatch(r"-?[0-9]{1,9}", text) and -len(keys) <= int(text) < len(keys):
        return int(text) % len(keys)
    named = [index for index, key in enumerate(keys) if key.name == text]
    by_id = _begins(keys, text)
    if named:
        return named[-1]
    return by_id[0] if len(by_id) == 1 else None


def _begins(keys: list[Key], text: str) -> list[int]:
    """Return the indexes of the sessions whose id begins with a text."""
    ids = [str(key.session_id) for key in keys]
    return [index for index, each in enumerate(ids) if text and each.startswith(text.lower())]


def found_in(path: Path, keys: Iterable[Key], selector: Selector) -> tuple[int, Key]:
    """Return the session of a recording that is meant, and its index.

    Args:
        path: The recording, for errors.
        keys: Its sessions.
        selector: Which of them.

    Raises:
        SessionNotFoundError: There is no such session, or more than one whose id begins like that.
    """
    ordered = in_order(keys)
    if not ordered:
        raise SessionNotFoundError(f"{path} holds no session; record one first.")
    index = selected(ordered, selector)
    if index is None and len(alike := _begins(ordered, str(selector))) > 1:
        ids = " and ".join(str(ordered[index].session_id) for index in alike[:2])
        raise SessionNotFoundError(
            f"{path} has {len(alike)} sessions whose id begins with {str(selector)!r}, such as {ids};"
            " give more of it."
        )
    if index is None:
        raise SessionNotFoundError(
            f"{path} has no session {str(selector)!r}; `otelstream ls {path}` lists its"
            f" {len(ordered)}, by index, id and name."
        )
    return index, ordered[index]


def sessions_of(
    connection: DuckDBPyConnection, file: Path, *, live: bool, number: int | None = None
) -> list[RecordedSession]:
    """Return the sessions of a file, all with the index 0 and in no order.

    Args:
        connection: A connection to it.
        file: Its path.
        live: Whether it is being written, so that a session without an end is not a crashed one.
        number: Only the session of this number.

    Raises:
        duckdb.Error: It is damaged.
    """
    found = connection.execute(_SESSIONS) if number is None else connection.execute(_SESSION, [number])
    return [_session(file, row, live) for row in found.fetchall()]


def _is_ended(state: str | None) -> bool:
    return state not in (None, "crashed")


def _masked(redacted: bool | None, fired: str | None) -> int:
    """Return how much was masked, -1 if nothing was even looked at."""
    try:
        counts = json.loads(fired or "{}")
    except ValueError:
        counts = {}
    found = [count for count in counts.values() if isinstance(count, int)] if isinstance(counts, dict) else []
    return sum(found) if redacted else -1


def _session(file: Path, row: tuple[object, ...], live: bool) -> RecordedSession:
    number, frame_count, last, *columns = row
    starts = len(fields(SessionStart))
    start = SessionStart(*columns[:starts])  # type: ignore[arg-type]  # columns in the order of the fields
    ended = columns[starts] is not None
    end = SessionEnd(*columns[starts:]) if ended else None  # type: ignore[arg-type]  # as above
    return RecordedSession(
        index=0,
        number=number if isinstance(number, int) else 0,
        file=file,
        start=start,
        end=end,
        state=end.state if end is not None else "recording" if live else "crashed",
        frame_count=frame_count if isinstance(frame_count, int) else 0,
        last_ns=datetime_ns(last.replace(tzinfo=timezone.utc)) if isinstance(last, datetime) else 0,
    )
