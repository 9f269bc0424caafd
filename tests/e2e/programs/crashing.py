"""A program that forks one recording process after the other, and kills each of them.

Run as `python -m tests.e2e.programs.crashing`. It has imported everything before, so that a round costs
milliseconds; one line of JSON on its standard input says what a round does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import otelstream
from otelstream.frame import StreamFrame
from recorder import AsyncStreamSession, StreamSession
from tests.e2e.programs.journal import CAPACITY, Journal
from tests.e2e.programs.made import made

BURST: Final = 10
"""Frames that are emitted without a pause."""

PATIENCE_S: Final = 20.0
"""How long a busy machine may take until something is recorded, in seconds."""


@dataclass(frozen=True)
class Round:
    """What one process does until it is killed.

    Attributes:
        folder: Its working directory.
        record: Where it records.
        lanes: How many sessions run at once.
        frames: Frames of each session; when it has ended the lane goes on with the next session.
        dump_chars: Size of the frames that are no tokens.
        flush_every_s: How often it asks for what is safe, 0 for never.
        delay_s: How long it lives: from its first frame, or from what was first said to be safe.
        asynchronous: Whether the sessions are asynchronous.
        rotate_mb: `OTELSTREAM_ROTATE_MB`.
        name: What the names of its sessions begin with.
        after: Folder of a killed process, a copy of whose recording it goes on with.
    """

    folder: str
    record: str = "x.duckdb"
    lanes: int = 1
    frames: int = CAPACITY
    dump_chars: int = 4_000
    flush_every_s: float = 0.0
    delay_s: float = 0.6
    asynchronous: bool = False
    rotate_mb: int = 512
    name: str = "lane"
    after: str = ""

    def line(self) -> bytes:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    """Fork, kill and report for each line of the standard input."""
    for line in sys.stdin:
        task = Round(**json.loads(line))
        journal = Journal(Path(task.folder, "journal"))
        for left in Path(task.after).glob("x.duckdb*") if task.after else ():
            shutil.copy(left, task.folder)
        child = os.fork()
        if child == 0:
            _record(task, journal)
        _wait_until_begun(task, journal)
        time.sleep(task.delay_s)
        journal.kill(time.monotonic_ns())
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201  the report


def _wait_until_begun(task: Round, journal: Journal) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if journal.acknowledged(0) > 0 or (journal.started and not task.flush_every_s):
            return
        time.sleep(0.001)


def _record(task: Round, journal: Journal) -> None:
    os.chdir(task.folder)
    # Where the disk is slow the lanes wait: a dropped frame would be no fault, but what is kept no prefix.
    os.environ.update(
        OTELSTREAM_ROTATE_MB=str(task.rotate_mb),
        OTELSTREAM_QUEUE_POLICY="block",
        OTELSTREAM_BLOCK_MS="60000",
        OTELSTREAM_QUEUE_MB="20",
    )
    try:
        if task.flush_every_s:
            threading.Thread(target=_acknowledge, args=(task.flush_every_s, journal), daemon=True).start()
        lanes = range(task.lanes)
        threads = [threading.Thread(target=_lane, args=(task, journal, lane)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(60)
    finally:
        os._exit(1)


def _acknowledge(every_s: float, journal: Journal) -> None:
    while True:
        time.sleep(every_s)
        taken = journal.taken()
        if otelstream.flush(5):
            journal.acknowledge(taken)


def _lane(task: Round, journal: Journal, lane: int) -> None:
    for first in range(0, CAPACITY, task.frames):
        if task.asynchronous:
            asyncio.run(_asession(task, journal, lane, first))
        else:
            _session(task, journal, lane, first)


def _session(task: Round, journal: Journal, lane: int, first: int) -> None:
    session: StreamSession[None] = StreamSession(sync_iterator=_frames(task, journal, lane, first))
    journal.start()
    for count, _ in enumerate(otelstream.observe(session, record=task.record), start=first + 1):
        journal.take(lane, count)


async def _asession(task: Round, journal: Journal, lane: int, first: int) -> None:
    async def frames() -> AsyncIterator[StreamFrame]:
        for frame in _frames(task, journal, lane, first):
            yield frame
            await asyncio.sleep(0)

    session: AsyncStreamSession[None] = AsyncStreamSession(async_iterator=frames())
    journal.start()
    count = first
    async for _ in otelstream.observe(session, record=task.record):
        count += 1
        journal.take(lane, count)


def _frames(task: Round, journal: Journal, lane: int, first: int) -> Iterator[StreamFrame]:
    for number in range(first, first + task.frames):
        frame = made(f"{task.name}{lane}.{first}", number - first, task.dump_chars)
        journal.emit(lane, number, time.monotonic_ns())
        yield frame
        if number % BURST == 0:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
