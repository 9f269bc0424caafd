"""`otelstream doctor`: what is wrong with recordings, without changing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from otelstream.bridge.remadespans import RemadeSpans
from otelstream.cli.arguments import AsJson
from otelstream.cli.options import span_options
from otelstream.span.rules import Pair
from recorder.doctor import Examination, Finding, examine
from recorder.names import shown
from recorder.sources import find


def doctor(
    path: Annotated[
        Path, typer.Argument(help="A recording, a directory of them, or a pattern.", show_default=False)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Examine recordings: versions, states, hash chains, missing frames. Nothing is changed.

    Exit codes: 0 sound, 1 damaged, 2 unreadable.
    """
    found = find(path)
    rows = span_options().rows
    examined = [_examined(file, rows, as_json=as_json) for file in found.files]
    findings = [finding for each in examined for finding in each.findings]
    findings += [Finding("error", shown(folder), None, why) for folder, why in found.skipped]
    findings += [Finding("info", shown(file), None, why) for file, why in found.foreign]
    if as_json:
        print(to_json({"files": list(map(_facts, examined)), "findings": findings}, indent=2).decode())
    else:
        for folder, why in found.skipped:
            print(f"error    {folder}: {why}")
        for file, why in found.foreign:
            print(f"info     {file}: {why}")
    if found.skipped or not all(each.is_readable for each in examined):
        raise typer.Exit(2)
    if not all(each.is_sound for each in examined):
        raise typer.Exit(1)


def _examined(file: Path, rows: Sequence[Pair], *, as_json: bool) -> Examination:
    examined = examine(file, compare=partial(RemadeSpans, rows))
    if not as_json:
        for line in _lines(examined):
            print(line)
    return examined


def _facts(examined: Examination) -> dict[str, object]:
    facts = asdict(examined)
    del facts["findings"]
    sessions = dict(examined.sessions)
    return {**facts, "file": str(examined.file), "sessions": sessions, "is_sound": examined.is_sound}


def _lines(examined: Examination) -> Iterator[str]:
    """Yield what a person wants to read of a file."""
    size = f"{examined.bytes:,} bytes" + (
        f" and a WAL of {examined.wal_bytes:,}" if examined.wal_bytes else ""
    )
    if examined.format is None:
        yield f"{examined.file}: {size}"
    elif examined.form == "text":
        yield (
            f"{examined.file}: text form {examined.format}, recorded by otelstream"
            f" {examined.otelstream_version}, {size}"
        )
        yield f"  {_sessions(examined)}, {examined.frames:,} frames"
    else:
        yield (
            f"{examined.file}: format {examined.format}, made by otelstream {examined.otelstream_version}"
            f" with DuckDB {examined.duckdb_version} for {examined.storage_version}, {size}"
        )
        yield (
            f"  {_sessions(examined)}, {examined.frames:,} frames,"
            f" {examined.vouched:,} of them vouched for by the hash chain"
        )
    for finding in examined.findings:
        yield f"  {finding.level:8}{finding.session + ': ' if finding.session else ''}{finding.what}"
    if examined.is_sound and examined.is_readable:
        yield "  sound"


def _sessions(examined: Examination) -> str:
    states = ", ".join(f"{count} {state}" for state, count in sorted(examined.sessions.items()))
    return f"{examined.sessions.total()} sessions ({states or 'none'})"
