"""`otelstream sql`: a question to a recording."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic_core import to_json
from rich.table import Table

from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.opening import opened
from otelstream.cli.terminal import cell, console


def sql(
    recording: RecordingPath,
    query: Annotated[
        str | None, typer.Argument(help="SQL, for example: FROM sessions", show_default=False)
    ] = None,
    file: Annotated[
        typer.FileText | None,
        typer.Option(
            "--file",
            "-f",
            help="A file that holds the SQL, as those of dashboards/sql; - for standard input.",
            encoding="utf-8",
            errors="replace",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Run SQL on a recording (views `sessions`, `llm_calls`, …), read-only, with access to nothing else."""
    if file is not None:
        if query is not None:
            raise typer.BadParameter("the SQL is given twice; give an argument, or --file.")
        query = file.read()
    with opened(recording) as found:
        names, rows = found.sql(query or "").fetch()
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(cell(name), overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    console().print(table)


def print_json(found: object) -> None:
    """Print what queries found as JSON: rows by the names of their columns, or lists of such by name."""
    print(to_json(_jsonable(found), indent=2, fallback=str, inf_nan_mode="null").decode())


def _jsonable(value: object) -> object:
    if isinstance(value, dict):
        return {key: _jsonable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_jsonable(each) for each in value]
    if not isinstance(value, bytes):
        return value
    return "".join(
        chr(byte) if 32 <= byte < 127 else f"\\x{byte:02X}" for byte in value
    )  # as DuckDB prints it
