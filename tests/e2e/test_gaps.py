"""A writer that cannot keep up: frames are dropped and each gap is written down, or the program waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

import otelstream
import recorder
from otelstream.frame import StreamFrame
from recorder import AsyncStreamSession, StreamSession
from recorder.writer import Writer
from tests.e2e.programs.made import made

DUMPS: Final = 60
"""Frames of 40 kB in each part of a session: two and a half times what the queue holds."""

WARM: Final = 10
"""After so many frames it is known what they weigh."""


class Disk:
    """A writer whose commits wait while the gate is closed."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk under every recording; the queue holds a megabyte."""
    made_disk, flush = Disk(), Writer.flush

    def wait_and_flush(writer: Writer) -> None:
        made_disk.gate.wait(20)
        flush(writer)

    monkeypatch.setattr(Writer, "flush", wait_and_flush)
    monkeypatch.setenv("OTELSTREAM_QUEUE_MB", "1")
    monkeypatch.setenv("OTELSTREAM_BATCH_MS", "1")
    yield made_disk
    made_disk.gate.set()


def frame(number: int) -> StreamFrame:
    """Return a frame of 40 kB, or the first one of its session."""
    return made("lane", number and number * 40, 40_000).model_copy(update={"seq": number})


Steps = Callable[[int], None]
"""What happens before each frame."""


def run_sync(frames: int, before: Steps) -> None:
    """Record a session of so many frames."""

    def source() -> Iterator[StreamFrame]:
        for number in range(frames):
            before(number)
            yield frame(number)
        before(frames)

    list(otelstream.observe(StreamSession(sync_iterator=source()), record="x.duckdb"))


def run_async(frames: int, before: Steps) -> None:
    """Do the same asynchronously."""

    async def source() -> AsyncIterator[StreamFrame]:
        for number in range(frames):
            before(number)
            yield frame(number)
        before(frames)

    async def run() -> None:
        session: AsyncStreamSession[None] = AsyncStreamSession(async_iterator=source())
        async for _ in otelstream.observe(session, record="x.duckdb"):
            pass

    asyncio.run(run())


RUNS: Final = [pytest.param(run_sync, id="sync"), pytest.param(run_async, id="async")]


@dataclass(frozen=True)
class Stored:
    """What a recording says of its one session."""

    numbers: list[int]
    gaps: list[tuple[int, int, str]]
    dropped: int | None
    state: str


def stored() -> Stored:
    """Return what the recording says."""
    with recorder.open("x.duckdb") as recording:
        session = recording.session()
        numbers = [each.seq or 0 for each in recording.frames(session)]
        gaps = [(gap.ordinal, gap.frames, gap.reason) for gap in recording.gaps(session)]
    return Stored(numbers, gaps, session.end.frames_dropped if session.end else None, session.state)


def missing(numbers: list[int], emitted: int, reason: str) -> list[tuple[int, int, str]]:
    """Return the gaps that numbers have, given how many there should be."""
    edges = [-1, *numbers, emitted]
    pairs = enumerate(pairwise(edges))
    return [(ordinal, after - before - 1, reason) for ordinal, (before, after) in pairs if after > before + 1]


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings go to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=RUNS)
def dropped(request: pytest.FixtureRequest, disk: Disk, in_folder: None) -> Stored:
    """A session during which the disk stands still twice: in the middle, and until its end."""

    def before(number: int) -> None:
        if number in (DUMPS, 3 * DUMPS):
            otelstream.flush()
            disk.gate.clear()
        if number in (2 * DUMPS, 4 * DUMPS):
            disk.gate.set()
        if number == 2 * DUMPS:
            otelstream.flush()
        if number % DUMPS % 20 == 0 and disk.gate.is_set():
            otelstream.flush()  # what is between the gaps comes slowly enough

    request.param(4 * DUMPS, before)
    return stored()


def test_gaps_say_where_frames_are_missing(dropped: Stored) -> None:
    """Each gap stands between its neighbours and counts what is missing there, and there are no others."""
    assert dropped.gaps == missing(dropped.numbers, 4 * DUMPS, "queue_full")


def test_both_gaps_are_there(dropped: Stored) -> None:
    """The test above had two gaps to look at, one of them behind the last frame that is stored."""
    assert (len(dropped.gaps), dropped.gaps[-1][0]) == (2, len(dropped.numbers))


def test_gaps_losses_and_the_end_agree(dropped: Stored) -> None:
    """What the gaps count is what `losses()` says, what the session's end says, and what is not stored."""
    lost = sum(frames for _, frames, _ in dropped.gaps)

    assert (otelstream.losses(), dropped.dropped, 4 * DUMPS - len(dropped.numbers)) == (
        {"queue_full": lost},
        lost,
        lost,
    )


def test_a_session_with_gaps_is_complete_in_all_else(dropped: Stored) -> None:
    """It has its end, and its frames are in order."""
    assert (dropped.state, dropped.numbers) == ("completed", sorted(set(dropped.numbers)))


