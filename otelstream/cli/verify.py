"""`otelstream verify`: recorded runs executed again by today's code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from otelstream.bridge.verdicts import Verdict, exit_code, tally, write_junit
from otelstream.bridge.verifying import Terms
from otelstream.bridge.verifying import verify as executed_again
from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.opening import opened
from otelstream.cli.terminal import plain
from otelstream.errors import UsageError
from otelstream.source.entrypoint import entry_point
from otelstream.source.quiet import quiet_program
from recorder.diff import Policy

Kind = Literal["llm", "tools"]


def verify(
    recordings: RecordingPath,
    app: Annotated[
        str,
        typer.Option(
            metavar="MODULE:FLOW",
            help="Today's code: a Flow class, a function that makes a flow, or a model.",
        ),
    ],
    session: Annotated[
        str | None,
        typer.Option(
            "--session", "-s", help="Only this one: last, an index, an id, or a name. Default: all."
        ),
    ] = None,
    serve: Annotated[
        str, typer.Option(metavar="WHAT", help="What is served from the recording: llm, tools, or both.")
    ] = "llm,tools",
    on_miss: Annotated[
        Literal["error", "live"],
        typer.Option(help="At a call that is not recorded: stop, or make it (live)."),
    ] = "error",
    run_tool: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A tool that runs, as what it asks of models is served. Repeatable."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="JSONPATH", help="What may differ, e.g. $.data.state.day. Repeatable."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report into this file.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Execute recorded runs again by today's code; say of each whether it is the same.

    Answers of models and results of tools are served from the recording. What the program prints goes to
    standard error. Exit code 1 if any run diverged, 2 if something is unreadable or nothing was compared.
    """
    policy = Policy(ignore=tuple(ignore or ()))
    terms = Terms(_served(serve), on_miss, frozenset(run_tool or ()), policy)
    out = sys.stdout
    verdicts: list[Verdict] = []
    with opened(recordings) as reading, quiet_program():
        sessions = reading.sessions() if session is None else [reading.session(session)]
        for verdict in executed_again(reading, sessions, entry_point(app), terms):
            verdicts.append(verdict)
            if not as_json:
                print(*_lines(verdict), sep="\n", file=out, flush=True)
    print(json.dumps(list(map(asdict, verdicts)), indent=2, default=str) if as_json else tally(verdicts))
    if junit is not None:
        _write(verdicts, junit)
    raise typer.Exit(exit_code(verdicts))


def _served(text: str) -> frozenset[Kind]:
    parts = {part.strip() for part in text.split(",")}
    chosen = frozenset(kind for kind in get_args(Kind) if kind in parts)
    if len(chosen) != len(parts):
        raise UsageError(f"--serve {text!r} is nothing that can be served; write llm, tools, or llm,tools.")
    return chosen


def _lines(verdict: Verdict) -> Iterator[str]:
    yield plain(f"{verdict.summary:<20} {verdict.seconds:6.2f} s  {verdict.title}")
    for line in verdict.text.splitlines():
        yield f"    {plain(line)}"


def _write(verdicts: list[Verdict], junit: Path) -> None:
    try:
        write_junit(verdicts, junit)
    except OSError as error:
        raise UsageError(f"--junit {junit} cannot be written: {error.strerror or error}.") from None
