"""Where the recordings of tests are, and what their files are called: pure functions of names and paths."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIXES: Final = (".jsonl", ".duckdb")
FOLDER: Final = "recordings"
LONGEST: Final = 100
"""Most bytes of a test's name, of the marker's, and of the id of a case, in the name of a file."""

_PLAIN_ID: Final = re.compile(r"[a-z0-9_.-]*")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder of recordings that mirrors a folder of tests: one folder for each test module.

    Attributes:
        recordings: The folder of recordings.
        tests: The folder of tests.
    """

    recordings: Path
    tests: Path

    def folder_of(self, module: Path) -> Path:
        """Return the folder of a test module's recordings."""
        inside = module.relative_to(self.tests) if module.is_relative_to(self.tests) else Path(module.name)
        return self.recordings / inside.with_suffix("")

    def module_of(self, file: Path) -> Path | None:
        """Return the test module that a recording belongs to by its place, None if there is no such one."""
        for folder in file.relative_to(self.recordings).parents:
            place = self.tests / folder
            if place != self.tests and place.parent.is_dir():
                for module in sorted(place.parent.glob(f"{place.name}.*")):
                    if module.is_file():
                        return module
        return None

    def files(self) -> Iterator[Path]:
        """Yield the recordings that are in it, also those of no test, and none that is just being made."""
        for file in sorted(self.recordings.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(self.recordings).parts)
            if file.suffix in SUFFIXES and not hidden and file.is_file():
                yield file


def layout_of(module: Path, root: Path, chosen: str | None) -> Layout:
    """Return where the recordings of a test module are.

    Args:
        module: The module's file.
        root: The root directory of the test run.
        chosen: The folder that the user wants for all recordings, relative to the root; None for one beside
            each module.
    """
    if chosen:
        return Layout(root / chosen, root)
    return Layout(module.parent / FOLDER, module.parent)


def file_name(name: str | None, test: str) -> str:
    """Return the name of a test's recording.

    A name with a suffix of recordings is that of a file, and stays as it is. Otherwise each case of a
    parametrized test has a file of its own.

    Args:
        name: The name that the marker gives, if it does.
        test: The test's name with its classes: `TestChat.test_answer[de]`.
    """
    if name is not None and Path(name).suffix in SUFFIXES:
        return name
    function, bracket, case = test.partition("[")
    stem = name if name is not None else _safe(function)
    if bracket:
        case = case.removesuffix("]")
        stem += "-" + _safe(case, always=not _PLAIN_ID.fullmatch(case))
    return stem + SUFFIXES[0]


def _safe(text: str, *, always: bool = False) -> str:
    """Return a text as part of a file's name; one that had to change, or `always`, gets a digest.

    `a/b` and `a b` must not share a file, nor `A` and `a` where a file system takes one for the other.
    """
    safe = _UNSAFE.sub("-", text)[:LONGEST]  # a file system takes 255 bytes
    return f"{safe}-{_digest(text)}" if always or safe != text else safe


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
