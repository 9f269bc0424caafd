"""`otelstream ingest`: frames as NDJSON from another process or language, exported and recorded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

import otelstream
from otelstream.cli.arguments import NoRedact, RecordTo
from otelstream.cli.watch import report
from otelstream.errors import FrameError
from otelstream.source.ndjson import read_frames
from recorder import StreamSession


def ingest(
    file: Annotated[Path, typer.Argument(help="NDJSON, one frame per line; - for standard input.")] = Path(
        "-"
    ),
    record: RecordTo = None,
    *,
    no_redact: NoRedact = False,
) -> None:
    """Read frames as NDJSON; export their spans as the OTEL_* variables say, and record them if wanted.

    What was read before a line that is no frame is kept.
    """
    with _opened(file) as lines:
        frames = read_frames(lines, "standard input" if str(file) == "-" else str(file))
        session = otelstream.observe(
            StreamSession[None](sync_iterator=frames),
            record=record,
            redact=not no_redact,
            entry_point=str(file),
        )
        try:
            with session:
                for _ in session:
                    pass
        finally:
            otelstream.flush()
            if record is None:
                print(f"{len(session.frames)} frames read", file=sys.stderr)
            complete = report(record, len(session.frames))
    if not complete:
        raise typer.Exit(1)


def _opened(file: Path) -> BinaryIO:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise FrameError(f"{file} cannot be read: {error.strerror}; check the path.") from None
