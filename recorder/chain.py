"""The hash chain of a session: each commit's digest covers everything that the session held until then.

It shows damage and careless edits, and where they are; whoever rewrites a file on purpose can rewrite it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic_core import to_json

Row = Sequence[object]


def first_digest(start: Row) -> bytes:
    """Return the digest over a session's row of `session_starts`."""
    return _digest(b"", start)


def next_digest(before: bytes, contexts: Sequence[Row], gaps: Sequence[Row], frames: Sequence[Row]) -> bytes:
    """Return the digest of a commit: over the one before it and the rows that it adds, in their order."""
    return _digest(before, (contexts, gaps, frames))


def last_digest(before: bytes, end: Row) -> bytes:
    """Return the digest of a session: over its chain, and its row of `session_ends` without this digest."""
    return _digest(before, end)


def _digest(before: bytes, rows: object) -> bytes:
    return hashlib.sha256(before + to_json(rows)).digest()
