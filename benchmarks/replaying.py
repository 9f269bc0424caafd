"""How fast a recording is replayed beside reading its frames from NDJSON, and how soon the first frame comes.

Rounds alternate between the kinds, so that a machine that slows down slows all of them. Quote medians.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import recorder
from benchmarks.million import Session
from benchmarks.recording import BATCH, GOLDEN, read, repeated
from otelstream.frame import StreamFrame, frame_json
from recorder.writer import Writer

ROUNDS = int(os.environ.get("OTELSTREAM_BENCH_ROUNDS", "3"))
STARTS = 9

START = """
import time
began = time.perf_counter()
import recorder
replay = recorder.replay
imported = time.perf_counter()
session = replay({path!r})
opened = time.perf_counter()
next(iter(session))
first = time.perf_counter()
import sys
assert not {{"crewai", "opentelemetry", "numpy"}} & sys.modules.keys()
print(imported - began, opened - imported, first - opened)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stream, frames in streams().items():
            write(frames, folder / stream)
        for crewai in ("without", "with"):
            print(f"frames a second, {crewai} CrewAI loaded; in brackets times json and pydantic", flush=True)
            # Each in a process of its own, as CrewAI cannot be unloaded.
            subprocess.run([sys.executable, "-m", __spec__.name, crewai, name], check=True)
        print(f"from `import recorder` to the first frame of a small recording, medians of {STARTS} starts")
        frames = read("04_crew_streaming")
        write(frames, folder / "small")
        for suffix in (".duckdb", ".jsonl"):
            print_start(folder / f"small{suffix}", folder)


def streams() -> dict[str, list[StreamFrame]]:
    """The streams by what they are: tokens, a crew with large frames, and whatever else CrewAI emits."""
    every = [frame for path in sorted(GOLDEN.iterdir()) for frame in read(path.name.partition(".")[0])]
    return {
        "tokens": repeated(read("20_long_5000_chunks"), 20),
        "crew": repeated(read("05_crew_two_agents_tools"), 100),
        "all golden streams": repeated(every, 3),
    }


def write(frames: list[StreamFrame], path: Path) -> None:
    """Write a session in all of the forms that are read."""
    database = path.with_suffix(".duckdb")
    writer = Writer(database)
    session = Session(writer, frames)
    while not session.ended:
        session.step()
        if writer.pending >= BATCH:
            writer.flush()
    writer.flush()
    writer.close()
    recorder.convert(database, path.with_suffix(".jsonl"))
    lines = "".join(f"{frame_json(frame)}\n" for frame in frames)
    path.with_suffix(".ndjson").write_text(lines, encoding="utf-8")


def measure(folder: Path) -> None:
    """Print how fast each way to read is, for each stream in a folder."""
    for plain in sorted(folder.glob("*.ndjson"), key=lambda path: path.stat().st_size, reverse=True):
        ways = ways_to_read(plain)
        (count,) = {frames_of() for frames_of in ways.values()}  # each once before, and all of them the same
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, frames_of in ways.items():
                gc.collect()
                began = time.perf_counter()
                frames_of()
                rates[way].append(count / (time.perf_counter() - began))
        print(f"  {plain.stem}: {count} frames, {plain.stat().st_size / count:.0f} bytes each")
        base = rates["json and pydantic"]
        for way, found in rates.items():
            ratios = [rate / other for rate, other in zip(found, base, strict=True)]
            print(
                f"    {way:22} {statistics.median(found):8.0f}"
                f" ({statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )


def ways_to_read(plain: Path) -> dict[str, Callable[[], int]]:
    """Return what reads all frames of a stream, in its forms, and keeps them as a session does."""
    streaming = sys.modules.get("crewai.types.streaming")
    kind = StreamFrame if streaming is None else streaming.StreamFrame
    database, text = plain.with_suffix(".duckdb"), plain.with_suffix(".jsonl")

    def validated(load: Callable[[bytes], object]) -> Callable[[], int]:
        def way() -> int:
            with plain.open("rb") as file:
                return len([load(line) for line in file])

        return way

    return {
        "json and pydantic": validated(lambda line: kind.model_validate(json.loads(line))),
        "pydantic alone": validated(kind.model_validate_json),
        "replay": lambda: count_of(recorder.replay(database)),
        "areplay": lambda: asyncio.run(acount_of(database)),
        "replay of text": lambda: count_of(recorder.replay(text)),
    }


def count_of(frames: Iterable[object]) -> int:
    return sum(1 for _ in frames)


async def acount_of(path: Path) -> int:
    count = 0
    async for _ in recorder.areplay(path):
        count += 1
    return count


def print_start(path: Path, folder: Path) -> None:
    """Print how long it takes until the first frame of a recording comes, in a fresh interpreter."""
    code = START.format(path=str(path))
    # As where packages are installed: modules are compiled once, not at every start.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    found = []
    for _ in range(STARTS + 1):
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        found.append([float(seconds) for seconds in run.stdout.split()])
    found = found[1:]
    parts = [statistics.median(times) for times in zip(*found, strict=True)]
    totals = sorted(map(sum, found))
    print(
        f"  {path.suffix:8} {statistics.median(totals):.3f} s (from {totals[0]:.3f} to {totals[-1]:.3f}):"
        f" import {parts[0]:.3f}, open {parts[1]:.3f}, first frame {parts[2]:.3f}"
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        if sys.argv[1] == "with":
            importlib.import_module("crewai.types.streaming")
        measure(Path(sys.argv[2]))
