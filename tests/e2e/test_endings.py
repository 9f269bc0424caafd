"""However a program leaves a session (closes, drops, exits, is interrupted), the session ends as it was."""

from __future__ import annotations

import asyncio
import gc
import textwrap
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelstream
from otelstream.frame import StreamFrame
from recorder import AsyncStreamSession, StreamSession
from tests.e2e.runs import (
    asession,
    golden,
    golden_lines,
    recorded,
    recorded_lines,
    run_python,
    run_sync,
    session,
)

SEEN = 5
"""How many frames a program takes before it leaves."""

EXITS = """
import sys
from pathlib import Path
import otelstream
from tests.e2e.runs import session
observed = otelstream.observe(session(), record=Path("x.duckdb"), redact=False)
frames = iter(observed)
for _ in range(5):
    next(frames)
sys.exit(3)
"""


def kept(path: Path) -> tuple[str, list[str]]:
    """Return the state and the frames of the one session of a recording."""
    return recorded(path).state, recorded_lines(path)


def take(frames: Iterator[StreamFrame], count: int = SEEN) -> None:
    """Consume some frames."""
    for _ in range(count):
        next(frames)


def test_closing_early_is_cancelled(tmp_path: Path) -> None:
    """A session closed in the middle has the frames that were consumed."""
    observed = otelstream.observe(session(), record=tmp_path / "x.duckdb", redact=False)
    take(iter(observed))
    observed.close()

    assert kept(tmp_path / "x.duckdb") == ("cancelled", golden_lines(SEEN))


def test_a_forgotten_session_is_cancelled(tmp_path: Path) -> None:
    """A session that the program drops without closing it ends at the next flush."""
    observed = otelstream.observe(session(), record=tmp_path / "x.duckdb", redact=False)
    frames = iter(observed)
    take(frames)
    del frames, observed
    gc.collect()
    otelstream.flush()

    assert kept(tmp_path / "x.duckdb") == ("cancelled", golden_lines(SEEN))


def test_the_spans_of_a_forgotten_session_end() -> None:
    """No span stays open, and the root says how it ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observed = otelstream.observe(session(), tracer_provider=provider)
    frames = iter(observed)
    take(frames)
    del frames, observed
    gc.collect()
    otelstream.flush()

    assert [
        (span.name, (span.attributes or {})["otelstream.end"]) for span in exporter.get_finished_spans()
    ] == [
        ("task one", "cancelled"),
        ("invoke_workflow solo", "cancelled"),
        ("method run_crew", "cancelled"),
        ("invoke_workflow F", "cancelled"),
    ]


def test_a_forgotten_asynchronous_session_is_cancelled(tmp_path: Path) -> None:
    """The same holds where the session was iterated with `async for`."""

    async def run() -> None:
        async for frame in otelstream.observe(asession(), record=tmp_path / "x.duckdb", redact=False):
            if frame.id == golden()[SEEN - 1].id:
                break

    asyncio.run(run())
    gc.collect()
    otelstream.flush()

    assert kept(tmp_path / "x.duckdb") == ("cancelled", golden_lines(SEEN))


def test_a_session_that_was_never_begun_leaves_nothing(tmp_path: Path) -> None:
    """Observing alone makes no file: nothing has run."""
    otelstream.observe(session(), record=tmp_path / "x.duckdb", redact=False)
    gc.collect()
    otelstream.flush()

    assert list(tmp_path.iterdir()) == []


def test_shutdown_ends_what_is_open(tmp_path: Path) -> None:
    """A session that is open at a shutdown is cancelled, with the frames consumed so far."""
    observed = otelstream.observe(session(), record=tmp_path / "x.duckdb", redact=False)
    frames = iter(observed)
    take(frames)
    otelstream.shutdown()

    assert kept(tmp_path / "x.duckdb") == ("cancelled", golden_lines(SEEN))


def test_a_session_goes_on_after_a_shutdown_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever consumes on after a shutdown does not wait for a flush that cannot come."""
    monkeypatch.setenv("OTELSTREAM_FLUSH_TIMEOUT_MS", "60000")
    observed = otelstream.observe(session(), record=tmp_path / "x.duckdb", redact=False)
    frames = iter(observed)
    take(frames)
    otelstream.shutdown()
    started = time.monotonic()
    list(frames)

    assert time.monotonic() - started < 30


