"""A recording that takes its place when it is whole: written beside it, verified, renamed."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from otelstream.bridge.rewrite import Original, copy_session
from otelstream.errors import RecordingError
from otelstream.redact import Redactor
from otelstream.span.rules import Pair
from recorder.creation import folder_beside
from recorder.doctor import Examination, examine
from recorder.faults import sentence_for
from recorder.names import is_text, real_path
from recorder.writing import AnyWriter, writer_of


class NewRecording:
    """A recording that is being made, and what must be found in it afterwards.

    Args:
        writer: Writes it.

    Attributes:
        sessions: How many sessions were copied into it.
        frames: How many frames they have.
    """

    def __init__(self, writer: AnyWriter) -> None:
        self.sessions = self.frames = 0
        self._writer = writer

    def copy(
        self, original: Original, redactor: Redactor | None = None, rows: Sequence[Pair] = ()
    ) -> Counter[str]:
        """Copy a session into it; return how often each rule masked something. See `copy_session`."""
        copied = copy_session(original, self._writer, redactor, rows)
        self.sessions += 1
        self.frames += copied.frames
        return copied.fired


@contextmanager
def new_recording(target: Path, *, replaces: bool = False) -> Iterator[NewRecording]:
    """Give a recording that is renamed to `target` when the block has ended without an error.

    Before that it is read again from its first frame to its last, and its counts are compared.

    Args:
        target: Where it shall be; missing folders above it are made.
        replaces: Whether a file that is there is replaced.

    Raises:
        RecordingError: There is a file already, nothing can be written there, or what was written is not what
            is read again.
    """
    if os.path.lexists(target) and not replaces:
        raise RecordingError(f"{target} exists; choose another name with -o.")
    real = real_path(target)
    with ExitStack() as stack:
        try:
            real.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(folder_beside(real))
        except OSError as error:
            raise RecordingError(sentence_for(target.parent, error)) from None
        path = folder / ("new.jsonl" if is_text(target) else "new.part")  # readers look in no such folder
        with _written(path) as writer:
            made = NewRecording(writer)
            yield made
        _verify(target, made, examine(path))
        if real.exists():
            shutil.copymode(real, path)
        os.replace(path, real)


@contextmanager
def _written(path: Path) -> Iterator[AnyWriter]:
    writer = writer_of(path)
    try:
        yield writer
    except BaseException:
        with suppress(RecordingError):
            writer.close()
        raise
    writer.close()


def _verify(target: Path, made: NewRecording, found: Examination) -> None:
    problems = [finding.what for finding in found.findings if finding.level == "error"]
    vouched = 0 if is_text(target) else made.frames  # text has no chain
    if (found.sessions.total(), found.frames, found.vouched) != (made.sessions, made.frames, vouched):
        problems.append(f"it has {found.frames} frames instead of {made.frames}")
    if problems:
        raise RecordingError(f"{target} was not made: what was written is not what is read: {problems[0]}.")
