"""Every test here starts and ends with no pipeline and no `OTEL*` variable, and has a place to record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import otelstream


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the test observe as a new process would."""
    for name in [
        name for name in os.environ if name.startswith("OTEL") and name != "OTELSTREAM_UPDATE_GOLDEN"
    ]:
        monkeypatch.delenv(name)
    otelstream.shutdown(5)
    yield
    otelstream.shutdown(5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where to record."""
    return tmp_path / "a.duckdb"