def test_frames_after_a_shutdown_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that come after a shutdown are lost, and `losses()` says so."""
    monkeypatch.setenv("OTELSTREAM_FLUSH_TIMEOUT_MS", "50")
    observed = otelstream.observe(session(), record=tmp_path / "x.duckdb", redact=False)
    frames = iter(observed)
    take(frames)
    otelstream.shutdown()
    list(frames)

    assert sum(otelstream.losses().values()) == len(golden()) - SEEN


def test_losses_survive_a_shutdown() -> None:
    """What was lost in this process so far is known after a shutdown, too."""
    run_sync({"record": "/proc/otelstream/x.duckdb"})
    otelstream.shutdown()

    assert otelstream.losses() == {"recording": len(golden())}


def test_observing_works_again_after_a_shutdown(tmp_path: Path) -> None:
    """A later session has a pipeline of its own."""
    run_sync({"record": tmp_path / "x.duckdb"})
    otelstream.shutdown()
    run_sync({"record": tmp_path / "y.duckdb"})

    assert recorded(tmp_path / "y.duckdb").state == "completed"


def interrupted() -> StreamSession[object]:
    """Return a session during which the user presses Ctrl-C."""

    def run() -> Iterator[StreamFrame]:
        yield from golden()[:SEEN]
        raise KeyboardInterrupt

    return StreamSession(sync_iterator=run())


def test_an_interrupt_reaches_the_program(tmp_path: Path) -> None:
    """A KeyboardInterrupt in the run is raised out of the iteration."""
    with pytest.raises(KeyboardInterrupt):
        list(otelstream.observe(interrupted(), record=tmp_path / "x.duckdb", redact=False))


def test_an_interrupt_is_a_cancellation(tmp_path: Path) -> None:
    """The session is recorded as cancelled, with the frames until then."""
    with pytest.raises(KeyboardInterrupt):
        list(otelstream.observe(interrupted(), record=tmp_path / "x.duckdb", redact=False))

    assert kept(tmp_path / "x.duckdb") == ("cancelled", golden_lines(SEEN))


def stuck(reached: asyncio.Event) -> AsyncStreamSession[object]:
    """Return a session that yields some frames and then waits for ever."""

    async def run() -> AsyncIterator[StreamFrame]:
        for frame in golden()[:SEEN]:
            yield frame
        reached.set()
        await asyncio.Event().wait()

    return AsyncStreamSession(async_iterator=run())


def test_a_cancelled_task_ends_as_cancelled(tmp_path: Path) -> None:
    """Cancelling the task that consumes a session cancels at once, and is recorded as what it is."""

    async def consume(reached: asyncio.Event) -> None:
        async for _ in otelstream.observe(stuck(reached), record=tmp_path / "x.duckdb", redact=False):
            pass

    async def run() -> bool:
        reached = asyncio.Event()
        task = asyncio.create_task(consume(reached))
        await reached.wait()
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=4)
        return task in done and task.cancelled()

    cancelled = asyncio.run(run())
    otelstream.flush()

    assert (cancelled, *kept(tmp_path / "x.duckdb")) == (
        True,
        "cancelled",
        golden_lines(SEEN),
    )


def test_a_timeout_around_a_session_is_a_timeout(tmp_path: Path) -> None:
    """`asyncio.wait_for` raises its TimeoutError, as it does without us."""

    async def consume() -> None:
        async for _ in otelstream.observe(stuck(asyncio.Event()), record=tmp_path / "x.duckdb", redact=False):
            pass

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(consume(), 0.2))


def test_a_program_that_exits_leaves_its_session_cancelled(tmp_path: Path) -> None:
    """`sys.exit` in the middle keeps its code, says nothing, and every consumed frame is in the recording."""
    ran = run_python(["-c", textwrap.dedent(EXITS)], tmp_path)
    path = tmp_path / "x.duckdb"

    assert (ran.returncode, ran.stderr, *kept(path)) == (
        3,
        b"",
        "cancelled",
        golden_lines(SEEN),
    )
