"""An old recording with today's redaction rules: a new one in which what they find is masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from otelstream.bridge.newfile import new_recording
from otelstream.bridge.originals import OpenFile, held, opened
from otelstream.redact import Redactor
from otelstream.span.rules import Pair


@dataclass(slots=True)
class Masked:
    """What became of a recording that was redacted.

    Attributes:
        file: The recording.
        output: The file that holds it without its secrets.
        sessions: How many sessions it has.
        frames: How many frames they have.
        fired: How often each rule masked something, by its name.
    """

    file: Path
    output: Path
    sessions: int = 0
    frames: int = 0
    fired: dict[str, int] = field(default_factory=dict)


def mask(file: Path, output: Path, redactor: Redactor, rows: Sequence[Pair] = ()) -> Masked:
    """Write a recording anew, with its secrets masked: in frames, names, results and errors.

    Args:
        file: The recording.
        output: The file to make; the recording itself to replace it.
        redactor: The rules.
        rows: Start and end types of the user's own, for the spans.

    Raises:
        RecordingError: `file` is missing, no recording, being written or damaged; `output` exists or cannot
            be made. The recording is as it was then.
    """
    masked = Masked(file, output)
    in_place = output == file
    source: AbstractContextManager[OpenFile] = held(file) if in_place else opened(file)
    fired: Counter[str] = Counter()
    with source as original, new_recording(output, replaces=in_place) as made:
        for session in original.sessions():
            fired += made.copy(original.original(session), redactor, rows)
        masked.fired = dict(sorted(fired.items()))
        masked.sessions, masked.frames = made.sessions, made.frames
    return masked
