"""Which paths can be those of a recording at all: what DuckDB and the operating system make of names."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

SUFFIX: Final = ".duckdb"
TEXT_SUFFIX: Final = ".jsonl"
"""What the names of recordings end in, those of databases and those of text."""

READING: Final = os.O_RDONLY if sys.platform == "win32" else os.O_RDONLY | os.O_NONBLOCK
"""How a file is opened to look at it: whoever opens a pipe would wait until somebody writes into it."""

WALS: Final = (".wal.recovery", ".wal.checkpoint", ".wal")
"""What DuckDB puts beside a file for what the file does not hold yet; the first two while it checkpoints."""

_PARAMETERS: Final = (
    "has a ? in its path, after which DuckDB reads parameters; rename it, or choose another path."
)
_UNFIT: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (lambda text: "\0" in text, "has a NUL byte, which no file name can; choose another path."),
    (lambda text: "?" in text, _PARAMETERS),
    (
        lambda text: not _is_utf8(text),
        "is not UTF-8, as DuckDB needs its path to be; rename it, or choose another path.",
    ),
)


def why_unfit(path: Path) -> str | None:
    """Return why no recording can be at a path, in a sentence; None if one can.

    Links are followed, as DuckDB is given the path of the file that they lead to.
    """
    for given in (str(path), _resolved(path)):
        for is_so, sentence in _UNFIT:
            if is_so(given) and not (is_text(path) and sentence is _PARAMETERS):
                return f"{shown(path)} {sentence}"
    return None


def why_no_file(path: Path) -> str | None:
    """Return why what is at a path can be no recording, in a sentence; None if it can, or nothing is there.

    Whoever opens a pipe waits until somebody writes into it.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None  # opening it says so
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    return f"{shown(path)} is no regular file, so no recording; check the path."


def is_text(path: Path) -> bool:
    """Tell whether a recording at a path is text, by its name; every other one is a database."""
    return path.suffix == TEXT_SUFFIX


def shown(path: Path) -> str:
    """Return a path as text that can be printed and encoded, whatever bytes it has."""
    text = str(path)
    return repr(text) if "\0" in text else text.encode("utf-8", "backslashreplace").decode()


def real_path(path: Path) -> Path:
    """Return the path with links resolved; the same path if no such place can be, which opening it says."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path.absolute()


def _resolved(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
