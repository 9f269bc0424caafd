"""`otelstream stats`: reports over a recording, as tables, as charts on the terminal, or as a picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from otelstream.cli.arguments import AsJson, RecordingPath
from otelstream.cli.opening import opened
from otelstream.cli.reports import picture
from otelstream.cli.reports.answers import Rows, ask, print_rows
from otelstream.cli.reports.barchart import ROWS, print_charts
from otelstream.cli.reports.charts import charts_of
from otelstream.cli.reports.files import Report, report_names, report_of
from otelstream.cli.reports.sections import SECTIONS, print_sections
from otelstream.cli.sql import print_json
from otelstream.cli.terminal import console, plain
from otelstream.errors import UsageError
from recorder import Recording
from recorder.overview import bytes_of

_DRAWN_ROWS: Final = 10
"""How many rows of a report are drawn where it is one of five."""


def stats(
    recording: RecordingPath,
    report: Annotated[
        str | None,
        typer.Option("--report", "-r", help=f"One report, whole: {', '.join(report_names())}."),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            "-s",
            help="Of reports about one run: last, an index as in `ls`, an id or its beginning, or a name."
            " [default: last]",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw into this file (*.png, *.svg).")
    ] = None,
    *,
    plot: Annotated[bool, typer.Option("--plot", help="Draw on the terminal.")] = False,
    as_json: AsJson = False,
) -> None:
    """Answer questions about a recording: runs, one run, LLM calls, agents and tools, its own health.

    What the columns of a report mean, its file says: dashboards/README.md.
    """
    if as_json and (plot or output is not None):
        raise typer.BadParameter("JSON is not drawn; give --json, or --plot or --output.")
    if output is not None:
        picture.check(output)
    reports = _asked_for(report, session)
    with opened(recording) as reading:
        if output is not None:
            _spare(reading, output)
        chosen = {} if session is None else {"session": reading.session(session).id}
        answers = ask(reading, reports, chosen)
        bytes_on_disk = sum(sum(bytes_of(source)) for source in reading.sources.values())
        notes = list(_notes(reading, answers))
    one = None if report is None else answers[reports[0].name]
    if as_json:
        found = {name: rows.dicts() for name, rows in answers.items()}
        print_json(found if one is None else one.dicts())
    elif plot or output is not None:
        _draw(answers, output, whole=one is not None)
    elif one is None:
        print_sections(console(), answers, str(recording), bytes_on_disk)
    else:
        _print(one)
    for note in notes:
        print(f"otelstream: {plain(note)}", file=sys.stderr)


def _asked_for(name: str | None, session: str | None) -> list[Report]:
    if name is None:
        return [report_of(section.report) for section in SECTIONS]
    asked = report_of(name)
    if session is not None and not asked.is_about_one_run:
        fitting = [each for each in report_names() if report_of(each).is_about_one_run]
        raise UsageError(
            f"the report {asked.name} is about all sessions; --session goes with {', '.join(fitting)}."
        )
    return [asked]


def _print(answer: Rows) -> None:
    out = console()
    out.print(answer.report.question, style="bold")
    print_rows(out, {column: column for column in answer.columns}, answer.dicts())


def _spare(recording: Recording, output: Path) -> None:
    if output.exists() and any(map(output.samefile, recording.files)):
        raise UsageError(f"{output} is the recording itself; choose another path.")


def _draw(answers: Mapping[str, Rows], output: Path | None, *, whole: bool) -> None:
    """Draw reports on the terminal, or into a file: one whole, or the first rows of several."""
    most = _DRAWN_ROWS if not whole else ROWS if output is None else None
    charts = [chart for rows in answers.values() for chart in charts_of(rows, most)]
    if output is None:
        print_charts(console(), charts)
    elif not picture.write(charts, output):
        print(
            "otelstream: no font here has all characters of the names; boxes stand for them.", file=sys.stderr
        )


def _notes(recording: Recording, answers: Mapping[str, Rows]) -> Iterator[str]:
    """Yield what numbers alone do not tell."""
    sources = recording.sources.values()
    old = sum(source.format == 1 for source in sources)
    if old:
        yield (
            f"{old} of {len(sources)} files are of format 1, which has no spans:"
            " of those there are sessions, and no durations, calls or tokens."
        )
    runs = answers["runs"].dicts() if "runs" in answers else []
    unended = sum(number for row in runs if isinstance(number := row["unended"], int))
    if unended:
        why = (
            "a file is being written, so they may be running; `otelstream ls` tells."
            if recording.live
            else "no file is being written, so their processes died."
        )
        yield f"{unended} sessions have no end: {why}"
