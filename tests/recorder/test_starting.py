"""DuckDB is started in one place, which sees to it that it has the descriptors that it cannot do without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from recorder.starting import connect

ROOT: Final = Path(__file__).parents[2]

EXHAUSTED = """
import os, resource, sys, duckdb
from recorder.starting import SPARE_DESCRIPTORS, connect

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
for _ in range(int(sys.argv[1])):
    os.close(held.pop())
try:
    connect(sys.argv[2]).close()
    print("connected")
except duckdb.IOException as error:
    print(error)
"""
REFUSED: Final = "Cannot open a database: Too many open files, 8 more have to be free\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits to lower")
@pytest.mark.parametrize(("free", "said"), [(0, REFUSED), (7, REFUSED), (8, "connected\n")])
def test_without_descriptors_it_raises(free: int, said: str, tmp_path: Path) -> None:
    """The process lives on, and is told."""
    command = [sys.executable, "-c", EXHAUSTED, str(free), str(tmp_path / "x.duckdb")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, ran.stdout) == (0, said)


def test_settings_are_taken_and_nothing_is_left_open() -> None:
    """It is `duckdb.connect` otherwise."""
    with connect(config={"threads": "1"}) as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(1,)]


def test_nobody_starts_duckdb_elsewhere() -> None:
    """Both packages go through this one place."""
    files = [path for package in ("otelstream", "recorder") for path in (ROOT / package).rglob("*.py")]
    found = [path.name for path in files if "duckdb.connect(" in path.read_text(encoding="utf-8")]

    assert found == ["starting.py"]
