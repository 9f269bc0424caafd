"""Replays that take time, and replays of a part: which frames come, when, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import pytest

import recorder
from otelstream.errors import RecordingError, UsageError
from otelstream.frame import StreamFrame
from recorder.cut import Bound, Part
from recorder.pace import Pace
from recorder.playhead import Tempo
from recorder.replay import Tape
from tests.conftest import NAMES, frames_of
from tests.contract.programs import Status, aconsume, consume, frame, status_of
from tests.recorder.recordings import writing
from tests.recorder.timing import (
    SECOND,
    FakeClock,
    apace,
    as_stamped,
    atimes,
    pace,
    played,
    record_at,
    times,
)

RATES: Final = (0.0, 0.5, 1.0, 4.0, 100.0)
CHANNELS: Final = ("flow", "llm", "llm", "tools", "llm", "flow")
DONE: Final = Status(completed=True, exhausted=True, cancelled=False, result="done")
NO_RESULT: Final = (RuntimeError, "No result available")


def every_golden_frame() -> Iterator[tuple[int, StreamFrame]]:
    """The golden streams behind each other, each frame at the time at which the runtime made it."""
    latest = 0
    for name in NAMES:
        arrivals = [(latest + offset_ns, each) for offset_ns, each in as_stamped(frames_of(name))]
        latest = max(offset_ns for offset_ns, _ in arrivals)
        yield from arrivals


@dataclass(frozen=True)
class Golden:
    """A recording of them in one session, and what is in it."""

    path: Path
    frames: list[StreamFrame]
    due: list[int]

    def due_at(self, rate: float) -> list[int]:
        """When each frame is due at a rate, in microseconds after the start."""
        return [0 if rate == 0 else round(each / rate / 1_000) for each in self.due]


def fields_of(frames: list[StreamFrame]) -> list[dict[str, Any]]:
    """The fields of frames of whatever class: another test may have loaded CrewAI."""
    return [vars(each) for each in frames]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """That recording."""
    arrivals = list(every_golden_frame())
    path = tmp_path_factory.mktemp("time") / "golden.duckdb"
    with writing(path) as writer:
        record_at(writer, 0, arrivals)
    latest = accumulate((offset_ns for offset_ns, _ in arrivals), max)
    return Golden(path, [each for _, each in arrivals], list(latest))


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of six frames, one a second and the last one after ten: completed, failed, cancelled."""
    path = tmp_path_factory.mktemp("time") / "six.duckdb"
    arrivals = [
        (offset * SECOND, frame(number, channel=CHANNELS[number], type=f"type_{number}"))
        for number, offset in enumerate((1, 2, 3, 4, 5, 15))
    ]
    with writing(path) as writer:
        for number, state in enumerate(("completed", "failed", "cancelled")):
            record_at(writer, number, arrivals, state)
    return path


@pytest.mark.parametrize("rate", RATES)
def test_the_order_is_the_same_at_every_rate(rate: float, golden: Golden) -> None:
    """All frames of all golden streams come in the recorded order, each when it is due."""
    clock = FakeClock()
    session = Tape(golden.path, 0, Part()).stream(pace(clock, rate) if rate else None)
    due = [round(each / 1_000) for each in times(session, clock)]

    assert (fields_of(session.frames), due) == (fields_of(golden.frames), golden.due_at(rate))


@pytest.mark.parametrize("rate", [0.0, 4.0])
def test_so_it_is_on_an_event_loop(rate: float, golden: Golden) -> None:
    """Asynchronous replays give the same frames at the same times."""
    clock = FakeClock()
    session = Tape(golden.path, 0, Part()).astream(apace(clock, rate) if rate else None)
    due = [round(each / 1_000) for each in asyncio.run(atimes(session, clock))]

    assert (fields_of(session.frames), due) == (fields_of(golden.frames), golden.due_at(rate))


@pytest.mark.parametrize("idle_limit", [None, 0.0, 0.5, 1.0, 3.5, 10.0])
def test_no_gap_is_longer_than_the_limit(idle_limit: float | None, six: Path) -> None:
    """Seconds of the recording: at the rate of two it takes half of them."""
    clock = FakeClock()
    limit = 100.0 if idle_limit is None else idle_limit
    due = times(Tape(six, 0, Part()).stream(pace(clock, 2.0, idle_limit)), clock)

    assert due == [
        int(each * SECOND / 2) for each in accumulate(min(gap, limit) for gap in (1, 1, 1, 1, 1, 10))
    ]


