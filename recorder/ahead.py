"""Batches that are read while the one before is played: a replay in time need not wait for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from typing_extensions import Self

from recorder.batches import Batch

if TYPE_CHECKING:
    import asyncio


def read_ahead(batches: Iterator[Batch], end: int) -> Iterator[Batch]:
    """Yield batches; behind the first one they are read in a thread.

    Args:
        batches: The batches, of which each is read when it is asked for.
        end: Ordinal of the frame behind the last one.

    Raises:
        RecordingError: One of them cannot be read.
    """
    batch = next(batches, None)
    if batch is None:
        return
    if batch.first + len(batch.offsets_ns) >= end:
        yield batch
        return
    from concurrent.futures import ThreadPoolExecutor  # 0.02 s, for a long recording alone

    thread = ThreadPoolExecutor(1, "otelstream-replay")
    try:
        while batch is not None:
            coming = thread.submit(next, batches, None)
            yield batch
            batch = coming.result()
    finally:
        with suppress(RuntimeError):  # the collector may close what was dropped in that very thread
            thread.shutdown()


class BatchesAhead:
    """Batches that are read ahead on an event loop, between `async with` and its end, which waits for a read.

    No generator: a loop that ends closes all of those at once, and the inner one could not be closed twice.

    Args:
        batches: The batches, all of which are read in threads.
    """

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches

    async def __aenter__(self) -> Self:
        self._coming = self._read()
        return self

    async def __aexit__(self, *_: object) -> None:
        import asyncio

        await asyncio.wait([self._coming])
        self._coming.exception()  # nobody else will ask for it

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        """Return the next batch.

        Raises:
            RecordingError: It cannot be read.
        """
        import asyncio

        # Shielded: a thread cannot be cancelled, and the file must not be closed while it is read.
        batch = await asyncio.shield(self._coming)
        if batch is None:
            raise StopAsyncIteration
        self._coming = self._read()
        return batch

    def _read(self) -> asyncio.Future[Batch | None]:
        import asyncio  # 0.03 s, which only those wait for who have loaded it

        # A future and no task: a loop that ends would cancel it, and not wait for the thread.
        return asyncio.get_running_loop().run_in_executor(None, next, self._batches, None)