def test_a_program_that_blocks_loses_nothing(
    disk: Disk, in_folder: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits while the queue is full, and goes on when there is room."""
    monkeypatch.setenv("OTELSTREAM_QUEUE_POLICY", "block")
    monkeypatch.setenv("OTELSTREAM_BLOCK_MS", "20000")
    emitted: list[int] = []
    halted: list[int] = []

    def open_when_halted() -> None:
        count = -1
        while count != len(emitted):
            count = len(emitted)
            time.sleep(0.3)
        halted.append(count)
        disk.gate.set()

    def before(number: int) -> None:
        emitted.append(number)
        if number == WARM:
            otelstream.flush()  # frames weigh what was measured from here on
            disk.gate.clear()
            threading.Thread(target=open_when_halted, daemon=True).start()

    run_sync(4 * DUMPS, before)

    assert (stored(), otelstream.losses(), halted[0] < 4 * DUMPS) == (
        Stored(list(range(4 * DUMPS)), [], 0, "completed"),
        {},
        True,
    )


def test_a_loop_that_blocks_loses_nothing_and_runs_on(
    disk: Disk, in_folder: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task that streams waits, another one has its turns, after twenty of which the disk goes on."""
    monkeypatch.setenv("OTELSTREAM_QUEUE_POLICY", "block")
    monkeypatch.setenv("OTELSTREAM_BLOCK_MS", "20000")
    emitted: list[int] = []
    halted: list[int] = []

    async def source() -> AsyncIterator[StreamFrame]:
        for number in range(4 * DUMPS):
            emitted.append(number)
            yield frame(number)
            if number == WARM:
                otelstream.flush()
                disk.gate.clear()

    async def open_when_halted() -> None:
        turns, count = 0, -1
        while turns < 20:
            turns = turns + 1 if count == len(emitted) > WARM else 0
            count = len(emitted)
            await asyncio.sleep(0.01)
        halted.append(count)
        disk.gate.set()

    async def run() -> None:
        other = asyncio.ensure_future(open_when_halted())
        session: AsyncStreamSession[None] = AsyncStreamSession(async_iterator=source())
        async for _ in otelstream.observe(session, record="x.duckdb"):
            await asyncio.sleep(0)
        await other

    asyncio.run(run())

    assert (stored(), otelstream.losses(), halted[0] < 4 * DUMPS) == (
        Stored(list(range(4 * DUMPS)), [], 0, "completed"),
        {},
        True,
    )


@pytest.mark.parametrize("run", RUNS)
def test_a_program_blocks_no_longer_than_it_is_told(
    run: Callable[[int, Steps], None], disk: Disk, in_folder: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits once for a quarter of a second; then frames are dropped, and counted, until there is room."""
    monkeypatch.setenv("OTELSTREAM_QUEUE_POLICY", "block")
    monkeypatch.setenv("OTELSTREAM_BLOCK_MS", "250")
    waits: list[float] = []
    emitted_at = time.monotonic()

    def before(number: int) -> None:
        nonlocal emitted_at
        waits.append(time.monotonic() - emitted_at)
        if number == WARM:
            otelstream.flush()
            disk.gate.clear()
        if number == 4 * DUMPS:
            disk.gate.set()
        emitted_at = time.monotonic()

    run(4 * DUMPS, before)
    found = stored()
    lost = 4 * DUMPS - len(found.numbers)

    assert (sum(wait >= 0.24 for wait in waits), found.gaps, otelstream.losses()) == (
        1,
        missing(found.numbers, 4 * DUMPS, "queue_full"),
        {"queue_full": lost},
    )


def test_the_queue_is_bounded_before_anything_is_known(disk: Disk, in_folder: None) -> None:
    """A disk that stands still from the first commit on does not let ten megabytes gather in one."""

    def before(number: int) -> None:
        if number == 4 * DUMPS:
            disk.gate.set()

    disk.gate.clear()
    run_sync(4 * DUMPS, before)
    found = stored()

    assert (len(found.numbers) < 2 * DUMPS, found.gaps) == (
        True,
        missing(found.numbers, 4 * DUMPS, "queue_full"),
    )


def odd(number: int, **fields: object) -> StreamFrame:
    """Return a frame with a field that no frame has."""
    return frame(number).model_copy(update=fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"data": None}, "frame", id="no data"),
        pytest.param({"timestamp": "today"}, "recording", id="no time"),
        pytest.param({"data": {"text": "canary"}}, "redaction", id="unspeakable"),
    ],
)
def test_a_frame_that_fails_leaves_a_gap_where_it_was(
    fields: dict[str, object], reason: str, in_folder: None
) -> None:
    """Its neighbours are stored, and the gap is between them, also if all came together."""

    def function(text: str) -> str:
        if text == "canary":
            raise ValueError("no")
        return text

    frames = [odd(number, **fields) if number == 5 else frame(number) for number in range(10)]
    session: StreamSession[None] = StreamSession(sync_iterator=iter(frames))
    list(otelstream.observe(session, record="x.duckdb", redact=function))

    assert stored() == Stored([0, 1, 2, 3, 4, 6, 7, 8, 9], [(5, 1, reason)], 1, "completed")
