"""Starting a DuckDB: only here, as one that finds no free descriptor ends the whole process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

SPARE_DESCRIPTORS: Final = 8
"""How many must be free: DuckDB needs three, to start and for a file, and other threads may take some."""


def connect(
    database: str | Path = ":memory:",
    *,
    read_only: bool = False,
    config: Mapping[str, str] | None = None,
) -> DuckDBPyConnection:
    """Return a connection to a DuckDB of its own.

    Args:
        database: A file, or `:memory:`.
        read_only: Whether nothing may be written.
        config: Settings.

    Raises:
        duckdb.Error: It cannot be opened, or too few descriptors are free.
    """
    _check_descriptors()
    return duckdb.connect(database, read_only=read_only, config=dict(config or {}))


def _check_descriptors() -> None:
    """Raise where DuckDB 2.0 would call `terminate`, which no `except` can catch (measured: none is free)."""
    taken: list[int] = []
    try:
        for _ in range(SPARE_DESCRIPTORS):
            taken.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401  those before the one that fails count
    except OSError as error:
        raise duckdb.IOException(
            f"Cannot open a database: {error.strerror or error}, {SPARE_DESCRIPTORS} more have to be free"
        ) from None
    finally:
        for descriptor in taken:
            os.close(descriptor)
