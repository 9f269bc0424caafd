"""The command line: each command parses, calls the library and prints."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer

from otelstream import __version__
from otelstream.cli import (
    cat,
    convert,
    demo,
    diff,
    doctor,
    export,
    info,
    ingest,
    ls,
    merge,
    play,
    prune,
    recover,
    redact,
    replay,
    run,
    show,
    sql,
    stats,
    tail,
    verify,
)
from otelstream.cli.signals import exit_code_of_signal, leave_on_signals
from otelstream.cli.terminal import ESCAPING, plain
from otelstream.errors import ExportError, OtelstreamError

app = typer.Typer(
    name="otelstream",
    help="CrewAI stream frames to OpenTelemetry spans, and to recordings that replay.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(run.run)
app.command()(ingest.ingest)
app.command()(ls.ls)
app.command()(info.info)
app.command()(show.show)
app.command()(cat.cat)
app.command()(tail.tail)
app.command()(play.play)
app.command()(replay.replay)
app.command()(diff.diff)
app.command()(verify.verify)
app.command()(sql.sql)
app.command()(stats.stats)
app.add_typer(export.app, name="export")
app.command()(convert.convert)
app.command()(doctor.doctor)
app.command()(recover.recover)
app.command()(merge.merge)
app.command()(redact.redact)
app.command()(prune.prune)


RECORDING: Final = ("demo", "run", "ingest")
"""Commands that record, so that a signal lets them commit before it ends them."""


@app.callback(invoke_without_command=True)
def version(  # noqa: D103  the program's help stands above
    context: typer.Context,
    *,
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if context.invoked_subcommand not in RECORDING:
        leave_on_signals()
    if show:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; every error of a user is one sentence on stderr.

    Exit codes: 0 fine, 1 a failed or different run, damage, or spans that could not be delivered, 2 wrong
    usage or unreadable input, 3 recovered with loss, 130 interrupted, 128 + n ended by signal n.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  until the end
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors=ESCAPING)  # type: ignore[union-attr]  # a frame may hold anything
    # Left from here and not from inside, so that no frame of a command is alive while the interpreter ends.
    code = _exit_code()
    by_signal = exit_code_of_signal()
    sys.exit(code if by_signal is None else by_signal)


def _exit_code() -> int | str | None:
    try:
        app()
    except SystemExit as leaving:
        return _said("interrupted", 130) if leaving.code == 130 else leaving.code
    except ExportError as error:
        return _said(str(error), 1)
    except OtelstreamError as error:
        return _said(str(error), 2)
    except KeyboardInterrupt:
        return _said("interrupted", 130)
    except RuntimeError as error:
        if str(error) != "Query interrupted":  # what DuckDB makes of Ctrl-C
            raise
        return _said("interrupted", 130)
    except OSError as error:
        # Standard output is full or broken; Python must not try to write the rest of it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _said(f"the output cannot be written: {error.strerror or error}", 1)
    return 0


def _said(sentence: str, code: int) -> int:
    print(f"otelstream: {plain(sentence)}", file=sys.stderr)
    return code
