"""A directory whose files are full at a megabyte: sessions go to new ones, none is split or loses a frame."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import pytest

import otelstream
import recorder
from otelstream import bridge
from otelstream.bridge.counters import Losses
from otelstream.frame import StreamFrame, frame_json
from recorder import StreamSession
from tests.e2e.programs.made import lane_of, made_json
from tests.e2e.runs import environment

DUMP: Final = 100_000
LONG: Final = [f"long.{number}" for number in range(2)]
SHORT: Final = [f"short.{number}" for number in range(24)]
FRAMES: Final = 100

OPEN_ALL: Final = """
import sys, duckdb
for path in sys.argv[1:]:
    duckdb.connect(path).close()
    print(path)
"""


@dataclass(frozen=True)
class Rotated:
    """What is in a directory after sessions were recorded into it: while two of them still run, and at last.

    Attributes:
        path: The directory.
        closed: The files that another process could open for writing while the long sessions ran.
        live: The files that were being written then.
        losses: What `losses()` said at last.
        sessions: Every session of every file at last: name, state, file and frames.
    """

    path: Path
    closed: set[Path]
    live: set[Path]
    losses: dict[str, int]
    sessions: list[tuple[str, str, Path, list[str]]]


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Rotated:
    """A directory in which short sessions, three at a time, were recorded beside two long ones."""
    path = tmp_path_factory.mktemp("rotated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTELSTREAM_ROTATE_MB", "1")
        patch.setattr(bridge, "_losses", Losses())
        otelstream.shutdown(5)
        long = [observed(name, path) for name in LONG]
        for frames in long:
            next(frames)
        for first in range(0, len(SHORT), 3):
            at_once([observed(name, path) for name in SHORT[first : first + 3]])
            for frames in long:
                next(frames)
        otelstream.flush()
        live = {file for file in path.rglob("*.duckdb") if file.with_name(f"{file.name}.wal").exists()}
        closed = set(path.rglob("*.duckdb")) - live
        opened = subprocess.run(
            [sys.executable, "-c", OPEN_ALL, *map(str, closed)],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        for frames in long:
            list(frames)
        otelstream.shutdown(10)
        losses = dict(otelstream.losses())
    return Rotated(path, {Path(line) for line in opened.stdout.splitlines()}, live, losses, stored(path))


def observed(name: str, path: Path) -> Iterator[StreamFrame]:
    """Return a session that is recorded."""
    session: StreamSession[None] = StreamSession(sync_iterator=lane_of(name, FRAMES, DUMP))
    return iter(otelstream.observe(session, record=path))


def at_once(sessions: list[Iterator[StreamFrame]]) -> None:
    """Consume sessions at the same time."""
    threads = [threading.Thread(target=list, args=(frames,)) for frames in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def stored(path: Path) -> list[tuple[str, str, Path, list[str]]]:
    """Return every session of every file: name, state, file and frames."""
    found = []
    for file in sorted(path.rglob("*.duckdb")):
        with recorder.open(file) as recording:
            for each in recording.sessions():
                lines = [frame_json(frame) for frame in recording.frames(each)]
                found.append((str(each.start.name), each.state, file, lines))
    return found


def test_no_frame_is_lost(rotated: Rotated) -> None:
    """Every session is there, whole, once, and nothing was counted as lost."""
    found = {(name, state): lines for name, state, _, lines in rotated.sessions}

    assert (found, rotated.losses) == (
        {(name, "completed"): made_json(name, FRAMES, DUMP) for name in (*LONG, *SHORT)},
        {},
    )


def test_no_session_is_split(rotated: Rotated) -> None:
    """No session is in two files."""
    names = [name for name, *_ in rotated.sessions]

    assert sorted(names) == sorted((*LONG, *SHORT))


def test_there_is_a_file_for_every_megabyte_or_so(rotated: Rotated) -> None:
    """Sessions went to new files as the old ones filled up."""
    assert 4 <= len(list(rotated.path.rglob("*.duckdb"))) <= len(SHORT)


def test_long_sessions_stay_where_they_began(rotated: Rotated) -> None:
    """Both are in the first file, which took no more sessions when it was full."""
    files = {name: file for name, _, file, _ in rotated.sessions}

    assert {files[name] for name in LONG} == {files[SHORT[0]]} != {files[SHORT[-1]]}


def test_a_full_file_is_closed_with_its_last_session(rotated: Rotated) -> None:
    """While long sessions ran, their file and the newest were open; any process could have the rest."""
    files = {name: file for name, _, file, _ in rotated.sessions}

    assert (rotated.live <= {files[LONG[0]], files[SHORT[-1]]}, rotated.closed) == (
        True,
        set(files.values()) - rotated.live,
    )


def test_at_last_every_file_is_closed(rotated: Rotated) -> None:
    """No WAL is left beside any of them."""
    assert [path for path in rotated.path.rglob("*") if path.is_file() and path.suffix != ".duckdb"] == []


def test_files_are_named_after_day_host_process_and_time(rotated: Rotated) -> None:
    """Their names are as documented, and their order by name is that by time, but for those of one second."""
    names = [str(file.relative_to(rotated.path)) for file in sorted(rotated.path.rglob("*.duckdb"))]
    pattern = re.compile(rf"\d{{4}}-\d\d-\d\d/[A-Za-z0-9.-]+-{os.getpid()}-\d{{6}}-[0-9a-f]{{6}}\.duckdb")
    today = datetime.now(timezone.utc).date().isoformat()

    assert [name for name in names if not pattern.fullmatch(name) or name > f"{today}/~"] == []


def test_one_replay_finds_its_session_among_all_files(rotated: Rotated) -> None:
    """A replay of the directory by name gives the frames of that session."""
    frames = [frame_json(frame) for frame in recorder.replay(rotated.path, SHORT[13])]

    assert frames == made_json(SHORT[13], FRAMES, DUMP)
