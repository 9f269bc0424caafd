"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

RecordingPath: TypeAlias = Annotated[
    Path,
    typer.Argument(
        help="A recording (*.duckdb, *.jsonl), a directory of them, or a pattern in quotes.",
        show_default=False,
    ),
]
SessionName: TypeAlias = Annotated[
    str,
    typer.Option("--session", "-s", help="last, an index as in `ls`, an id or its beginning, or a name."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RecordTo: TypeAlias = Annotated[
    Path | None,
    typer.Option("--record", help="Record into this file (*.duckdb, or *.jsonl for text), made if missing."),
]
NoRedact: TypeAlias = Annotated[
    bool, typer.Option("--no-redact", help="Keep secrets as they are. Only for data that holds none.")
]
AcceptDamage: TypeAlias = Annotated[
    bool,
    typer.Option("--accept-damage", help="Copy also what the hash chain does not vouch for; say what."),
]
