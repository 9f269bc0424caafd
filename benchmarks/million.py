"""A recording of a million frames: how long a view takes for a session, and what reading holds in memory."""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import recorder
from benchmarks.recording import read, repeated
from otelstream.bridge.spanrows import SpanRows
from otelstream.bridge.stages import uuid7
from otelstream.frame import Outcome, StreamFrame, ns_datetime
from recorder.session_row import SessionEnd, SessionStart
from recorder.writer import Writer

FRAMES = int(os.environ.get("OTELSTREAM_BENCH_FRAMES", "1000000"))
TOGETHER = 20
"""Sessions that are recorded at the same time, so that their rows are mixed."""

ROUNDS = 5

_VIEWS = """
SELECT view_name, CASE WHEN view_name = 'sessions' THEN 'id' ELSE 'session_id' END
FROM duckdb_views() AS v
WHERE NOT internal AND (view_name = 'sessions' OR EXISTS (
    FROM duckdb_columns() AS c WHERE c.table_name = v.view_name AND c.column_name = 'session_id'
))
ORDER BY view_name
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.duckdb"
        began = time.perf_counter()
        count = write(path)
        taken = time.perf_counter() - began
        print(f"{count} frames in {taken:.0f} s, {path.stat().st_size / count:.0f} bytes each")
        with recorder.open(path) as recording:
            began = time.perf_counter()
            sessions = recording.sessions()
            print(f"  {len(sessions)} sessions listed in {1e3 * (time.perf_counter() - began):.0f} ms")
            by_size = sorted(sessions, key=lambda session: session.frame_count)
            for session in (by_size[len(by_size) // 2], by_size[-2]):
                print_views(recording, session)
            print_memory(recording, by_size[-1])


def write(path: Path) -> int:
    """Write crew runs and long answers, some of them at the same time; return how many frames."""
    crew, long = read("05_crew_two_agents_tools"), read("20_long_5000_chunks")
    writer = Writer(path)
    written = 0
    while written < FRAMES:
        running = [Session(writer, repeated(crew, 1, written + number)) for number in range(TOGETHER)]
        times = 1 if written else FRAMES // 50_000 + 1
        running.append(Session(writer, repeated(long, times, written + TOGETHER)))
        while running:
            for session in list(running):
                session.step()
                if session.ended:
                    running.remove(session)
                    written += session.count
            writer.flush()
    writer.close()
    return written


class Session:
    """A session that is written step by step, as if by the pipeline."""

    def __init__(self, writer: Writer, frames: list[StreamFrame]) -> None:
        self.count = len(frames)
        self.ended = False
        self._writer = writer
        self._rows = SpanRows()
        self._frames: Iterator[tuple[int, StreamFrame]] = enumerate(frames)
        now = ns_datetime(time.time_ns()).replace(tzinfo=None)
        self._id = uuid7(time.time_ns())
        writer.begin(
            SessionStart(
                session_id=self._id,
                started_at=now,
                mode="sync",
                name="bench",
                entry_point=None,
                conversation_id=None,
                recorded_as="",
                redacted=False,
                parent_trace_id=None,
                parent_span_id=None,
                parent_sampled=None,
                service_name=None,
                host="bench",
                pid=0,
                otelstream_version="",
                crewai_version=None,
                python_version="",
            )
        )

    def step(self) -> None:
        """Write the next frames; at the end of them, the session's end."""
        for ordinal, frame in self._frames:
            self._writer.add(self._id, ordinal, ordinal * 1_000_000, frame)
            self._writer.add_spans(self._id, self._rows.feed(frame))
            if ordinal % 50 == 49:
                return
        self.ended = True
        now = time.time_ns()
        self._writer.add_spans(self._id, self._rows.close(Outcome("completed", now)))
        moment = ns_datetime(now).replace(tzinfo=None)
        self._writer.end(
            self._id, SessionEnd(moment, "completed", self.count, 0, None, None, None, None, None)
        )


def print_views(recording: recorder.Recording, session: recorder.RecordedSession) -> None:
    with recording.connection() as connection:
        views = connection.execute(_VIEWS).fetchall()
        times = {}
        for view, key in views:
            query = f"SELECT * FROM {view} WHERE {key} = ?"
            taken = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                connection.execute(query, [session.start.session_id]).fetchall()
                taken.append(time.perf_counter() - began)
            times[view] = 1e3 * statistics.median(taken)
    print(f"  a session of {session.frame_count} frames, every row of a view, ms:")
    print("    " + ", ".join(f"{view} {ms:.0f}" for view, ms in times.items()))


def print_memory(recording: recorder.Recording, session: recorder.RecordedSession) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    count = sum(1 for _ in recording.frames(session))
    taken = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"  reading {count} frames: {count / taken:.0f} a second, peak memory grew by {grown / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
