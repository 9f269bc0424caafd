"""`otelstream merge`: many recordings into one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from otelstream.bridge.merging import Merge
from otelstream.bridge.merging import merge as merge_recordings
from otelstream.cli.arguments import AcceptDamage, AsJson
from otelstream.cli.options import span_options


def merge(
    recordings: Annotated[
        list[Path], typer.Argument(help="Recordings, directories or patterns.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to make.", show_default=False)],
    *,
    accept_damage: AcceptDamage = False,
    as_json: AsJson = False,
) -> None:
    """Copy all sessions of recordings into a new one, oldest first, each once.

    Exit codes: 0 all of it, 2 refused, 3 if records of one session hold different things.
    """
    merged = merge_recordings(recordings, output, accept_damage=accept_damage, rows=span_options().rows)
    if as_json:
        print(to_json(asdict(merged), indent=2, fallback=str).decode())
    else:
        tell(merged)
    if merged.conflicts:
        raise typer.Exit(3)


def tell(merged: Merge) -> None:
    """Print what became of recordings that were copied into one."""
    for note in merged.notes:
        print(f"accepted: {note}")
    for session, file in merged.skipped:
        if (session, file) in merged.conflicts:
            print(f"conflict: {session} of {file} holds what the record that was taken has not")
        else:
            print(f"skipped: {session} of {file}, which is there already")
    print(
        f"{merged.sessions} sessions with {merged.frames} frames of {len(merged.files)} files are in"
        f" {merged.output}"
    )
