"""Batches that are read while the one before is played: a replay in time need not wait for the disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress

from recorder.batches import Batch


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


async def aread_ahead(batches: Iterator[Batch]) -> AsyncGenerator[Batch, None]:
    """Yield batches, all of which are read in threads; whoever closes it waits until none is read any more.

    Raises:
        RecordingError: One of them cannot be read.
    """
    import asyncio  # 0.03 s, which only those wait for who have loaded it

    coming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        # Shielded: a thread cannot be cancelled, and the file must not be closed while it is read.
        while (batch := await asyncio.shield(coming)) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        await asyncio.wait([coming])
        coming.exception()  # nobody else will ask for it