@pytest.mark.parametrize(
    ("part", "due"),
    [
        (Part(), [1, 2, 3, 4, 5, 15]),
        (Part(start=0), [1, 2, 3, 4, 5, 15]),
        (Part(start=1), [0, 1, 2, 3, 13]),
        (Part(start=-1), [0]),
        (Part(start=2.5), [0, 1, 2, 12]),
        (Part(start="type_3"), [0, 1, 11]),
        (Part(until=0), [1]),
        (Part(until=5.0), [1, 2, 3, 4, 5]),
        (Part(start="frame-1", until="type_4"), [0, 1, 2, 3]),
        (Part(channels=["tools"]), [4]),
        (Part(channels=["flow", "tools"]), [1, 4, 15]),
        (Part(start=1, channels=["flow", "tools"]), [0, 11]),
        (Part(start=1, until=3, channels=["llm"]), [0, 1]),
        (Part(channels=["nothing"]), []),
    ],
)
def test_a_part_comes_with_its_own_gaps(part: Part, due: list[int], six: Path) -> None:
    """From a start on the first frame comes at once; what other channels said meanwhile leaves a gap."""
    assert played(six, FakeClock(), part, 0) == [each * SECOND for each in due]


@pytest.mark.parametrize("channels", [["llm"], ["flow", "tools"], "tools", []])
@pytest.mark.parametrize(
    ("start", "until", "chosen"),
    [
        (None, None, slice(0, 6)),
        (1, None, slice(1, 6)),
        (None, 3, slice(0, 4)),
        ("type_1", "type_4", slice(1, 5)),
        (5, 5, slice(5, 6)),
    ],
)
def test_parts_are_slices(
    start: Bound, until: Bound, chosen: slice, channels: list[str] | str, six: Path
) -> None:
    """A part has the frames from its start until its end that are of its channels, also asynchronously."""
    expected = [number for number in range(6)[chosen] if CHANNELS[number] in channels]
    found = consume(recorder.replay(six, 0, start=start, until=until, channels=channels))
    other = asyncio.run(aconsume(recorder.areplay(six, 0, start=start, until=until, channels=channels)))

    assert ([each.seq for each in found], other) == (expected, found)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("number", "part", "status"),
    [
        (0, {}, DONE),
        (0, {"until": 3}, DONE),
        (0, {"start": 4}, DONE),
        (0, {"channels": []}, DONE),
        (1, {}, replace(DONE, exhausted=False, result=(ValueError, "boom"))),
        (1, {"start": 5}, replace(DONE, exhausted=False, result=(ValueError, "boom"))),
        (1, {"channels": []}, replace(DONE, exhausted=False, result=(ValueError, "boom"))),
        (1, {"until": "type_5"}, replace(DONE, exhausted=False, result=(ValueError, "boom"))),
        (1, {"until": "type_4"}, replace(DONE, result=NO_RESULT)),
        (2, {}, replace(DONE, cancelled=True)),
        (2, {"start": 2, "until": 99}, replace(DONE, cancelled=True)),
        (2, {"until": 4}, DONE),
    ],
)
def test_how_a_part_ends(
    number: int, part: dict[str, Any], status: Status, is_async: bool, six: Path
) -> None:
    """As the run did if its last frame is played; else without an error, and with the result of the run."""
    if is_async:
        session: Any = recorder.areplay(six, number, **part)
        asyncio.run(aconsume(session))
    else:
        session = recorder.replay(six, number, **part)
        consume(session)

    assert status_of(session) == status


@pytest.mark.parametrize("replay", [recorder.replay, recorder.areplay])
def test_what_cannot_be_played_is_told_at_once(replay: Callable[..., object], six: Path) -> None:
    """Not only when the first frame is asked for."""
    with pytest.raises(UsageError, match=r"^rate is -1; give 0 or a positive number\.$"):
        replay(six, rate=-1)
    with pytest.raises(RecordingError, match="has no frame of the id or the type 'nobody'"):
        replay(six, start="nobody")


