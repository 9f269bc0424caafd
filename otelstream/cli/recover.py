"""`otelstream recover`: a damaged recording into a sound one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.table import Table
from rich.text import Text

from otelstream.bridge.recovery import RecoveredSession, Recovery
from otelstream.bridge.recovery import recover as salvage
from otelstream.cli.arguments import AsJson
from otelstream.cli.options import span_options
from otelstream.cli.terminal import console


def recover(
    file: Annotated[
        Path, typer.Argument(help="A recording (*.duckdb); it is only read.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to make; else the name with -recovered, beside the recording."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Salvage what there is of a damaged recording into a new one, and read that again to its end.

    Exit codes: 0 all of it, 2 refused, 3 with loss.
    """
    target = output or file.with_name(f"{file.stem}-recovered.duckdb")
    recovery = salvage(file, target, rows=span_options().rows)
    if as_json:
        sessions = [{**asdict(each), "is_complete": each.is_complete} for each in recovery.sessions]
        facts = {**asdict(recovery), "sessions": sessions, "is_complete": recovery.is_complete}
        print(to_json(facts, indent=2, fallback=str).decode())
    else:
        _print(recovery)
    if not recovery.is_complete:
        raise typer.Exit(3)


def _print(recovery: Recovery) -> None:
    for note in recovery.notes:
        print(f"- {note}")
    table = Table(box=None, pad_edge=False)
    for column in ("session", "state", "frames", "vouched", "lost", "notes"):
        table.add_column(column, overflow="fold")
    for each in recovery.sessions:
        cells = (each.session, each.state, each.frames, each.vouched, _lost(each), "; ".join(_notes(each)))
        table.add_row(*(Text(str(cell)) for cell in cells))
    console().print(table)
    frames = sum(each.frames for each in recovery.sessions)
    print(
        f"{frames} frames of {len(recovery.sessions)} sessions are in {recovery.output}, read again and"
        f" compared; {_outcome(recovery)}"
    )


def _outcome(recovery: Recovery) -> str:
    if not recovery.is_complete:
        return "not everything could be recovered."
    if recovery.open_ended:
        return "nothing of that is lost; what came after the last commit, if anything did, cannot be known."
    return "nothing is lost."


def _lost(session: RecoveredSession) -> str:
    return ", ".join(_range(first, last) for first, last in session.lost)


def _notes(session: RecoveredSession) -> list[str]:
    altered = ", ".join(_range(first, last) for first, last in session.altered)
    return [*session.notes, *([f"not what was recorded: {altered}"] if altered else [])]


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
