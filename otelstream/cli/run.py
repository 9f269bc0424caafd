"""`otelstream run`: a flow, streamed, exported and recorded."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import otelstream
from otelstream.cli.arguments import NoRedact, RecordTo
from otelstream.cli.watch import watch
from otelstream.errors import EntryPointError
from otelstream.source.entrypoint import load, start


def run(
    flow: Annotated[str, typer.Argument(metavar="MODULE:FLOW", help="The flow, e.g. app.flows:MyFlow.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", "-i", metavar="KEY=VALUE", help="A flow input; JSON, or else text. Repeatable."
        ),
    ] = None,
    record: RecordTo = None,
    *,
    no_redact: NoRedact = False,
) -> None:
    """Run a flow; print its text as it comes. Exit code 1 if it fails.

    Spans go where the OTEL_* variables say.
    """
    given = dict(_parsed(text) for text in inputs or ())
    session = otelstream.observe(
        start(load(flow), given), record=record, redact=not no_redact, entry_point=flow
    )
    with session:
        watched = watch(session)
    otelstream.flush()
    _report(record, watched.frames)
    if watched.error is not None:
        error = watched.error
        print(f"otelstream: {flow} failed: {type(error).__name__}: {error}", file=sys.stderr)
        raise typer.Exit(1)
    print(f"result: {session.result!r}")


def _parsed(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise EntryPointError(f"--input {text!r} is no KEY=VALUE pair; write for example --input topic=tea.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _report(record: Path | None, frames: int) -> None:
    lost = otelstream.losses()
    if record is not None and not lost.get("recording"):
        print(f"{frames} frames recorded in {record}", file=sys.stderr)
    for reason, count in lost.items():
        print(f"otelstream: {count} lost ({reason})", file=sys.stderr)
