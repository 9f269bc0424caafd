"""Programs of several processes that record into one directory, each in its own way.

Run as `python -m tests.e2e.programs.recording WAY RECORD LABEL`; prints a JSON object: what each process says
of its losses. Every session is named after its process and has `FRAMES` frames of `made`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path
from typing import Final

import otelstream
from otelstream.frame import StreamFrame
from recorder import StreamSession
from tests.e2e.programs.made import made

FRAMES: Final = 400
SESSIONS: Final = 6
"""Sessions of a process, two at a time."""

WORKERS: Final = 3

Context = ForkContext | SpawnContext


def main() -> None:
    """Record in the way that the command line says."""
    _, way, record, label = sys.argv
    json.dump(WAYS[way](record, label), sys.stdout)


def record_sessions(record: str, label: str) -> Mapping[str, int]:
    """Record the sessions of one process; return its losses."""

    def half(first: int) -> None:
        for number in range(first, SESSIONS, 2):
            record_session(record, f"{label}.{number}")

    threads = [threading.Thread(target=half, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return otelstream.losses()


def record_session(record: str, name: str) -> None:
    """Record one session."""
    list(otelstream.observe(StreamSession(sync_iterator=_frames(name)), record=record))


def leave_open(record: str, name: str) -> None:
    """Record one session, but for its end: the process ends before."""
    frames = iter(otelstream.observe(StreamSession(sync_iterator=_frames(name)), record=record))
    for _ in range(FRAMES):
        next(frames)
    _KEPT.append(frames)


_KEPT: Final[list[Iterator[StreamFrame]]] = []


def _frames(name: str) -> Iterator[StreamFrame]:
    for number in range(FRAMES):
        yield made(name, number)
        if number % 20 == 0:
            time.sleep(0.001)


def _alone(record: str, label: str) -> dict[str, Mapping[str, int]]:
    return {label: record_sessions(record, label)}


def _preforked(record: str, label: str) -> dict[str, Mapping[str, int]]:
    """As gunicorn with a preloaded application: the parent has recorded before it forks its workers."""
    record_session(record, f"{label}.parent.0")
    names = [f"{label}.{worker}" for worker in range(WORKERS)]
    for name in names:
        if os.fork() == 0:
            Path(f"{name}.losses").write_text(json.dumps(dict(record_sessions(record, name))))
            sys.exit()
    statuses = [os.wait()[1] for _ in names]
    record_session(record, f"{label}.parent.1")
    told = {name: json.loads(Path(f"{name}.losses").read_text()) for name in names}
    return {**told, "parent": otelstream.losses(), "statuses": {str(each): 1 for each in statuses if each}}


def _pool(method: str) -> Callable[[str, str], dict[str, Mapping[str, int]]]:
    def run(record: str, label: str) -> dict[str, Mapping[str, int]]:
        record_session(record, f"{label}.parent.0")
        names = [f"{label}.{number}" for number in range(WORKERS)]
        with multiprocessing.get_context(method).Pool(2) as pool:
            told = pool.starmap(record_sessions, [(record, name) for name in names])
            pool.close()
            pool.join()
        record_session(record, f"{label}.parent.1")
        return {**dict(zip(names, told, strict=True)), "parent": otelstream.losses()}

    return run


def _process(context: Context) -> Callable[[str, str], dict[str, Mapping[str, int]]]:
    """A process of `multiprocessing` that ends while a session is open."""

    def run(record: str, label: str) -> dict[str, Mapping[str, int]]:
        process = context.Process(target=leave_open, args=(record, f"{label}.open"))
        process.start()
        process.join()
        return {"exit": {str(process.exitcode): 1} if process.exitcode else {}}

    return run


WAYS: Final = {
    "alone": _alone,
    "preforked": _preforked,
    "fork-pool": _pool("fork"),
    "spawn-pool": _pool("spawn"),
    "fork-process": _process(multiprocessing.get_context("fork")),
    "spawn-process": _process(multiprocessing.get_context("spawn")),
}

if __name__ == "__main__":
    main()
