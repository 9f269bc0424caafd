"""`otelstream redact`: an old recording with today's redaction rules."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from otelstream.bridge import redactor_of
from otelstream.bridge.masking import mask
from otelstream.cli.arguments import AsJson
from otelstream.cli.options import span_options
from otelstream.errors import UsageError
from otelstream.redact import Redactor
from recorder.names import SUFFIX, TEXT_SUFFIX, is_text


def redact(
    file: Annotated[Path, typer.Argument(help="A recording (*.duckdb, *.jsonl).", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to make; else the name with -redacted, beside the recording."
        ),
    ] = None,
    *,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace the recording itself.")] = False,
    as_json: AsJson = False,
) -> None:
    """Mask secrets in a recording as they would be masked today; say how often which rule found one."""
    if in_place and output is not None:
        raise UsageError("--in-place and --output exclude each other; leave one of them out.")
    target = (
        file
        if in_place
        else output or file.with_name(f"{file.stem}-redacted{TEXT_SUFFIX if is_text(file) else SUFFIX}")
    )
    redactor = redactor_of(True, os.environ) or Redactor()  # noqa: FBT003  the default of `observe`
    masked = mask(file, target, redactor, span_options().rows)
    if as_json:
        print(to_json(asdict(masked), indent=2, fallback=str).decode())
        return
    for rule, count in masked.fired.items():
        print(f"{count:>8}  {rule}")
    print(f"{masked.sessions} sessions with {masked.frames} frames are in {masked.output}, secrets masked")
