"""Which files a path means: a recording, all recordings beneath a directory, or what a pattern matches."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otelstream.errors import RecordingError
from recorder.copies import WALS
from recorder.database import real_path

SUFFIX: Final = ".duckdb"
"""What the name of a recording in a directory ends in."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that a path means.

    Attributes:
        files: In the order of their names, which is that of their days where a directory was recorded into.
        named: Whether the path names one file itself, so that it must be a recording.
        skipped: Directories that cannot be read, each with a sentence that says why.
    """

    files: list[Path]
    named: bool
    skipped: list[tuple[Path, str]]


def find(path: Path) -> Sources:
    """Return the files that a path means.

    A directory means every `*.duckdb` beneath it; a pattern (`runs/2026-11-*/*.duckdb`), what it matches. A
    path at which there is something is no pattern.

    Raises:
        RecordingError: A directory holds no recording, or a pattern matches none.
    """
    skipped: list[tuple[Path, str]] = []
    if _is_directory(path):
        files = _distinct(_beneath(path, skipped))
        if not files and not skipped:
            raise RecordingError(f"{path} holds no recording (*{SUFFIX}); check the path.")
        return Sources(files, named=False, skipped=skipped)
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return Sources([path], named=True, skipped=[])
    matched = [Path(name) for name in glob.glob(str(path), recursive=True)]
    files = [each for each in matched if each.is_file() and not each.name.endswith(WALS)]
    for directory in filter(_is_directory, matched):
        files += _beneath(directory, skipped)
    if not files and not skipped:
        raise RecordingError(f"{path} matches no recording; check the pattern.")
    return Sources(_distinct(files), named=False, skipped=skipped)


def _beneath(directory: Path, skipped: list[tuple[Path, str]]) -> Iterator[Path]:
    def take_note(error: OSError) -> None:
        where = Path(error.filename)
        skipped.append((where, f"{where} cannot be read: {error.strerror}; check its permissions."))

    for folder, folders, names in os.walk(directory, onerror=take_note):
        folders[:] = [name for name in folders if not name.startswith(".")]  # unfinished files are in such
        yield from (Path(folder, name) for name in names if name.endswith(SUFFIX) and name[0] != ".")


def _distinct(files: Iterable[Path]) -> list[Path]:
    """Return the files in the order of their names, one of several names of a file."""
    found: dict[Path, Path] = {}
    for file in sorted(files):
        found.setdefault(real_path(file), file)
    return list(found.values())


def _is_directory(path: Path) -> bool:
    return os.path.isdir(path)  # unlike Path.is_dir it does not raise for impossible names
