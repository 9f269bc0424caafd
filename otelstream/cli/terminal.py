"""The console that commands print to."""

from __future__ import annotations

from rich.console import Console


def console() -> Console:
    """Return a console for standard output; a pipe or a file is not wrapped at 80 columns."""
    found = Console(highlight=False, markup=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, width=240)
