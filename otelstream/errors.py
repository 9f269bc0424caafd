"""What can go wrong for a user, as few exceptions whose text is one plain sentence.

Every message says what was wrong, with which file or value, and what to do.
"""

from __future__ import annotations

from typing import Final, Literal

Fault = Literal["missing", "taken", "disk", "other"]
"""What kind of fault a recording has: it is not there (any more), somebody else has it open in a way that
excludes us, the disk is full or broken, or something else."""


class OtelstreamError(Exception):
    """Base of everything that otelstream and recorder raise on purpose."""


class FrameError(OtelstreamError):
    """A frame (or a line that should hold one) cannot be read."""


class RecordingError(OtelstreamError):
    """A recording cannot be opened, read or written.

    Args:
        sentence: What was wrong, and what to do.
        fault: Of which kind that is, for those who do not give up at each.
    """

    def __init__(self, sentence: str = "", fault: Fault = "other") -> None:
        super().__init__(sentence)
        self.fault: Final[Fault] = fault


class SessionNotFoundError(RecordingError):
    """The recording holds no session of that name."""


class EntryPointError(OtelstreamError):
    """A `module:flow` cannot be imported or is nothing that streams frames."""


class ExportError(OtelstreamError):
    """Spans could not be handed to the collector."""


class UsageError(OtelstreamError):
    """An option of a command, or an argument that it stands for, has a value that cannot be used."""


class RerunError(OtelstreamError):
    """A re-execution needs what no recording can serve, or cannot be started."""


class DivergedError(RerunError):
    """A re-execution asked for something else than the recorded run.

    Args:
        sentence: Which call, what is different, and what to do.
        difference: The lines that differ, as a unified diff; empty where there is nothing to compare with.
        frame: Ordinal of the frame that started the recorded call, if there is one to compare with.
    """

    def __init__(self, sentence: str = "", difference: str = "", frame: int | None = None) -> None:
        super().__init__(f"{sentence}\n{difference}".rstrip())
        self.frame: Final[int | None] = frame
        self.sentence: Final[str] = sentence
        self.difference: Final[str] = difference
