"""Many recordings into one: every session once, in the order of their start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby, zip_longest
from pathlib import Path

from otelstream.bridge.newfile import new_recording
from otelstream.bridge.originals import OpenFile, opened
from otelstream.bridge.rewrite import Original
from otelstream.errors import RecordingError
from otelstream.frame import frame_json
from otelstream.span.rules import Pair
from recorder.doctor import examine
from recorder.listing import Key, Selector, found_in, in_order
from recorder.names import is_text
from recorder.remains import Remains
from recorder.salvage import Salvaged
from recorder.session_row import SessionEnd, StoredFrame
from recorder.sources import find


@dataclass(slots=True)
class Merge:
    """What became of recordings that were merged.

    Attributes:
        output: The file that holds all of it.
        files: The files that were read.
        sessions: How many sessions it has.
        frames: How many frames they have.
        skipped: Sessions that a more complete record was taken of, each with the file that it was left in.
        conflicts: Those of them of which that file holds something that the record that was taken has not.
        notes: What was wrong with what was read.
    """

    output: Path
    files: list[Path] = field(default_factory=list)
    sessions: int = 0
    frames: int = 0
    skipped: list[tuple[str, Path]] = field(default_factory=list)
    conflicts: list[tuple[str, Path]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def merge(
    paths: Sequence[Path],
    output: Path,
    *,
    session: Selector | None = None,
    accept_damage: bool = False,
    rows: Sequence[Pair] = (),
) -> Merge:
    """Copy the sessions of recordings into a new one, of either form.

    Args:
        paths: Files, directories or patterns.
        output: The file to make; one that ends in `.jsonl` is text.
        session: The only session to copy; None for all of them.
        accept_damage: Whether what a hash chain does not vouch for is copied all the same, and what is
            missing becomes gaps.
        rows: Start and end types of the user's own, for the spans.

    Raises:
        RecordingError: `output` exists or cannot be made; a file is missing, being written, or damaged.
        SessionNotFoundError: There is no such session.
    """
    merged = Merge(output)
    merged.files = sorted({file.absolute() for path in paths for file in find(path).files})
    damaged = {file for file in merged.files if not _is_sound(file, merged, accept_damage=accept_damage)}
    with new_recording(output) as made:
        chosen = _chosen(merged, damaged)
        if session is not None:
            chosen = [found_in(paths[0], chosen, session)[1]]
        for path, keys in groupby(chosen, key=lambda key: key.file):
            with opened(path) as file:
                for key in keys:
                    made.copy(_original(file, key.number, is_damaged=path in damaged), rows=rows)
        merged.sessions, merged.frames = made.sessions, made.frames
    return merged


def _is_sound(file: Path, merged: Merge, *, accept_damage: bool) -> bool:
    found = examine(file)
    problems = [finding for finding in found.findings if finding.level == "error"]
    if not problems:
        return True
    what = problems[0].what
    if not found.is_readable:
        raise RecordingError(what)
    if is_text(file):
        raise RecordingError(f"{file} is damaged: {what}; correct that first, in an editor.")
    if not accept_damage:
        raise RecordingError(f"{file} is damaged: {what}; recover it first, or --accept-damage.")
    merged.notes += [f"{file}: {finding.session or 'the file'}: {finding.what}" for finding in problems]
    return False


def _chosen(merged: Merge, damaged: set[Path]) -> list[Key]:
    """Return the sessions to copy; of those with one id the most complete."""
    keys: list[Key] = []
    for path in merged.files:
        with opened(path) as file:
            keys += file.keys()
    chosen = in_order(keys)
    taken = {key.session_id: key for key in chosen}
    for key in keys:
        instead = taken[key.session_id]
        if (key.file, key.number) != (instead.file, instead.number):
            merged.skipped.append((str(key.session_id), key.file))
            if _has_more(key, instead, damaged):
                merged.conflicts.append((str(key.session_id), key.file))
    return chosen


def _has_more(key: Key, taken: Key, damaged: set[Path]) -> bool:
    """Tell whether a record of a session holds something that the one that was taken has not.

    Of one in which more was masked than in the other only the number of frames can be compared.
    """
    if key.completeness[2] != taken.completeness[2]:
        return key.completeness[1] > taken.completeness[1]
    with opened(key.file) as file, opened(taken.file) as other:
        mine, theirs = (
            _original(each, session.number, is_damaged=session.file in damaged)
            for each, session in ((file, key), (other, taken))
        )
        pairs = zip_longest(_frames(mine), _frames(theirs))
        if any(frame is not None and frame != instead for frame, instead in pairs):
            return True
        ended, end = mine.end(), theirs.end()
    return ended is not None and ended.state != "crashed" and _outcome(ended) != _outcome(end)


def _frames(original: Original) -> Iterator[str]:
    return (frame_json(item.frame) for item in original.items() if isinstance(item, StoredFrame))


def _outcome(end: SessionEnd | None) -> tuple[str | None, ...]:
    return () if end is None else (end.state, end.result, end.error)


def _original(file: OpenFile, number: int, *, is_damaged: bool) -> Original:
    if not is_damaged:
        return file.original(file.session(number))
    return Salvaged(number, Remains(file.connect), None, datetime.now(timezone.utc).replace(tzinfo=None))
