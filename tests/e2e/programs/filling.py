"""Programs whose recording runs out of room, or of ground: each says what became of its run.

Run as `python -m tests.e2e.programs.filling FAULT RECORD` in a directory of its own; prints a JSON object.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import otelstream
from otelstream.frame import StreamFrame
from recorder import StreamSession
from tests.e2e.programs.made import made

FRAMES: Final = 1_200
DUMP: Final = 60_000
"""Size of every fortieth frame, in characters; what it says cannot be compressed by much."""

BIG_DUMP: Final = 800_000
"""The same where the disk shall fill up while a WAL of 16 MB is checkpointed."""

FAULT_AT: Final = 400
RESULT: Final = "the result of the run"


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    """Record, with a fault in the middle."""
    _, fault, record = sys.argv
    said = _Said()
    logging.getLogger("otelstream").addHandler(said)
    step, size = FAULTS[fault]
    elsewhere = iter(otelstream.observe(_session("elsewhere"), record="elsewhere.duckdb"))
    beside = [next(elsewhere) for _ in range(10)]
    session = _session("here", lambda: step(Path(record)), size)
    seen = [frame.seq for frame in otelstream.observe(session, record=record)]
    later = _session("later")
    list(otelstream.observe(later, record=record))
    beside += elsewhere
    otelstream.flush()
    report = {
        "whole": seen == list(range(FRAMES)) and len(beside) == FRAMES,
        "results": [session.result, later.result],
        "losses": dict(otelstream.losses()),
        "said": said.lines,
        "elsewhere": str(Path("elsewhere.duckdb").absolute()),
    }
    json.dump(report, sys.stdout)


def _session(name: str, fault: Callable[[], object] = bool, size: int = 0) -> StreamSession[str]:
    def frames() -> Iterator[StreamFrame]:
        for number in range(FRAMES):
            if number == FAULT_AT:
                otelstream.flush()
                fault()
            yield _frame(name, number, size)
        session._set_result(RESULT)

    session: StreamSession[str] = StreamSession(sync_iterator=frames())
    return session


def _frame(name: str, number: int, size: int) -> StreamFrame:
    """Return a frame; in a session of a size, every fortieth has so much random text."""
    frame = made(name, number)
    if not size or "state" not in frame.data:
        return frame
    return frame.model_copy(update={"data": {"state": os.urandom(size // 2).hex()}})


def _limit(_: Path) -> None:
    # Python ignores SIGXFSZ, so a write beyond the limit fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


def _fill(record: Path) -> None:
    """Leave a megabyte of a small file system."""
    ballast = record.absolute().parent / "ballast"
    with ballast.open("wb") as file:
        room = shutil.disk_usage(ballast.parent).free - 1_000_000
        for _ in range(room // 10_000):
            file.write(b"." * 10_000)


def _remove_directory(record: Path) -> None:
    shutil.rmtree(record.absolute().parent)


def _remove_file(record: Path) -> None:
    record.unlink()
    Path(f"{record}.wal").unlink(missing_ok=True)


def _replace_file(record: Path) -> None:
    for name, text in ((str(record), "not ours"), (f"{record}.wal", "not ours either")):
        Path("other").write_text(text)
        Path("other").replace(name)


FAULTS: Final[dict[str, tuple[Callable[[Path], object], int]]] = {
    "limit": (_limit, DUMP),
    "full": (_fill, DUMP),
    "full while checkpointing": (lambda _: None, BIG_DUMP),
    "no directory": (_remove_directory, DUMP),
    "no file": (_remove_file, DUMP),
    "another file": (_replace_file, DUMP),
}
"""What goes wrong, and how big frames are."""

if __name__ == "__main__":
    main()
