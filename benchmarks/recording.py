"""What a recording weighs beside NDJSON and Parquet, and what writing it costs beside a bare insert of rows.

Medians of rounds, and ratios, as machines differ.
"""

from __future__ import annotations

import gc
import gzip
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

import otelstream
from otelstream.frame import StreamFrame, frame_json, parse_frame
from otelstream.jsontext import encode_json
from recorder import StreamSession
from recorder.encoder import FrameEncoder
from recorder.rows import FrameRow
from recorder.schema import STORAGE

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "frames"
ROUNDS = 3
BATCH = 1_000


def main() -> None:
    print("bytes a frame" + " " * 23 + "frames  recording  NDJSON  NDJSON.zst  Parquet.zst  recording/NDJSON")
    for name, frames in streams().items():
        with tempfile.TemporaryDirectory() as folder:
            print_sizes(name, frames, Path(folder))
    frames = repeated(read("20_long_5000_chunks"), 10)
    print(f"\ncost, medians of {ROUNDS} rounds over {len(frames)} frames (99 % tokens)")
    with tempfile.TemporaryDirectory() as folder:
        print_costs(frames, Path(folder))


def streams() -> dict[str, list[StreamFrame]]:
    long = read("20_long_5000_chunks")
    crews = (
        "04_crew_streaming",
        "05_crew_two_agents_tools",
        "21_structured_crew",
        "37_unnamed_task_long_description",
    )
    return {
        **{name: read(name) for name in crews},
        "20_long_5000_chunks": long,
        "20_long, 10 sessions": repeated(long, 10),
        "20_long, 40 sessions": repeated(long, 40),
    }


def read(name: str) -> list[StreamFrame]:
    (path,) = GOLDEN.glob(f"{name}.jsonl*")
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return [parse_frame(line) for line in file]


def repeated(frames: Sequence[StreamFrame], times: int, seed: int = 0) -> list[StreamFrame]:
    """Return the stream again and again, with ids of its own each time and its words in another order."""
    rng = random.Random(seed)
    chunks = [frame.data["chunk"] for frame in frames if "chunk" in frame.data]
    result = []
    for _ in range(times):
        ids: dict[str, str] = {}
        rng.shuffle(chunks)
        words = iter(chunks)

        def renamed(name: str | None, ids: dict[str, str] = ids) -> str | None:
            if name is None:
                return None
            return ids.setdefault(name, str(uuid.UUID(int=rng.getrandbits(128), version=4)))

        for frame in frames:
            data = {**frame.data, "chunk": next(words)} if "chunk" in frame.data else frame.data
            call = data.get("call_id")
            data = data if call is None else {**data, "call_id": renamed(call)}
            names = {"id": renamed(frame.id), "parent_id": renamed(frame.parent_id)}
            result.append(
                frame.model_copy(update={**names, "previous_id": renamed(frame.previous_id), "data": data})
            )
    return result


def print_sizes(name: str, frames: list[StreamFrame], folder: Path) -> None:
    record(frames, folder / "x.duckdb")
    lines = [frame_json(frame) for frame in frames]
    plain = sum(len(line.encode()) + 1 for line in lines)
    connection = duckdb.connect()
    connection.execute("CREATE TABLE lines (line VARCHAR)")
    with connection.appender("lines") as appender:
        appender.append_rows([(line,) for line in lines])
    quoting = "FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '\x02', ESCAPE '\x02'"
    connection.execute(f"COPY lines TO '{folder}/x.ndjson.zst' ({quoting}, COMPRESSION zstd)")
    connection.execute(
        f"COPY (SELECT j ->> 'id' AS id, (j ->> 'seq')::BIGINT AS seq, j ->> 'type' AS type,"
        " j ->> 'channel' AS channel, (j ->> 'namespace')::VARCHAR AS namespace,"
        " (j ->> 'timestamp')::TIMESTAMP AS timestamp, j ->> 'parent_id' AS parent_id,"
        " j ->> 'previous_id' AS previous_id, (j -> 'data')::VARCHAR AS data"
        f" FROM (SELECT line::JSON AS j FROM lines)) TO '{folder}/x.parquet' (COMPRESSION zstd)"
    )
    recording, zst, parquet = (
        (folder / file).stat().st_size for file in ("x.duckdb", "x.ndjson.zst", "x.parquet")
    )
    count = len(frames)
    print(
        f"  {name:32} {count:8} {recording / count:10.0f} {plain / count:7.0f} {zst / count:11.0f}"
        f" {parquet / count:12.0f} {recording / plain:17.3f}"
    )


