"""Retention: recordings that are old or too many are deleted, but for the sessions that shall be kept.

What is being written, cannot be read or is no recording is left alone.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import duckdb

from otelstream.bridge.newfile import new_recording
from otelstream.bridge.originals import OpenText, held, opened, opened_text
from otelstream.errors import RecordingError
from otelstream.span.rules import Pair
from recorder.creation import BESIDE
from recorder.faults import sentence_for
from recorder.folders import remove_dead
from recorder.locks import is_being_written
from recorder.names import WALS, is_text, real_path
from recorder.sandbox import Sandbox
from recorder.sources import find
from recorder.text.locks import locked

Action = Literal["deleted", "rewritten", "kept", "left alone"]

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SESSIONS: Final = """
SELECT
    coalesce(e.ended_at, s.started_at + to_microseconds(coalesce(f.last_ns, 0) // 1000)),
    coalesce(e.state, 'crashed'),
    coalesce(e.frame_count, f.count, 0)
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT session, max(offset_ns) AS last_ns, count(*) AS count FROM stored_frames
    WHERE session NOT IN (SELECT session FROM session_ends) GROUP BY session
) AS f ON f.session = s.session
"""
_CREATED: Final = "SELECT max(created_at) FROM header"


@dataclass(frozen=True, slots=True)
class Retention:
    """What shall go.

    Attributes:
        before: Files whose newest session ended before this (naive UTC); None for no such rule.
        max_bytes: The oldest files, until all together have no more bytes; None for no such rule.
        keep: States of sessions that stay in any case.
        dry_run: Whether nothing is done.
        rows: Start and end types of the user's own, for the spans of sessions that stay.
    """

    before: datetime | None = None
    max_bytes: int | None = None
    keep: frozenset[str] = frozenset()
    dry_run: bool = False
    rows: Sequence[Pair] = ()


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of a file, or would have without `dry_run`.

    Attributes:
        file: The file.
        action: What was done.
        sessions: How many sessions are gone.
        bytes: How many bytes are free again; of a file that would be rewritten an estimate.
        why: Why it was left alone or kept.
    """

    file: Path
    action: Action
    sessions: int = 0
    bytes: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was found.

    Attributes:
        path: The file.
        bytes: Its size, with what is beside it, if it is a recording.
        newest: When its newest session ended, or when it was made.
        sessions: How many sessions it has.
        kept: How many of them stay in any case.
        kept_share: Which part of its frames they have.
        why: Why it is left alone; empty if it is not.
    """

    path: Path
    bytes: int = 0
    newest: datetime = datetime.min
    sessions: int = 0
    kept: int = 0
    kept_share: float = 0.0
    why: str = ""


def prune(path: Path, retention: Retention) -> Iterator[Pruned]:
    """Delete what shall go, and yield what became of each file that matters, as it happens.

    Args:
        path: A directory, a pattern, or a file.
        retention: What shall go.

    Raises:
        RecordingError: There is nothing at that path, or the pattern matches nothing.
    """
    found = find(path)
    if not retention.dry_run:
        _remove_unfinished(path, found.files)
    for file, why in found.skipped:
        yield Pruned(file, "left alone", why=why)
    within = None if found.named else _root(path)
    seen = [_look(file, retention.keep, within) for file in found.files]
    total = sum(each.bytes for each in seen)
    for each in sorted(seen, key=lambda each: (each.newest, each.path)):
        if each.why:
            yield Pruned(each.path, "left alone", why=each.why)
            continue
        is_old = retention.before is not None and each.newest < retention.before
        if is_old or (retention.max_bytes is not None and total > retention.max_bytes):
            done = _pruned(each, retention)
            if done.action == "deleted" and not retention.dry_run:
                _unlink_names([each.path, *found.others])
            total -= done.bytes
            yield done


def _root(path: Path) -> Path:
    """Return the directory that is pruned: of a pattern the one above its first part that is a pattern."""
    while glob.has_magic(str(path)) and not path.exists():
        path = path.parent
    return real_path(path)


def _remove_unfinished(path: Path, files: Iterable[Path]) -> None:
    """Remove what killed processes left of recordings that they were making."""
    folders = {file.parent for file in files}
    if path.is_dir():
        folders.update(Path(folder) for folder, *_ in os.walk(path))
    for folder in folders:
        remove_dead(BESIDE, folder)


def _unlink_names(names: Iterable[Path]) -> None:
    """Remove links that lead to nothing now."""
    for name in names:
        if name.is_symlink() and not name.exists():
            name.unlink(missing_ok=True)


def _look(file: Path, keep: frozenset[str], within: Path | None) -> _Seen:
    if within is not None and within not in real_path(file).parents:
        return _Seen(file, why=f"it is a link to {real_path(file)}, which is elsewhere")
    try:
        size = sum(each.stat().st_size for each in _parts(file))
        if is_being_written(file):
            return _Seen(file, size, why="it is being written")
        rows, made = _outcomes(file)
    except RecordingError as error:
        return _Seen(file, why=str(error))
    except OSError as error:
        return _Seen(file, why=sentence_for(file, error))
    ends = [ended for ended, _, _ in rows] or [made or datetime.max]
    kept = [frames for _, state, frames in rows if state in keep]
    frames = sum(frames for _, _, frames in rows)
    return _Seen(file, size, max(ends), len(rows), len(kept), sum(kept) / frames if frames else 0.0)


def _outcomes(file: Path) -> tuple[list[tuple[datetime, str, int]], datetime | None]:
    """Return when each session of a file ended, how, and with how many frames; and when the file was made."""
    with opened(file) as original:
        if isinstance(original, OpenText):
            ends = [each.end() for each in map(original.original, original.sessions())]
            return [(end.ended_at, end.state, end.frame_count) for end in ends if end is not None], None
        with original.connect() as connection:
            (made,) = connection.execute(_CREATED).fetchone() or (None,)
            return connection.execute(_SESSIONS).fetchall(), made


def _pruned(seen: _Seen, retention: Retention) -> Pruned:
    gone = seen.sessions - seen.kept
    if seen.kept and not gone:
        return Pruned(seen.path, "kept", why=f"all of its {seen.kept} sessions stay")
    action: Action = "rewritten" if seen.kept else "deleted"
    if retention.dry_run:
        return Pruned(seen.path, action, gone, round(seen.bytes * (1 - seen.kept_share)))
    try:
        if seen.kept:
            _rewrite(seen.path, retention)
        else:
            _delete(seen)
    except duckdb.Error as error:
        return Pruned(seen.path, "left alone", why=sentence_for(seen.path, error))
    except RecordingError as error:
        return Pruned(seen.path, "left alone", why=str(error))
    except OSError as error:
        return Pruned(seen.path, "left alone", why=sentence_for(seen.path, error))
    left = sum(each.stat().st_size for each in _parts(seen.path))
    return Pruned(seen.path, action, gone, seen.bytes - left)


def _rewrite(file: Path, retention: Retention) -> None:
    """Leave only the sessions in a file that stay."""
    with held(file) as original, new_recording(file, replaces=True) as made:
        for session in original.sessions():
            if session.state in retention.keep:
                made.copy(original.original(session), rows=retention.rows)


def _delete(seen: _Seen) -> None:
    """Delete a file, and its folder if that is one of a day and empty then."""
    real = real_path(seen.path)
    with _unwritten(real, seen.path) as sessions:
        if sessions != seen.sessions:
            raise RecordingError(f"{seen.path} was written meanwhile.")
        for part in reversed(_parts(seen.path)):
            part.unlink()
    if _DAY.fullmatch(real.parent.name):
        with suppress(OSError):
            real.parent.rmdir()  # says so if it is not empty


@contextmanager
def _unwritten(real: Path, file: Path) -> Iterator[int]:
    """Keep everybody from writing a file meanwhile, and give the number of its sessions."""
    if is_text(file):
        with locked(real), opened_text(file) as text:
            yield len(text.keys())
        return
    # While it is open for reading nobody can begin to write it.
    with closing(Sandbox([real])) as sandbox, sandbox.attached(real) as connection:
        (sessions,) = connection.execute("SELECT count(*) FROM session_starts").fetchone() or (-1,)
        yield sessions


def _parts(file: Path) -> list[Path]:
    """Return a file and what DuckDB has beside it, as far as they exist."""
    real = real_path(file)
    return [each for each in (real, *(Path(f"{real}{end}") for end in WALS)) if each.exists()]
