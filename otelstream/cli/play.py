"""`otelstream play`: a recorded session as it happened, on a terminal."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Final

import typer

from otelstream.cli.arguments import RecordingPath, SessionName
from otelstream.cli.ending import ending_of, tell
from otelstream.cli.keys import NoKeys, TerminalKeys, terminal_of_keys
from otelstream.cli.opening import opened
from otelstream.cli.places import place
from otelstream.cli.player import HELP, Player
from otelstream.cli.screen import Screen
from otelstream.cli.terminal import console
from otelstream.cli.watch import consume
from otelstream.errors import UsageError
from recorder import RecordedSession, Recording
from recorder.cut import Part
from recorder.playhead import Tempo
from recorder.replay import Tape
from recorder.search import Condition

CHANNELS: Final = ("llm", "flow", "tools", "messages", "lifecycle", "custom")
"""Those of the runtime."""

_WHERE: Final = "its number, `12.5s` after the start, a time (UTC), its id or its type"


def play(
    recording: RecordingPath,
    session: SessionName = "last",
    rate: Annotated[
        float,
        typer.Option("--rate", "-r", min=0.0, help="1: as recorded, 4: four times as fast, 0: at once."),
    ] = 1.0,
    idle_limit: Annotated[
        float | None,
        typer.Option("--idle-limit", "-i", min=0.0, help="No gap of the recording is longer, in seconds."),
    ] = None,
    start: Annotated[str | None, typer.Option(help=f"The first frame: {_WHERE}.")] = None,
    until: Annotated[str | None, typer.Option(help=f"The last frame: {_WHERE}.")] = None,
    channels: Annotated[
        str | None, typer.Option("--channels", "-c", help="Only frames of these, as in `llm,tools`.")
    ] = None,
    *,
    start_paused: Annotated[bool, typer.Option("--start-paused", help="Wait for a key first.")] = False,
) -> None:
    """Play a session as it happened: its text as it was streamed, each other frame as a line.

    On a terminal, space pauses and goes on, . or s shows the next frame, n or the right arrow skips a gap, +
    and - change the rate, and q quits. Exit code 1 if the run failed where it is played.
    """
    with opened(recording) as reading:
        recorded = reading.session(session)
        chosen = None if channels is None else _channels(reading, recorded, channels)
    tape = Tape(recorded.file, recorded.start.session_id, Part(place(start), place(until), chosen))
    screen = Screen(console())
    with ExitStack() as stack:
        stack.callback(screen.end)
        player = _player(stack, Tempo(rate, idle_limit), screen, paused=start_paused)
        stream = tape.stream(player)
        watched = consume(stream, lambda frame: screen.show(frame, player.ordinal, player.offset_ns))
    cut = "stopped" if player.is_stopped else None if tape.cut.reaches_end else "cut"
    tell(ending_of(stream, watched, cut))


def _player(stack: ExitStack, tempo: Tempo, screen: Screen, *, paused: bool) -> Player:
    terminal = terminal_of_keys()
    if terminal is None:
        if paused:
            raise UsageError("--start-paused waits for a key, and there is no terminal; leave it out.")
        return Player(tempo, NoKeys(), screen.line)
    keys = stack.enter_context(TerminalKeys(terminal))
    player = Player(tempo, keys, screen.line, paused=paused)
    keys.standing = player.standing
    if not paused:
        screen.line(HELP)
    return player


def _channels(reading: Recording, session: RecordedSession, names: str) -> list[str]:
    """Return channels by their names; a newer runtime may have others than we know."""
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in CHANNELS and reading.find(session, Condition("channel", "=", name)) is None:
            raise UsageError(f"There is no channel {name!r}; the channels are {', '.join(CHANNELS)}.")
    return chosen
