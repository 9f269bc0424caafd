"""What can be read of a damaged database, copied into a sound one by a process that may die of it.

The sound database has the same tables; rows of which some columns could not be read, in tables `partial_…`;
`unreadable`, which says where and why; and `todo`, what is still to be copied, so that a next process goes on
where one died.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import duckdb

from recorder.copying import OPENED, REFUSED
from recorder.starting import connect

MAX_DEATHS: Final = 50
# Packages without what their `__init__` imports, which takes longer than to copy a short recording.
_START: Final = """
import sys, types
for name in ("otelstream", "recorder"):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [f"{sys.argv[1]}/{name}"]
del sys.argv[1]
import pathlib, recorder.copying
sys.exit(recorder.copying.main(*map(pathlib.Path, sys.argv[1:])))
"""
SILENCE_S: Final = 60.0
"""How long a process may work on one range of rows, in seconds; then it is taken to hang."""


def extract(damaged: Path, sound: Path) -> str | None:
    """Copy what can be read of a database into a new one; return why it cannot even be opened, else None.

    Args:
        damaged: The database, which is not changed.
        sound: The file to make; it is complete only if None is returned.
    """
    for path in (sound, Path(f"{sound}.wal")):
        path.unlink(missing_ok=True)
    said = ""
    for _ in range(MAX_DEATHS):
        code, said = _run(damaged, sound)
        if code == OPENED:
            return None
        if code == REFUSED:
            return said
    if not _give_up(sound):
        return f"reading it makes DuckDB break down: {said}"
    return None


def _give_up(sound: Path) -> bool:
    """Leave out what is still to be copied; return whether anything was copied before."""
    try:
        with closing(connect(sound)) as connection:
            connection.execute(
                "INSERT INTO unreadable"
                " SELECT table_name, first, until, 'DuckDB breaks down over it' FROM todo; DELETE FROM todo"
            )
    except duckdb.Error:
        return False
    return True


def _run(damaged: Path, sound: Path) -> tuple[int, str]:
    """Let a process do it; return its exit code and the last line that it said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _START, str(Path(__file__).parents[1]), str(damaged), str(sound)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        before, since = _changes(sound), time.monotonic()
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
            if (now := _changes(sound)) != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > SILENCE_S:
                process.kill()
        said = b"" if process.stdout is None else process.stdout.read()
    lines = said.decode("utf-8", "replace").splitlines()
    return process.returncode, lines[-1] if lines else f"exit code {process.returncode}"


def _changes(sound: Path) -> list[int]:
    paths = [sound, Path(f"{sound}.wal")]
    return [path.stat().st_mtime_ns for path in paths if path.exists()]
