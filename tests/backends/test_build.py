"""What `make backends` builds, and what it leaves; a script stands in Go's place."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.backends.build import Program, build, is_built

GO: Final = """#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then echo program > "$2"; fi
  shift
done
"""

PROGRAM: Final = Program(packages={"one": "example.com/one", "two": "example.com/two"}, gets=("one@v1",))


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder into which a program was built."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO, encoding="utf-8")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:{os.defpath}")
    build(PROGRAM, tmp_path, os.environ)
    return tmp_path


def test_what_was_built_is_not_built_again(built: Path) -> None:
    """A second time there is nothing to do."""
    assert is_built(PROGRAM, built)


def test_another_version_is_built_anew(built: Path) -> None:
    """Tests never run a program of a version that is no longer the one named here."""
    assert not is_built(replace(PROGRAM, gets=("one@v2",)), built)


def test_a_file_that_is_missing_is_built_anew(built: Path) -> None:
    """Each program has all its files, or it has to be built."""
    (built / "two").unlink()

    assert not is_built(PROGRAM, built)
