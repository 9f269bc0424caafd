"""`otelstream run`: a flow, streamed, exported and recorded."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

import otelstream
from otelstream.cli.arguments import NoRedact, RecordTo
from otelstream.cli.watch import report, sentence_of, watch
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
    try:
        session = otelstream.observe(
            start(load(flow), given), record=record, redact=not no_redact, entry_point=flow
        )
    except TypeError as error:
        raise EntryPointError(f"{flow} does not stream frames as a CrewAI Flow does: {error}") from None
    with session:
        watched = watch(session)
    otelstream.flush()
    report(record, watched.frames)
    if watched.error is not None:
        print(f"otelstream: {flow} failed: {sentence_of(watched.error)}", file=sys.stderr)
        raise typer.Exit(1)
    print(_result(session))


def _parsed(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise EntryPointError(f"--input {text!r} is no KEY=VALUE pair; write for example --input topic=tea.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _result(session: Any) -> str:  # noqa: ANN401  CrewAI's StreamSession
    try:
        return f"result: {session.result!r}"
    except RuntimeError:
        return "no result"
