"""How many frames a second the assembler takes, and what it holds on to, on the longest golden stream."""

from __future__ import annotations

import gzip
import statistics
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from otelstream.frame import StreamFrame, parse_frame
from otelstream.span.assembler import SpanAssembler
from otelstream.span.chunks import ChunkEvents
from otelstream.span.options import SpanOptions

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "frames" / "20_long_5000_chunks.jsonl.gz"
ROUNDS = 15
CALLS = (50, 100, 200)
CHUNKS = 1_000


def main() -> None:
    with gzip.open(GOLDEN, "rb") as file:
        frames = [parse_frame(line) for line in file]
    print(f"{len(frames)} frames of {GOLDEN.name} through feed, median (best) of {ROUNDS} rounds")
    for mode in get_args(ChunkEvents):
        rates = [rate(frames, SpanOptions(chunk_events=mode)) for _ in range(ROUNDS)]
        print(f"  {mode:9} {statistics.median(rates):9,.0f} ({max(rates):,.0f}) frames a second")
    print(f"memory held by one assembler, sessions of calls with {CHUNKS} chunks each")
    for calls in CALLS:
        print(f"  {calls * CHUNKS:7,} chunks: {held(frames, calls) / 1e6:5.1f} MB")


def rate(frames: list[StreamFrame], options: SpanOptions) -> float:
    assembler = SpanAssembler(options)
    start = time.perf_counter()
    for frame in frames:
        assembler.feed(frame)
    return len(frames) / (time.perf_counter() - start)


def held(frames: list[StreamFrame], calls: int) -> int:
    """Return the bytes that are still allocated after a session whose frames nobody else keeps."""
    assembler = SpanAssembler()
    tracemalloc.start()
    try:
        for frame in session(frames, calls):
            assembler.feed(frame)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def session(frames: list[StreamFrame], calls: int) -> Iterator[StreamFrame]:
    """Yield a session in which the golden call is made again and again, each time with ids of its own."""
    started = next(frame for frame in frames if frame.type == "llm_call_started")
    chunks = [frame for frame in frames if frame.type == "llm_stream_chunk"][:CHUNKS]
    completed = next(frame for frame in frames if frame.type == "llm_call_completed")
    yield from frames[: frames.index(started)]
    previous = started.previous_id
    for call in range(calls):
        for frame in (started, *chunks, completed):
            data = {**frame.data, "call_id": f"call {call}", "started_event_id": f"{started.id} {call}"}
            parent = f"{started.id} {call}" if frame.parent_id == started.id else frame.parent_id
            again = frame.model_copy(
                update={
                    "id": f"{frame.id} {call}",
                    "previous_id": previous,
                    "parent_id": parent,
                    "data": data,
                }
            )
            yield again
            previous = again.id


if __name__ == "__main__":
    main()
