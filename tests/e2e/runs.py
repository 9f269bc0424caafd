"""Sessions to observe that need no CrewAI: golden frames behind our own session classes.

Also processes to run, for what cannot be seen from inside.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

import otelstream
import recorder
from otelstream.frame import StreamFrame, frame_json, parse_frame
from recorder import AsyncStreamSession, RecordedSession, StreamSession
from tests.e2e.receiver import Receiver, variables

ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests" / "golden" / "frames"
CREW: Final = "04_crew_streaming.jsonl"
"""29 frames that make six spans: flow, method, crew, task, agent and chat."""

RESULT: Final = "the result of the run"


@cache
def golden(name: str = CREW) -> tuple[StreamFrame, ...]:
    """Return the frames of a golden file."""
    data = (GOLDEN / name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    return tuple(parse_frame(line) for line in text.splitlines())


def session(
    frames: Sequence[StreamFrame] | None = None,
    *,
    result: object = RESULT,
    error: BaseException | None = None,
) -> StreamSession[object]:
    """Return a session that yields the frames, and then gives the result or raises the error."""

    def run() -> Iterator[StreamFrame]:
        yield from golden() if frames is None else frames
        if error is not None:
            raise error
        made._set_result(result)

    made: StreamSession[object] = StreamSession(sync_iterator=run())
    return made


def asession(
    frames: Sequence[StreamFrame] | None = None,
    *,
    result: object = RESULT,
    error: BaseException | None = None,
) -> AsyncStreamSession[object]:
    """Return the same as an asynchronous session."""

    async def run() -> AsyncIterator[StreamFrame]:
        for frame in golden() if frames is None else frames:
            yield frame
        if error is not None:
            raise error
        made._set_result(result)

    made: AsyncStreamSession[object] = AsyncStreamSession(async_iterator=run())
    return made


def run_python(
    arguments: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str] | None = None,
    *,
    stdin: bytes = b"",
    timeout_s: float = 60.0,
) -> subprocess.CompletedProcess[bytes]:
    """Run this interpreter in a directory, with a clean set of `OTEL*` variables, to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(variables),
        input=stdin,
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )


def end_process(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a process to end, and return when it has; after the seconds it is killed."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's variables without those about telemetry, and with the given ones."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
    return {**clean, "PYTHONPATH": str(ROOT), **(variables or {})}


@dataclass(frozen=True)
class Ran:
    """What a program saw of its run: the frames, and the result or the exception."""

    frames: tuple[object, ...]
    result: object = None
    error: BaseException | None = None


Run = Callable[[Mapping[str, Any], BaseException | None], Ran]


def run_sync(options: Mapping[str, Any], error: BaseException | None = None) -> Ran:
    """Observe the golden session with those options and consume it; it raises the error, if there is one."""
    observed = otelstream.observe(session(error=error), **options)
    seen: list[object] = []
    try:
        for frame in observed:
            seen.append(frame)  # noqa: PERF402  what was seen before an exception counts
    except BaseException as raised:  # noqa: BLE001  a KeyboardInterrupt may be what the test is about
        return Ran(tuple(seen), error=raised)
    return Ran(tuple(seen), observed.result)


def run_async(options: Mapping[str, Any], error: BaseException | None = None) -> Ran:
    """Do the same asynchronously."""

    async def run() -> Ran:
        observed = otelstream.observe(asession(error=error), **options)
        seen: list[object] = []
        try:
            async for frame in observed:
                seen.append(frame)  # noqa: PERF401  what was seen before an exception counts
        except Exception as raised:  # noqa: BLE001  whatever the session raised
            return Ran(tuple(seen), error=raised)
        return Ran(tuple(seen), observed.result)

    return asyncio.run(run())


def recorded(path: Path) -> RecordedSession:
    """Return the one session of a recording."""
    with recorder.open(path) as recording:
        (only,) = recording.sessions()
    return only


def recorded_lines(path: Path) -> list[str]:
    """Return the frames of the one session of a recording, as JSON."""
    with recorder.open(path) as recording:
        return [frame_json(frame) for frame in recording.frames(recording.session())]


def golden_lines(count: int | None = None) -> list[str]:
    """Return the first golden frames, or all, as JSON."""
    return [frame_json(frame) for frame in golden()[:count]]


def observed_to(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    frames: Sequence[StreamFrame] | None = None,
    *,
    metrics: bool = False,
    **options: Any,  # noqa: ANN401  arguments of `observe`
) -> None:
    """Observe a session to its end, and let everything arrive at the receiver that the variables name."""
    for name, value in variables(receiver, metrics=metrics).items():
        monkeypatch.setenv(name, value)
    list(otelstream.observe(session(frames), **options))
    otelstream.shutdown(10)
