"""`otelstream diff`: two recorded sessions compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json

from otelstream.cli.arguments import AsJson, RecordingPath, SessionName
from otelstream.cli.terminal import plain
from otelstream.jsontext import encode_json
from recorder.diff import DEFAULT, Chunks, Policy
from recorder.diff import diff as compared


def diff(
    recording: RecordingPath,
    other_recording: Annotated[
        Path,
        typer.Argument(
            metavar="OTHER", help="The recording to compare with; may be the same.", show_default=False
        ),
    ],
    session: SessionName = "last",
    other: Annotated[
        str, typer.Option("--other", "-o", help="Which session of OTHER, named as by --session.")
    ] = "last",
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="JSONPATH", help="What may differ, e.g. $.data.cost or $..cost. Repeatable."),
    ] = None,
    chunks: Annotated[
        Chunks, typer.Option(help="Compare token by token (exact), or the text of each call (text).")
    ] = "exact",
    aside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE", help="A rule more to set aside, as in docs/DIFF.md: tokens. Repeatable."
        ),
    ] = None,
    exact: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="A rule not to set aside, e.g. times. Repeatable."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Compare two sessions: the same, the same in another order, or where they differ first.

    Ids, times, durations, memory addresses and usage counters are set aside. Exit code 0 if they are the same
    or only parallel branches came in another order, 1 if they differ, 2 if something is unreadable.
    """
    compared_exactly = Policy(aside=frozenset(exact or ())).aside  # which refuses what is no rule
    rules = (DEFAULT | frozenset(aside or ())) - compared_exactly
    policy = Policy(aside=rules, ignore=tuple(ignore or ()), chunks=chunks)
    found = compared(recording, other_recording, session=session, other=other, policy=policy)
    if as_json:
        print(_json(found.to_json()))
    else:
        print(plain(str(found), keep="\n"))
    if found.verdict == "different":
        raise typer.Exit(1)


def _json(facts: dict[str, object]) -> str:
    try:
        return to_json(facts, indent=2, fallback=repr, inf_nan_mode="null").decode()
    except ValueError:  # a text in it is no Unicode
        return encode_json(facts, nan="null")
