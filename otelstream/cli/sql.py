"""`otelstream sql`: a question to a recording."""

from __future__ import annotations

from typing import Annotated

import duckdb
import typer
from pydantic_core import to_json
from rich.table import Table
from rich.text import Text

import recorder
from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.terminal import console
from otelstream.errors import RecordingError


def sql(
    recording: RecordingPath,
    query: Annotated[str, typer.Argument(help="SQL, for example: FROM sessions", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Run SQL on a recording (tables `sessions`, `frames`), read-only and without access to anything else."""
    with recorder.open(recording) as opened, opened.connection() as connection:
        try:
            result = connection.execute(query)
            names = [column[0] for column in result.description or []]
            rows = result.fetchall()
        except duckdb.Error as error:
            raise RecordingError(f"the query cannot be run: {str(error).splitlines()[0]}.") from None
    if as_json:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        print(to_json(named, indent=2, fallback=str, inf_nan_mode="null").decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    console().print(table)
