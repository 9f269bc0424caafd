"""Trace and span ids derived from frame ids, so that a live export and a later one of the recording agree."""

from __future__ import annotations

import hashlib


def trace_id(root_key: str) -> int:
    """Return the 128-bit trace id of the session whose root span was opened by that frame, never 0."""
    return _digest(root_key, 16, b"trace")


def span_id(root_key: str, key: str) -> int:
    """Return the 64-bit id of the span that a frame opened in a session, never 0.

    Two sessions that see the same frames (a flow observed inside an observed flow) give it two ids.
    """
    return _digest(f"{root_key} {key}", 8, b"span")


def _digest(key: str, size: int, person: bytes) -> int:
    text = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=size, person=person).digest(), "big") or 1
