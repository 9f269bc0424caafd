"""A replay on a terminal, or in a pipe: text as it was streamed, everything else as one dim line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from otelstream.cli.frameline import fact_text, played_line
from otelstream.cli.speech import Floor, Said, Speaker
from otelstream.cli.terminal import plain
from otelstream.frame import FrameLike

_NAME_CHARACTERS: Final = 40
_QUIET: Final = "dim"
_THINKING: Final = "dim italic"
_THOUGHT: Final = "llm_thinking_chunk"
_START: Final = "llm_call_started"
_ENDS: Final = ("llm_call_completed", "llm_call_failed")


class Screen:
    """Prints frames as they come.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._floor = Floor()
        self._names: dict[object, str] = {}
        self._speaker: Speaker | None = None
        self._is_within_line = False

    def show(self, frame: FrameLike, ordinal: int, offset_ns: int) -> None:
        """Print a frame.

        Args:
            frame: The frame.
            ordinal: Its ordinal.
            offset_ns: When it arrived, in nanoseconds after the session's start.
        """
        call = fact_text(frame.data.get("call_id"))  # another runtime may have a dict there
        chunk = frame.data.get("chunk")
        is_text = isinstance(chunk, str) and (chunk != "" or not frame.data.get("tool_call"))
        if is_text or frame.type == _START:
            self._names.setdefault(call, _name_of(frame))
        if is_text:
            self._say(self._floor.say(Speaker(call, frame.type == _THOUGHT), str(chunk), offset_ns))
            return
        if frame.type in _ENDS:
            for thinks in (True, False):
                self._say(self._floor.leave(Speaker(call, thinks), offset_ns))
            self._names.pop(call, None)
        self.line(played_line(ordinal, offset_ns, frame))

    def line(self, text: str) -> None:
        """Print a dim line."""
        self._end_line()
        line = Text(text, style=_QUIET)
        if self._console.is_terminal:
            line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line, soft_wrap=True)

    def end(self) -> None:
        """Print what was held back, and end the last line."""
        self._say(self._floor.clear())
        self._end_line()

    def _say(self, said: Iterable[Said]) -> None:
        for speaker, text in said:
            if not text:
                continue
            if speaker != self._speaker:
                self._end_line()
                doing = " thinks" if speaker.thinks else ""
                self._console.out(
                    f"{self._names[speaker.call]}{doing}: ", style=_QUIET, end="", highlight=False
                )
                self._speaker = speaker
            spoken = plain(text, keep="\n\t")
            self._console.out(spoken, style=_THINKING if speaker.thinks else None, end="", highlight=False)
            self._is_within_line = not spoken.endswith("\n")

    def _end_line(self) -> None:
        if self._is_within_line:
            self._console.out("")
        self._speaker, self._is_within_line = None, False


def _name_of(frame: FrameLike) -> str:
    who = frame.data.get("agent_role") or frame.data.get("model") or "call"
    return plain(
        f"{fact_text(who)[:_NAME_CHARACTERS]} {fact_text(frame.data.get('call_id') or '')[:4]}".strip()
    )