def test_the_playing_begins_with_the_first_frame(six: Path) -> None:
    """What passes between the call and the first look at its frames is no time of the replay."""
    clock = FakeClock()
    session = Tape(six, 0, Part()).stream(pace(clock))
    clock.wait(1000)

    assert times(session, clock)[:2] == [SECOND, 2 * SECOND]


def test_closing_from_another_thread_ends_the_wait(six: Path) -> None:
    """The loop that waits for the next frame gets none any more; the result is there when `close` returns."""
    session = Tape(six, 0, Part(start=4)).stream(Pace(Tempo(rate=0.001)))
    first_came = threading.Event()
    seen: list[StreamFrame] = []

    def loop() -> None:
        for each in session:
            seen.append(each)
            first_came.set()

    thread = threading.Thread(target=loop)
    thread.start()
    first_came.wait(30)
    session.close()
    status = status_of(session)
    thread.join(30)

    assert (thread.is_alive(), [each.seq for each in seen], replace(status, exhausted=True)) == (
        False,
        [4],
        replace(DONE, cancelled=True),
    )


def test_closing_in_the_middle_of_a_wait(six: Path) -> None:
    """A signal's handler may close the session that its own thread waits for."""
    clock = FakeClock()

    def interrupted(seconds: float) -> None:
        clock.wait(seconds)
        if len(clock.waits) == 3:
            session.close()

    session = Tape(six, 0, Part()).stream(Pace(Tempo(1.0), clock, interrupted))

    assert ([each.seq for each in session], status_of(session)) == ([0, 1], replace(DONE, cancelled=True))


def test_a_closed_replay_has_no_more_frames(six: Path) -> None:
    """Closed before or after its first frame, it waits for nothing and gives nothing."""
    clock = FakeClock()
    unused, begun = (Tape(six, 0, Part()).stream(pace(clock)) for _ in range(2))
    next(iter(begun))
    for session in (unused, begun):
        session.close()
    clock.waits.clear()

    assert (list(unused), list(begun), clock.waits) == ([], [], [])


def test_a_break_may_be_followed_by_another_loop(six: Path) -> None:
    """It goes on with the next frame, when that is due."""
    clock = FakeClock()
    session = Tape(six, 0, Part()).stream(pace(clock))
    for each in session:
        if each.seq == 2:
            break

    assert ([each.seq for each in session.llm], clock.now_ns - FakeClock().now_ns) == ([4], 15 * SECOND)


def test_a_cancelled_task_stops_waiting(six: Path) -> None:
    """A replay is cancelled in the middle of a gap like any other wait, and its session has ended."""

    async def cancelled() -> tuple[list[int | None], Status]:
        session = recorder.areplay(six, 0, rate=0.001, start=4)
        first_came = asyncio.Event()
        seen = []

        async def loop() -> None:
            async for each in session:
                seen.append(each.seq)
                first_came.set()

        task = asyncio.create_task(loop())
        await first_came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen, status_of(session)

    assert asyncio.run(cancelled()) == ([4], replace(DONE, exhausted=False, result=NO_RESULT))


@pytest.mark.parametrize("waits", [False, True])
def test_others_run_while_it_is_played(waits: bool, tmp_path: Path) -> None:
    """The event loop gets its turn in every gap, and every hundred frames where there is none to wait for."""
    with writing(tmp_path / "long.duckdb") as writer:
        record_at(writer, 0, [(number, frame(number)) for number in range(950)])
    clock = FakeClock()

    async def played() -> int:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        session = Tape(tmp_path / "long.duckdb", 0, Part(start=1)).astream(apace(clock) if waits else None)
        iterator = aiter(session)
        await anext(iterator)
        ticker = asyncio.create_task(tick())
        async for _ in iterator:
            pass
        ticker.cancel()
        return turns

    assert asyncio.run(played()) >= (948 if waits else 9)


def test_arrival_times_that_are_lacking_are_no_gaps(six: Path, tmp_path: Path) -> None:
    """A file that has none, or that was made by somebody else, is played as far as it says."""
    path = tmp_path / "odd.duckdb"
    with writing(path) as writer:
        record_at(writer, 0, [(offset, frame(offset)) for offset in (SECOND, -5 * SECOND, 2 * SECOND)])

    assert played(path, FakeClock()) == [SECOND, SECOND, 2 * SECOND]
