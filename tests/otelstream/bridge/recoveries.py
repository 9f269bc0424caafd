"""Recoveries for tests: what is told of them, and ways to damage a file at a place."""

from __future__ import annotations

import random
import tempfile
from functools import cache
from pathlib import Path

import duckdb

from otelstream.bridge.recovery import RecoveredSession, Recovery, recover
from recorder.blocks import FIRST_BLOCK
from tests.conftest import frames_of
from tests.recorder.recordings import Content, content, record, session_id, writing

BLOCK = 65_536


def recovered(path: Path) -> tuple[Recovery, dict[str, Content]]:
    """What is told of a recovery, and what the new recording holds."""
    output = path.with_name("recovered.duckdb")
    recovery = recover(path, output)
    return recovery, content(output)


def of(recovery: Recovery, number: int) -> RecoveredSession:
    """What is told of one session."""
    (session,) = [each for each in recovery.sessions if each.session == str(session_id(number))]
    return session


def overwrite(path: Path, at: int, piece: bytes) -> None:
    """Write over a part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[:at] + piece + data[at + len(piece) :])


def noise(length: int) -> bytes:
    """Bytes that mean nothing."""
    return random.Random(7).randbytes(length)


def long(path: Path) -> Path:
    """A recording of 400 frames in commits of ten."""
    path.write_bytes(_long())
    return path


@cache
def _long() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "long.duckdb")
        with writing(path) as writer:
            record(writer, 0, frames_of("05_crew_two_agents_tools"))
            record(writer, 1, frames_of("20_long_5000_chunks")[:300])
        return path.read_bytes()


def block_of(path: Path, table: str) -> int:
    """Where a block begins that holds rows of a table."""
    with duckdb.connect(path, read_only=True) as connection:
        query = f"SELECT min(block_id) FROM pragma_storage_info('{table}') WHERE persistent AND block_id >= 0"
        (block,) = connection.execute(query).fetchone() or (0,)
    return FIRST_BLOCK + int(block) * BLOCK


def blocks_of(path: Path, table: str) -> set[int]:
    """Where the blocks begin that hold rows of a table."""
    with duckdb.connect(path, read_only=True) as connection:
        query = f"SELECT block_id FROM pragma_storage_info('{table}') WHERE persistent AND block_id >= 0"
        found = connection.execute(query).fetchall()
    return {FIRST_BLOCK + int(block) * BLOCK for (block,) in found}
