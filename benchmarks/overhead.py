"""What observing costs: the same stream with and without us, side by side in one process, as ratios.

Rounds alternate between the kinds, so that a machine that slows down slows all of them. Quote medians.
"""

from __future__ import annotations

import gzip
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import otelstream
from otelstream.frame import StreamFrame, parse_frame
from recorder import StreamSession, replay

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "frames" / "20_long_5000_chunks.jsonl.gz"
ROUNDS = 7

Kind = Callable[[StreamSession[Any], Path], StreamSession[Any]]

KINDS: dict[str, Kind] = {
    "bare": lambda session, _: session,
    "observed": lambda session, _: otelstream.observe(session),
    "recorded": lambda session, path: otelstream.observe(session, record=path),
    "recorded, not waited for": lambda session, path: otelstream.observe(
        session, record=path, flush_on_end=False
    ),
}


def main() -> None:
    with gzip.open(GOLDEN, "rb") as file:
        frames = [parse_frame(line) for line in file]
    with tempfile.TemporaryDirectory() as folder:
        times = {
            "nothing else to do": measure(frames, Path(folder) / "a", 0),
            "0.1 ms a frame": measure(frames, Path(folder) / "b", 100_000),
        }
        size = sum(path.stat().st_size for path in Path(folder).glob("a/recorded.duckdb"))
        replayed = timed(lambda: sum(1 for _ in replay(Path(folder) / "a" / "recorded.duckdb")))
    for work, measured in times.items():
        bare = statistics.median(measured["bare"])
        print(f"{len(frames)} frames, consumer with {work}; bare: {bare / len(frames) / 1e3:.1f} µs a frame")
        for kind, ns in measured.items():
            median = statistics.median(ns)
            print(
                f"  {kind:26} {median / bare:6.2f} times bare,"
                f" {(median - bare) / len(frames) / 1e3:+7.1f} µs a frame"
            )
    print(
        f"recording: {size / ROUNDS / len(frames):.0f} bytes a frame;"
        f" replay: {replayed / len(frames) / 1e3:.1f} µs a frame"
    )


def measure(frames: list[StreamFrame], folder: Path, busy_ns: int) -> dict[str, list[int]]:
    folder.mkdir()
    times: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind, wrap in KINDS.items():
            session = wrap(
                StreamSession(sync_iterator=iter(frames)), folder / f"{kind.partition(',')[0]}.duckdb"
            )
            times[kind].append(timed(lambda session=session: consume(session, busy_ns)))  # type: ignore[misc]  # bound
            otelstream.flush()
    return times


def consume(session: Iterator[StreamFrame] | StreamSession[Any], busy_ns: int) -> None:
    for _ in session:
        until = time.perf_counter_ns() + busy_ns
        while time.perf_counter_ns() < until:
            pass


def timed(step: Callable[[], object]) -> int:
    start = time.perf_counter_ns()
    step()
    return time.perf_counter_ns() - start


if __name__ == "__main__":
    os.environ.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    main()
