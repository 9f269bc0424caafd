"""The recording modes, which of them holds for a test, and what each does with a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["none", "once", "new_episodes", "all", "rewrite"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a mode does with the sessions that a test wraps.

    Attributes:
        replays: Whether an episode that the recording holds is replayed.
        makes: Whether a recording that does not exist is made.
        extends: Whether sessions are recorded although there is a recording.
        keeps: Whether episodes that the test did not come to stay in a recording that is changed.
    """

    replays: bool
    makes: bool
    extends: bool
    keeps: bool


POLICIES: Final[Mapping[Mode, Policy]] = {
    "none": Policy(replays=True, makes=False, extends=False, keeps=True),
    "once": Policy(replays=True, makes=True, extends=False, keeps=True),
    "new_episodes": Policy(replays=True, makes=True, extends=True, keeps=True),
    "all": Policy(replays=False, makes=True, extends=True, keeps=True),
    "rewrite": Policy(replays=False, makes=True, extends=True, keeps=False),
}
MODES: Final[tuple[Mode, ...]] = tuple(POLICIES)


@dataclass(frozen=True, slots=True)
class Wishes:
    """The modes that were asked for, None where nobody did, and whether tests run in CI.

    Attributes:
        command_line: By `--recording-mode`.
        marker: By `mode=` of the marker.
        ini: By `recording_mode` of the configuration file.
        in_ci: Whether nothing may be recorded, whoever asks for it.
    """

    command_line: Mode | None
    marker: Mode | None
    ini: Mode | None
    in_ci: bool

    @property
    def wanted(self) -> Mode:
        """The mode that would hold outside CI."""
        return self.command_line or self.marker or self.ini or "none"

    @property
    def mode(self) -> Mode:
        """The mode that holds."""
        return "none" if self.in_ci else self.wanted


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether tests run in CI: the variable `CI` has a value, whatever it is."""
    return bool(environ.get("CI"))
