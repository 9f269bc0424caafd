"""Who speaks: the text of calls that stream at the same time, in pieces that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

PATIENCE_NS: Final = 2_000_000_000
"""So long, in nanoseconds of the recording, a call waits while another speaks in the middle of a line."""


class Speaker(NamedTuple):
    """Who says something: a call, aloud or in thought."""

    call: object
    thinks: bool = False


class Said(NamedTuple):
    """A piece of text, and who said it."""

    speaker: Speaker
    text: str


@dataclass(slots=True)
class _Waiting:
    since_ns: int
    text: str


class Floor:
    """Lets one call speak at a time; what others say meanwhile is kept until it is their turn.

    A turn ends with the call, at the end of a line, or when another has waited long enough.
    """

    def __init__(self) -> None:
        self._speaker: Speaker | None = None
        self._is_line_ended = False
        self._waiting: dict[Speaker, _Waiting] = {}

    def say(self, speaker: Speaker, text: str, now_ns: int) -> Iterator[Said]:
        """Yield what can be shown now that a call has said something, in nanoseconds of the recording."""
        if self._speaker in (None, speaker):
            yield self._turn(speaker, text)
        elif speaker in self._waiting:
            self._waiting[speaker].text += text
        else:
            self._waiting[speaker] = _Waiting(now_ns, text)
        yield from self._next_turns(now_ns)

    def leave(self, speaker: Speaker, now_ns: int) -> Iterator[Said]:
        """Yield what can be shown now that a call has ended."""
        if speaker in self._waiting:
            yield self._turn(speaker, self._waiting.pop(speaker).text)
        if speaker == self._speaker:
            self._speaker = None
        yield from self._next_turns(now_ns)

    def clear(self) -> Iterator[Said]:
        """Yield all that is left."""
        while self._waiting:
            speaker = next(iter(self._waiting))
            yield self._turn(speaker, self._waiting.pop(speaker).text)

    def _next_turns(self, now_ns: int) -> Iterator[Said]:
        while self._waiting:
            speaker, waiting = next(iter(self._waiting.items()))
            if not (self._speaker is None or self._is_line_ended or now_ns - waiting.since_ns >= PATIENCE_NS):
                return
            del self._waiting[speaker]
            yield self._turn(speaker, waiting.text)

    def _turn(self, speaker: Speaker, text: str) -> Said:
        self._speaker, self._is_line_ended = speaker, text.endswith("\n")
        return Said(speaker, text)
