"""The recording's tables, as SQL; `docs/FORMAT.md` is their specification."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

FORMAT_VERSION: Final = 2

STORAGE: Final = "STORAGE_VERSION 'v1.4.0', ROW_GROUP_SIZE 8192, BLOCK_SIZE 65536"
"""DuckDB 1.4 and later read it; small row groups keep checkpoints short, and blocks of this size make short
and long recordings small (measured: docs/ARCHITECTURE.md)."""


def statements(name: str) -> str:
    """Return the SQL of a file beside this one: `0002` makes the tables of that format."""
    return files("recorder.schema").joinpath(f"{name}.sql").read_text(encoding="utf-8")
