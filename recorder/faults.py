"""What DuckDB and the operating system say of a file, as one sentence for a user."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

import duckdb

from otelstream.errors import Fault, RecordingError

_DAMAGE: Final = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.SerializationException,
)
_TOO_MANY: Final = "Too many open files"
_DAMAGE_SIGNS: Final = ("Corrupt database file", "checksum", "Could not read enough bytes")
_REFUSED: Final = ("Cannot open", "ermission", "ead-only")
_DISK: Final = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG}
_ONLY_READ: Final = "in read-only mode"  # what DuckDB offers where whoever has the file does not write it


def is_lock(error: Exception) -> bool:
    """Tell whether another process has the file open for writing."""
    return "Conflicting lock" in str(error)


def is_taken(error: Exception) -> bool:
    """Tell whether somebody, in this process or another, has the file open in a way that excludes us."""
    return is_lock(error) or "Unique file handle conflict" in str(error)


def is_damage(error: duckdb.Error) -> bool:
    """Tell whether an error that came of a query speaks of the file, and not of the query."""
    return isinstance(error, _DAMAGE) or any(sign in str(error) for sign in _DAMAGE_SIGNS)


def error_for(path: Path, error: Exception) -> RecordingError:
    """Return what DuckDB or the system said of a file as an error of ours, of its kind and in a sentence."""
    return RecordingError(sentence_for(path, error), fault_of(path, error))


def fault_of(path: Path, error: Exception) -> Fault:
    """Return of which kind an error is that DuckDB or the system gave for a file."""
    if is_taken(error):
        return "taken"
    if isinstance(error, OSError) and error.errno in _DISK:
        return "disk"
    if not os.path.exists(path):  # unlike Path.exists it does not raise for impossible names
        return "missing"
    return "disk" if isinstance(error, _DAMAGE) else "other"


def sentence_for(path: Path, error: Exception) -> str:
    """Return what is wrong with a file and what to do, given what DuckDB or the system said of it."""
    text = str(error)
    if _TOO_MANY in text:
        return f"{path} cannot be opened: {text.splitlines()[0]}"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        return f"{path} cannot be used: {error.strerror or error}; check the path and its permissions."
    if is_taken(error):
        return f"{path} is {_by_whom(error)}; try a file of its own."
    if not os.path.exists(path):
        return f"{path} does not exist; check the path."
    if path.is_dir():
        return f"{path} is a directory; name a recording in it."
    if "not a valid DuckDB" in text:
        return f"{path} is no DuckDB file, so no recording; check the path."
    if any(sign in text for sign in _REFUSED):
        return f"{path} cannot be opened: {text.splitlines()[0]}"
    return f"{path} is damaged or unreadable: {text.splitlines()[0]}"


def _by_whom(error: Exception) -> str:
    text = str(error)
    if not is_lock(error):
        return "open in this process already"
    holder = text.partition("(PID ")[2].partition(")")[0] or "unknown"
    return f"being {'read' if _ONLY_READ in text else 'written'} by another process (PID {holder})"
