"""`otelstream sql`: a question to a recording."""

from __future__ import annotations

from collections import Counter
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
            if result is None or result.description is None:
                raise RecordingError("there is no query; write for example: FROM sessions")
            names = _distinct([column[0] for column in result.description])
            rows = result.fetchall()
        except duckdb.Error as error:
            raise RecordingError(f"the query cannot be run: {str(error).splitlines()[0]}.") from None
    if as_json:
        named = [dict(zip(names, map(_jsonable, row), strict=True)) for row in rows]
        print(to_json(named, indent=2, fallback=str, inf_nan_mode="null").decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    console().print(table)


def _distinct(names: list[str]) -> list[str]:
    """Name columns of the same name apart, as DuckDB does in a subquery: x, x_1."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        distinct.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return distinct


def _jsonable(value: object) -> object:
    if not isinstance(value, bytes):
        return value
    return "".join(
        chr(byte) if 32 <= byte < 127 else f"\\x{byte:02X}" for byte in value
    )  # as DuckDB prints it
