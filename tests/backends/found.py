"""Where the programs are that the backend tests start: built by `make backends`, or installed here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

BUILT: Final = Path(__file__).parents[2] / ".backends"
"""Where `make backends` puts them."""

PACKAGES: Final = {"prometheus": "prometheus", "promtool": "prometheus"}
"""Debian packages that have one too, though an older one."""


def find_program(name: str) -> Path | None:
    """Return the best program of that name: the built one, else the one on the PATH, else None."""
    built = BUILT / name
    if built.is_file():
        return built
    installed = shutil.which(name)
    return Path(installed) if installed else None


def need_program(name: str) -> Path:
    """Return the best program of that name, or skip the test and say how to get it."""
    found = find_program(name)
    if found is None:
        package = f", or install the package {PACKAGES[name]}" if name in PACKAGES else ""
        pytest.skip(f"There is no {name} here; build it with make backends (needs Go){package}.")
    return found


def need_built(name: str) -> Path:
    """Return the program of the version that the stack has, or skip the test and say how to get it."""
    if not (BUILT / name).is_file():
        pytest.skip(
            f"There is no {name} of the stack's version here; build it with make backends (needs Go)."
        )
    return BUILT / name
