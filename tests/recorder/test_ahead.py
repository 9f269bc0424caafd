"""Batches that are read ahead: all in order, one at a time, and none is read any more after a close."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from otelstream.errors import RecordingError
from recorder.ahead import BatchesAhead, read_ahead
from recorder.batches import Batch


class Disk:
    """Batches of two frames, read slowly if the test holds them up.

    Attributes:
        asked: The first ordinal of each batch that was asked for.
        reading: Set when the batch of ordinal 4 is being read.
        free: That batch is read when this is set.
    """

    def __init__(self, end: int, broken_at: int | None = None) -> None:
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.reading, self.free = threading.Event(), threading.Event()
        self.free.set()
        self.is_read = 0
        self._end, self._broken_at = end, broken_at

    def batches(self) -> Iterator[Batch]:
        """Yield them."""
        for first in range(0, self._end, 2):
            self.asked.append(first)
            self.threads.add(threading.get_ident())
            if first == 4:
                self.reading.set()
                self.free.wait(30)
            if first == self._broken_at:
                raise RecordingError("the disk is broken")
            self.is_read += 1
            yield Batch(first, [0, 0], lambda kind: iter(()))


@pytest.mark.parametrize("end", [0, 2, 4, 20])
def test_all_of_them_come_in_order(end: int) -> None:
    """As without reading ahead."""
    assert [each.first for each in read_ahead(Disk(end).batches(), end)] == list(range(0, end, 2))


def test_a_single_batch_needs_no_thread() -> None:
    """Short recordings are read where they are asked for."""
    disk = Disk(2)
    list(read_ahead(disk.batches(), 2))

    assert disk.threads == {threading.get_ident()}


def test_the_next_one_is_read_meanwhile() -> None:
    """And no further one: memory holds two."""
    disk = Disk(20)
    ahead = read_ahead(disk.batches(), 20)
    next(ahead)
    next(ahead)
    was_read = disk.reading.wait(30)

    assert (was_read, disk.asked) == (True, [0, 2, 4])


def test_an_error_comes_in_its_place() -> None:
    """What was read before it comes first."""
    ahead = read_ahead(Disk(20, broken_at=4).batches(), 20)
    found = [next(ahead).first, next(ahead).first]

    with pytest.raises(RecordingError, match="the disk is broken"):
        next(ahead)
    assert found == [0, 2]


def test_a_close_waits_for_what_is_being_read() -> None:
    """Whoever closes the recording after that pulls it away from nobody."""
    disk = Disk(20)
    disk.free.clear()
    ahead = read_ahead(disk.batches(), 20)
    next(ahead)
    next(ahead)
    disk.reading.wait(30)
    threading.Timer(0.05, disk.free.set).start()
    ahead.close()  # type: ignore[attr-defined]  # a generator

    assert disk.is_read == 3


def test_a_close_by_the_thread_that_reads() -> None:
    """The collector may run there and close a replay that was dropped: it does not wait for itself."""

    def batches() -> Iterator[Batch]:
        yield Batch(0, [0], lambda kind: iter(()))
        taken.wait(30)
        ahead.close()  # type: ignore[attr-defined]  # a generator
        closed.set()
        yield Batch(1, [0], lambda kind: iter(()))

    taken, closed = threading.Event(), threading.Event()
    ahead = read_ahead(batches(), 2)
    first = next(ahead).first
    taken.set()

    assert (first, closed.wait(30), list(ahead)) == (0, True, [])


@pytest.mark.parametrize("end", [0, 2, 20])
def test_all_of_them_come_on_an_event_loop(end: int) -> None:
    """None is read by the loop's own thread."""
    disk = Disk(end)

    async def firsts() -> list[int]:
        async with BatchesAhead(disk.batches()) as ahead:
            return [each.first async for each in ahead]

    assert (asyncio.run(firsts()), threading.get_ident() in disk.threads) == (list(range(0, end, 2)), False)


def test_an_error_comes_in_its_place_on_an_event_loop() -> None:
    """Once, and nobody is told of it who did not ask."""

    async def read() -> list[int]:
        async with BatchesAhead(Disk(20, broken_at=4).batches()) as ahead:
            found = [(await anext(ahead)).first, (await anext(ahead)).first]
            with pytest.raises(RecordingError, match="the disk is broken"):
                await anext(ahead)
        return found

    assert asyncio.run(read()) == [0, 2]


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_task_that_ends_waits_for_what_is_being_read(is_cancelled: bool) -> None:
    """Be it closed between two batches, or cancelled while it waits for one."""
    disk = Disk(20)
    disk.free.clear()

    async def read() -> None:
        async with BatchesAhead(disk.batches()) as ahead:
            await anext(ahead)
            await anext(ahead)
            await asyncio.to_thread(disk.reading.wait, 30)
            asyncio.get_running_loop().call_later(0.05, disk.free.set)
            if is_cancelled:
                waiting = asyncio.ensure_future(anext(ahead))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting

    asyncio.run(read())

    assert disk.is_read == 3
