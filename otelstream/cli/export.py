"""`otelstream export`: a recording as OTLP to a collector, or as NDJSON."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from otelstream.bridge import redactor_of
from otelstream.bridge.reexport import export
from otelstream.cli.arguments import NoRedact, RecordingPath, SessionName
from otelstream.cli.opening import opened
from otelstream.cli.options import span_options
from otelstream.errors import ExportError
from otelstream.export.headers import shown_endpoint
from otelstream.export.otlp import CollectedSpans, FrameProvider, exporter_from_environment
from otelstream.frame import frame_json

app = typer.Typer(help="Export a session: spans over OTLP, or frames as NDJSON.", no_args_is_help=True)


@app.command()
def otlp(
    recording: RecordingPath,
    session: SessionName = "last",
    endpoint: Annotated[
        str | None,
        typer.Option(help="OTLP endpoint; else the OTEL_EXPORTER_OTLP_* variables, else this machine."),
    ] = None,
    *,
    no_redact: NoRedact = False,
) -> None:
    """Send the spans of a session to a collector: the same trace as its live run, ids included."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it says below what it would say here
    collected = CollectedSpans(exporter_from_environment(os.environ, endpoint))
    try:
        provider = FrameProvider(collected, os.environ)
    except ValueError as error:
        raise ExportError(f"a variable of OpenTelemetry cannot be used: {error}") from None
    with opened(recording) as reading:
        recorded = reading.session(session)
        options = span_options()
        trace_id = export(reading, recorded, provider, options, redactor_of(not no_redact, os.environ))
    provider.shutdown()
    if collected.lost:
        raise ExportError(
            f"{collected.lost} of {collected.lost + collected.exported} spans could not be delivered to"
            f" {shown_endpoint(os.environ, endpoint)};"
            " check that a collector listens there, that the protocol is right, and that it gets the headers"
            " that it asks for (OTEL_EXPORTER_OTLP_HEADERS)."
        )
    print(f"{collected.exported} spans exported, trace {0 if trace_id is None else trace_id:032x}")


@app.command()
def jsonl(
    recording: RecordingPath,
    session: SessionName = "last",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; else standard output.")] = None,
) -> None:
    """Write the frames of a session as NDJSON."""
    with opened(recording) as reading:
        lines = (frame_json(frame) + "\n" for frame in reading.frames(reading.session(session)))
        if output is None:
            sys.stdout.writelines(lines)
            return
        if output.exists() and any(output.samefile(file) for file in reading.files):
            raise ExportError(f"{output} is the recording itself; choose another path.")
        try:
            with output.open("w", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            raise ExportError(f"{output} cannot be written: {error.strerror}; choose another path.") from None