def record(frames: list[StreamFrame], path: Path) -> tuple[float, float]:
    """Record; return CPU seconds of the consuming thread and of all others."""
    session = otelstream.observe(StreamSession(sync_iterator=iter(frames)), record=path)
    process, thread = time.process_time(), time.thread_time()
    for _ in session:
        pass
    caller = time.thread_time() - thread
    return caller, time.process_time() - process - caller


def print_costs(frames: list[StreamFrame], folder: Path) -> None:
    rows: list[tuple[object, ...]] = []
    encoder = FrameEncoder(0)
    rows += [encoder.encode(frame, ordinal, ordinal) for ordinal, frame in enumerate(frames)]
    plain_rows = [(frame.id, frame.type, frame.timestamp, encode_json(frame.data)) for frame in frames]
    gc.freeze()  # what was there before shall not be gone through by collections while we measure
    measured: dict[str, list[float]] = {name: [] for name in ("caller", "writer", "rows", "plain", "bare")}
    for number in range(ROUNDS):
        caller, writer = record(frames, folder / f"{number}.duckdb")
        measured["caller"].append(caller)
        measured["writer"].append(writer)
        measured["rows"].append(insert(folder / f"{number}-rows.duckdb", "stored_frames", rows))
        measured["plain"].append(insert(folder / f"{number}-plain.duckdb", "plain", plain_rows))
        measured["bare"].append(cpu(lambda: [None for _ in StreamSession(sync_iterator=iter(frames))]))
    gc.unfreeze()
    each = {name: statistics.median(times) / len(frames) * 1e6 for name, times in measured.items()}
    caller = each["caller"] - each["bare"]
    print(f"  caller                             {caller:6.1f} µs a frame more than without us")
    print(f"  writer, all of it                  {each['writer']:6.1f} µs a frame of CPU")
    print(
        f"  bare insert of the same rows       {each['rows']:6.1f} µs; the writer takes"
        f" {each['writer'] / each['rows']:.2f} times that"
    )
    print(
        f"  bare insert of whole JSON          {each['plain']:6.1f} µs; the writer takes"
        f" {each['writer'] / each['plain']:.2f} times that"
    )
    print(
        f"  sustained                          {1e6 / (each['writer'] + caller):6.0f} frames a second"
        " if one core does everything"
    )


def insert(path: Path, table: str, rows: list[tuple[object, ...]]) -> float:
    """Insert ready rows, committed as often as the recorder does; return CPU seconds, checkpoint included."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"ATTACH '{path}' AS recording ({STORAGE})")
    connection.execute("USE recording")
    schema = Path(otelstream.__file__).parent.parent / "recorder" / "schema" / "0002.sql"
    connection.execute(schema.read_text(encoding="utf-8"))
    connection.execute(
        "CREATE TABLE plain (id VARCHAR, type VARCHAR, timestamp TIMESTAMP, data JSON USING COMPRESSION zstd)"
    )
    connection.execute("CHECKPOINT")

    def run() -> None:
        columns = list(FrameRow._fields) if table == "stored_frames" else None
        appender = connection.appender(table, columns=columns)
        for first in range(0, len(rows), BATCH):
            connection.execute("BEGIN")
            appender.append_rows(rows[first : first + BATCH])
            appender.flush()
            connection.execute("COMMIT")
        del appender
        connection.execute("USE memory")
        connection.execute("DETACH recording")

    return cpu(run)


def cpu(step: Callable[[], object]) -> float:
    before = time.process_time()
    step()
    return time.process_time() - before


if __name__ == "__main__":
    os.environ.setdefault("OTELSTREAM_QUEUE_POLICY", "block")
    main()
