"""A program that forks one recording process for each way of ending, ends them all, and says how that went.

Run as `python -m tests.e2e.programs.ending` in an empty directory; each process has a folder there, named as
its way. Nothing is committed in the course of things, so what is stored was stored at the end.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import otelstream
from otelstream import bridge
from otelstream.frame import StreamFrame
from recorder import AsyncStreamSession, StreamSession
from tests.e2e.programs.made import lane_of

FRAMES: Final = 50
"""Frames that are taken before the end."""

ALL: Final = 80
LONG_S: Final = 30.0
Ready = Callable[[], object]

_KEPT: Final[list[object]] = []


@dataclass(frozen=True)
class Way:
    """How a process ends.

    Attributes:
        run: What it does; it calls its argument when the signal may come.
        number: The signal that it gets, 0 for none.
        variables: More of its environment.
    """

    run: Callable[[Ready], object]
    number: int = signal.SIGTERM
    variables: tuple[tuple[str, str], ...] = ()


TOGETHER: Final = 3
"""How many processes run at once."""


def main() -> None:
    """Fork, end and report, a few at a time: an end has five seconds, and the machine is shared."""
    os.environ["OTELSTREAM_BATCH_MS"] = "10000"
    names = list(WAYS)
    told: dict[str, dict[str, float]] = {}
    for first in range(0, len(names), TOGETHER):
        told |= _ended(names[first : first + TOGETHER])
    json.dump(told, sys.stdout)


def _ended(some: list[str]) -> dict[str, dict[str, float]]:
    children = {name: _forked(name, WAYS[name]) for name in some}
    for name, (child, pipe) in children.items():
        os.read(pipe, 1)
        if WAYS[name].number:
            os.kill(child, WAYS[name].number)
    since = time.monotonic()
    names = {child: name for name, (child, _) in children.items()}
    told: dict[str, dict[str, float]] = {}
    while names.keys() - {children[name][0] for name in told}:
        child, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        told[names[child]] = {"code": code, "seconds": time.monotonic() - since}
    return told


def _forked(name: str, way: Way) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        Path(name).mkdir()
        os.chdir(name)
        os.environ.update(way.variables)
        way.run(lambda: os.write(writing, b"."))
        sys.exit()
    os.close(writing)
    return child, reading


def _begin(record: str = "x.duckdb") -> Iterator[StreamFrame]:
    """Observe a session, and take some of its frames."""
    session: StreamSession[Any] = StreamSession(sync_iterator=lane_of("lane", ALL))
    frames = iter(otelstream.observe(session, record=record))
    for _ in range(FRAMES):
        next(frames)
    _KEPT.append(frames)
    return frames


def _asleep(ready: Ready) -> None:
    _begin()
    ready()
    time.sleep(LONG_S)


def _awake(ready: Ready) -> None:
    """Sleep for short times, as a handler waits for the end of a sleep that it came just before."""
    _begin()
    ready()
    _doze(LONG_S)


def _doze(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.02)


def _own_before(ready: Ready) -> None:
    signal.signal(signal.SIGTERM, _leave)
    _awake(ready)


def _own_after(ready: Ready) -> None:
    _begin()
    signal.signal(signal.SIGTERM, _leave)
    ready()
    _doze(LONG_S)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(3)


def _ignored_before(ready: Ready) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    frames = _begin()
    ready()
    time.sleep(0.5)  # the signal comes, and nothing happens
    list(frames)


def _ignored_after(ready: Ready) -> None:
    frames = _begin()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready()
    time.sleep(0.5)  # as above
    list(frames)


def _in_c(ready: Ready) -> None:
    _begin()
    ready()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 40_000_000)  # a quarter of a minute, without the GIL


def _with_our_lock(ready: Ready) -> None:
    _begin()
    with bridge._lock:
        ready()
        time.sleep(LONG_S)


def _waiting_for_a_thread(ready: Ready) -> None:
    _begin("main.duckdb")
    thread = threading.Thread(target=_asleep, args=(ready,), daemon=True)
    thread.start()
    thread.join()


def _only_in_a_thread(ready: Ready) -> None:
    """Nothing in the main thread ever observes, as in a server of threads."""
    thread = threading.Thread(target=_asleep, args=(ready,), daemon=True)
    thread.start()
    thread.join()


def _in_a_loop(ready: Ready) -> None:
    async def frames() -> AsyncIterator[StreamFrame]:
        for frame in lane_of("lane", ALL):
            yield frame

    async def run() -> None:
        session: AsyncStreamSession[Any] = AsyncStreamSession(async_iterator=frames())
        observed = otelstream.observe(session, record="x.duckdb")
        iterator = aiter(observed) if sys.version_info >= (3, 10) else observed.__aiter__()
        for _ in range(FRAMES):
            await anext(iterator)
        ready()
        await asyncio.sleep(LONG_S)

    asyncio.run(run())


def _in_a_fork(ready: Ready) -> None:
    _begin("parent.duckdb")
    child = os.fork()
    if child == 0:
        _asleep(ready)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    ended = 0
    while not ended:  # waiting in one call would let the handler wait too
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    sys.exit(100 - os.waitstatus_to_exitcode(status))


def _to_a_silent_collector(ready: Ready) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.getsockname()[1]}"
        os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
        _asleep(ready)


def _exit(ready: Ready) -> None:
    _begin()
    ready()
    sys.exit(4)


def _exit_in_a_thread(ready: Ready) -> None:
    thread = threading.Thread(target=lambda: (_begin(), sys.exit(5)))
    thread.start()
    thread.join()
    ready()


def _raise(ready: Ready) -> None:
    _begin()
    ready()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  until the end of the process
    raise ValueError("the program's own mistake")


def _exit_at_once(ready: Ready) -> None:
    _begin()
    ready()
    os._exit(6)


def _flushed_and_exit_at_once(ready: Ready) -> None:
    _begin()
    otelstream.flush()
    ready()
    os._exit(6)


WAYS: Final[dict[str, Way]] = {
    "asleep": Way(_asleep),
    "a handler before": Way(_own_before),
    "a handler after": Way(_own_after),
    "ignored before": Way(_ignored_before),
    "ignored after": Way(_ignored_after),
    "in C": Way(_in_c),
    "with our lock": Way(_with_our_lock),
    "waiting for a thread": Way(_waiting_for_a_thread),
    "only in a thread": Way(_only_in_a_thread),
    "in a loop": Way(_in_a_loop),
    "in a fork": Way(_in_a_fork),
    "to a silent collector": Way(_to_a_silent_collector),
    "switched off": Way(_asleep, variables=(("OTELSTREAM_FLUSH_ON_SIGTERM", "false"),)),
    "interrupted": Way(_awake, number=signal.SIGINT),
    "exit": Way(_exit, number=0),
    "exit in a thread": Way(_exit_in_a_thread, number=0),
    "an exception": Way(_raise, number=0),
    "exit at once": Way(_exit_at_once, number=0),
    "flushed, and exit at once": Way(_flushed_and_exit_at_once, number=0),
}

if __name__ == "__main__":
    main()
