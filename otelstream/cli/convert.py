"""`otelstream convert`: a recording in its other form."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from otelstream.bridge.converting import convert as convert_recording
from otelstream.cli.arguments import AcceptDamage, AsJson, RecordingPath
from otelstream.cli.merge import tell


def convert(
    source: RecordingPath,
    target: Annotated[
        Path, typer.Argument(help="File to make: text (*.jsonl), or else a database.", show_default=False)
    ],
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", help="Only this session, named as in `show`. [default: all]"),
    ] = None,
    *,
    accept_damage: AcceptDamage = False,
    as_json: AsJson = False,
) -> None:
    """Copy a recording from a database into text or back, without loss; the new file is read again.

    Exit codes: 0 all of it, 2 refused, 3 if records of one session hold different things.
    """
    converted = convert_recording(source, target, session, accept_damage=accept_damage)
    if as_json:
        print(to_json(asdict(converted), indent=2, fallback=str).decode())
    else:
        tell(converted)
    if converted.conflicts:
        raise typer.Exit(3)
