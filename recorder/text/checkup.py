"""What is wrong with a text recording, line by line; one line of it is in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from otelstream.errors import FrameError, RecordingError
from recorder.checkup import Problem
from recorder.text.headers import why_foreign
from recorder.text.index import Index, IndexedSession, Line, Place, lines_from
from recorder.text.parsing import is_object, said_by

NAMED: Final = 10
"""How many damaged lines are named; of the others the number is told."""


class TextCheckup:
    """Looks at a text recording.

    Args:
        path: The file.

    Attributes:
        index: Its sessions, as far as its lines can be read.
    """

    def __init__(self, path: Path) -> None:
        self.index = Index(path)
        self._path = path
        self._damaged = 0

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with its lines, in their order.

        Raises:
            RecordingError: It is no recording, or one of a later version.
            OSError: It cannot be read.
        """
        if (foreign := why_foreign(self._path)) is not None:
            raise RecordingError(foreign)
        with self._path.open("rb") as file:
            for line in lines_from(file, Place(0, 1)):
                if line.text.endswith(b"\n") or is_object(line.text):
                    yield from self._of_line(line)
                else:
                    yield Problem("warning", f"it ends in {len(line.text)} bytes of a line that is not whole")
        if self._damaged > NAMED:
            yield Problem("error", f"{self._damaged - NAMED} more lines are damaged")

    def of_session(self, session: IndexedSession, *, live: bool) -> Iterator[Problem]:
        """Yield what is to be said of a session, once all lines have been looked at."""
        gaps = Counter[str]()
        for gap in session.gaps:
            gaps[gap.reason] += gap.frames
        for reason, count in sorted(gaps.items()):
            yield Problem("warning", f"never stored ({reason}): {count} frame{'' if count == 1 else 's'}")
        end = session.end
        if end is None or end.state == "crashed":
            goes_on = end is None and live
            yield Problem("info", "being recorded") if goes_on else Problem("warning", "its process died")
        if end is None:
            return
        if end.frame_count != session.frames:
            yield Problem("error", f"it ended with {end.frame_count} frames, and {session.frames} are there")
        if end.frames_dropped != gaps.total():
            yield Problem(
                "warning",
                f"it ended with {end.frames_dropped} frames dropped, and its gaps say {gaps.total()}",
            )

    def _of_line(self, line: Line) -> Iterator[Problem]:
        if not line.text.strip():
            return
        try:
            self.index.take(line.place, said_by(line.text))
        except FrameError as error:
            self._damaged += 1
            if self._damaged <= NAMED:
                yield Problem("error", f"line {line.place.line} is damaged: {error}")
        except RecordingError as error:
            raise RecordingError(f"{self._path} has {error}; upgrade otelstream.") from None
