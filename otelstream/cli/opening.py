"""Opening a recording for a command: what had to be left out of many files is told on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import recorder
from otelstream.cli.terminal import plain
from recorder import Recording


@contextmanager
def opened(path: Path) -> Iterator[Recording]:
    """Give a recording, and say at the end which files were left out and why.

    Raises:
        RecordingError: The file cannot be read, or there is none.
    """
    with recorder.open(path) as recording:
        try:
            yield recording
        finally:
            for _, sentence in recording.skipped:
                print(f"otelstream: left out: {plain(sentence)}", file=sys.stderr)
