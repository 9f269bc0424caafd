"""`otelstream demo`: a real CrewAI flow on a scripted LLM, traced, recorded, replayed and compared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import otelstream
import recorder
from otelstream.bridge import redactor_of
from otelstream.bridge.reexport import span_tree
from otelstream.cli import spantree
from otelstream.cli.options import span_options
from otelstream.cli.terminal import console
from otelstream.cli.watch import watch
from otelstream.demo.environment import quiet_environment
from otelstream.errors import EntryPointError
from otelstream.export.headers import shown_endpoint
from otelstream.export.otlp import wants_export
from otelstream.frame import FrameLike, frame_json
from otelstream.redact import redacted


def demo(
    record: Annotated[Path, typer.Option("--record", help="Recording to make or append to.")] = Path(
        "demo.duckdb"
    ),
    topic: Annotated[str, typer.Option(help="What the crew writes about.")] = "OpenTelemetry",
    delay: Annotated[float, typer.Option(min=0.0, help="Seconds between tokens, to watch them.")] = 0.01,
) -> None:
    """Run a flow with a crew of two agents, with no network and no key; then replay its recording."""
    quiet_environment()
    try:
        from otelstream.demo.flow import DemoFlow
    except ModuleNotFoundError as error:
        raise EntryPointError(
            f"the demo needs CrewAI ({error.name} is missing); pip install 'otelstream[crewai]'."
        ) from None
    out = console()
    _heading(out, "A CrewAI flow, streamed")
    live = otelstream.observe(
        DemoFlow(delay=delay).stream_events(inputs={"topic": topic}),
        record=record,
        entry_point="otelstream.demo.flow:DemoFlow",
    )
    with live:
        watched = watch(live)
    if watched.error is not None:
        raise watched.error
    _heading(out, f"Its spans, from {record}")
    with recorder.open(record) as opened:
        session = opened.session()
        root = span_tree(opened, session, span_options())
    if root is not None:
        spantree.print_tree(out, root)
    _heading(out, "Its replay, compared")
    replayed = recorder.replay(record, session.id)
    frames = list(replayed)
    equal = _same(live.frames, frames) and live.result == replayed.result
    out.print(
        f"{len(frames)} of {len(live.frames)} frames replayed, result {replayed.result!r}:"
        f" {'equal' if equal else 'DIFFERENT'} (secrets masked)"
    )
    trace_id = None if session.end is None else session.end.trace_id
    _say_where(out, record, trace_id)
    if not equal:
        raise typer.Exit(1)


def _same(live: Sequence[FrameLike], replayed: Sequence[FrameLike]) -> bool:
    redactor = redactor_of(True, os.environ)  # noqa: FBT003  the default of `observe`
    return list(map(frame_json, redacted(live, redactor))) == list(map(frame_json, replayed))


def _say_where(out: Console, record: Path, trace_id: str | None) -> None:
    if not wants_export(os.environ):
        out.print(
            "Not exported: set OTEL_EXPORTER_OTLP_ENDPOINT (for example http://localhost:4318) and run it"
            f" again,\nor send this recording later: otelstream export otlp {record}"
        )
    elif otelstream.flush() and trace_id is not None:
        out.print(
            f"Exported to {shown_endpoint(os.environ)} as trace {trace_id};"
            f"\nwith Jaeger on this machine look at http://localhost:16686/trace/{trace_id}"
        )
    else:
        out.print("Not exported: the collector could not be reached; the recording is complete.")
    out.print(f"Look again: otelstream ls {record}; otelstream show {record}; otelstream cat {record}")


def _heading(out: Console, text: str) -> None:
    out.print(f"\n{text}", style="bold underline")
