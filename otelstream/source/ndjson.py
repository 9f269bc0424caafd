"""Frames from NDJSON: one frame per line, from another process or language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otelstream.errors import FrameError
from otelstream.frame import StreamFrame, parse_frame


def read_frames(lines: Iterable[bytes], name: str) -> Iterator[StreamFrame]:
    """Yield the frame of each line; empty lines are skipped.

    Args:
        lines: The lines, as an open binary file gives them.
        name: What to call them in an error, usually the file's path.

    Raises:
        FrameError: A line is no frame; the message starts with `name:line number`.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield parse_frame(line)
        except FrameError as error:
            raise FrameError(f"{name}:{number}: {error}; correct or remove that line.") from None
