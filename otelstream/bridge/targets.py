"""Where a session is recorded: what a `record` argument names, and what a directory's files are called."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session shall be recorded.

    Attributes:
        path: A file, or a directory.
        is_directory: Which of them.
    """

    path: Path
    is_directory: bool


def target_of(record: str | os.PathLike[str]) -> Target:
    """Return what a `record` argument names.

    A directory is what is one, what ends in a separator, and what is no file and has no suffix.
    """
    text = os.fspath(record)
    try:
        # Links and `..` are resolved, as two names of one file must share its one writer.
        path = Path(text).resolve()
        is_directory = path.is_dir() or (
            not path.exists() and (text.endswith(("/", os.sep)) or not path.suffix)
        )
    except (OSError, RuntimeError, ValueError):
        return Target(
            Path(text), is_directory=False
        )  # no such place can be; opening it fails, and is counted
    return Target(path, is_directory)


def new_path(directory: Path) -> Path:
    """Return a path for a new file of this process in a directory: by day, host, process and time (UTC)."""
    now = datetime.now(timezone.utc)
    host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()) or "host"
    # Containers share host names and process ids; the random part keeps them apart.
    name = f"{host}-{os.getpid()}-{now:%H%M%S}-{os.urandom(3).hex()}.duckdb"
    return directory / f"{now:%Y-%m-%d}" / name
