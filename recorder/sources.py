"""Which files a path means: a recording, all recordings beneath a directory, or what a pattern matches."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from otelstream.errors import RecordingError
from recorder.names import SUFFIX, TEXT_SUFFIX, WALS, is_text, real_path, shown, why_no_file, why_unfit
from recorder.text.headers import why_left_out


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that a path means.

    Attributes:
        files: In the order of their names, which is that of their days where a directory was recorded into.
        named: Whether the path names one file itself, so that it must be a recording.
        skipped: What cannot be read beneath a directory, each with a sentence that says why.
        foreign: Other files there with the suffix of text recordings, each with a sentence that says so.
        others: Further names of the files, which lead to one of them.
    """

    files: list[Path]
    named: bool
    skipped: list[tuple[Path, str]]
    others: list[Path] = field(default_factory=list)
    foreign: list[tuple[Path, str]] = field(default_factory=list)


def find(path: Path) -> Sources:
    """Return the files that a path means.

    A directory means every `*.duckdb` and every text recording (`*.jsonl`) beneath it; a pattern
    (`runs/2026-11-*/*.duckdb`), what it matches. A path at which there is something is no pattern.

    Raises:
        RecordingError: A directory holds no recording, a pattern matches none, or what the path names can be
            none.
    """
    skipped: list[tuple[Path, str]] = []
    if _is_directory(path):
        found = _sorted_out(_beneath(path, skipped), skipped)
        if not (found.files or skipped or found.foreign):
            raise RecordingError(
                f"{shown(path)} holds no recording (*{SUFFIX}, *{TEXT_SUFFIX}); check the path.", "missing"
            )
        return found
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        if (unfit := why_unfit(path) or why_no_file(path)) is not None:
            raise RecordingError(unfit)
        return Sources([path], named=True, skipped=[])
    matched = [Path(name) for name in glob.glob(str(path), recursive=True)]
    files = [each for each in matched if not _is_directory(each) and not each.name.endswith(WALS)]
    for directory in filter(_is_directory, matched):
        files += _beneath(directory, skipped)
    if not files and not skipped:
        raise RecordingError(f"{shown(path)} matches no recording; check the pattern.", "missing")
    return _sorted_out(files, skipped)


def _beneath(directory: Path, skipped: list[tuple[Path, str]]) -> Iterator[Path]:
    def take_note(error: OSError) -> None:
        where = Path(error.filename)
        skipped.append((where, f"{shown(where)} cannot be read: {error.strerror}; check its permissions."))

    for folder, folders, names in os.walk(directory, onerror=take_note):
        folders[:] = [name for name in folders if not name.startswith(".")]  # unfinished files are in such
        yield from (
            Path(folder, name) for name in names if name.endswith((SUFFIX, TEXT_SUFFIX)) and name[0] != "."
        )


def _sorted_out(files: Iterable[Path], skipped: list[tuple[Path, str]]) -> Sources:
    """Return the files in the order of their names, one of several names of a file, and what is left out."""
    found: dict[Path, Path] = {}
    others: list[Path] = []
    foreign: list[tuple[Path, str]] = []
    for file in sorted(files):
        if (unfit := why_unfit(file) or why_no_file(file)) is not None:
            skipped.append((file, unfit))
        elif (real := real_path(file)) in found:
            others.append(file)
        elif is_text(file) and (why := why_left_out(file)) is not None:
            foreign.append((file, why))
        else:
            found[real] = file
    return Sources(list(found.values()), named=False, skipped=skipped, others=others, foreign=foreign)


def _is_directory(path: Path) -> bool:
    return os.path.isdir(path)  # unlike Path.is_dir it does not raise for impossible names
