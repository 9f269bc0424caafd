"""`otelstream prune`: retention for a directory of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic_core import to_json

from otelstream.bridge.pruning import Pruned, Retention
from otelstream.bridge.pruning import prune as prune_recordings
from otelstream.cli.arguments import AsJson
from otelstream.cli.options import span_options
from otelstream.cli.quantities import duration, size
from otelstream.errors import UsageError
from recorder.names import shown

_STATES: Final = ("completed", "failed", "cancelled", "crashed")


def prune(
    path: Annotated[
        Path, typer.Argument(help="A directory of recordings, or a pattern.", show_default=False)
    ],
    older_than: Annotated[
        str | None, typer.Option(help="Files whose newest session ended longer ago: 30m, 12h, 7d, 2w.")
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option(help="The oldest files, until all together have no more: 500MB, 2GB, 1GiB.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Sessions that stay in any case: failed, crashed, ...; repeatable."),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete recordings that are old or too many. What is being written or cannot be read is left alone."""
    retention = _retention(older_than, max_bytes, keep or [], dry_run=dry_run)
    done = list(prune_recordings(path, retention))
    if as_json:
        facts = {"dry_run": dry_run, "files": [{**asdict(each), "file": shown(each.file)} for each in done]}
        print(to_json(facts, indent=2, fallback=str).decode())
    else:
        _print(done, dry_run=dry_run)


def _retention(
    older_than: str | None, max_bytes: str | None, keep: Sequence[str], *, dry_run: bool
) -> Retention:
    if older_than is None and max_bytes is None:
        raise UsageError("prune needs --older-than or --max-bytes; say what shall go.")
    for state in keep:
        if state not in _STATES:
            raise UsageError(f"--keep {state!r} is no state of a session; choose of {', '.join(_STATES)}.")
    before = None
    if older_than is not None:
        before = datetime.now(timezone.utc).replace(tzinfo=None) - duration(older_than)
    limit = None if max_bytes is None else size(max_bytes)
    return Retention(before, limit, frozenset(keep), dry_run, span_options().rows)


def _print(done: list[Pruned], *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    for each in done:
        if each.action in ("deleted", "rewritten"):
            what = f"{would}{each.action}: {each.sessions} sessions, {each.bytes:,} bytes"
        else:
            what = f"{each.action}: {each.why}"
        print(f"{each.file}: {what}")
    gone = [each for each in done if each.action in ("deleted", "rewritten")]
    sessions, freed = sum(each.sessions for each in gone), sum(each.bytes for each in gone)
    print(f"{len(gone)} files, {sessions} sessions, {freed:,} bytes {would.strip() or 'are'} gone")
