"""What a test's recording is and may become, and what a test is told that wants more of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from otelstream.errors import RecordingError
from recorder.cassettes.mode import POLICIES, Mode, Policy, Wishes


@dataclass(frozen=True, slots=True)
class Plan:
    """What a test's recording is and may become.

    Attributes:
        path: The recording.
        wishes: The modes that were asked for.
        serve: What is served from the recording while the test's own code runs again; None to replay.
        test: The test's id.
        command: How the test is run in another mode, but for the name of that mode at its end.
    """

    path: Path
    wishes: Wishes
    serve: frozenset[str] | None
    test: str
    command: str

    @property
    def policy(self) -> Policy:
        """What the mode that holds does."""
        return POLICIES[self.wishes.mode]

    def missing(self) -> str:
        """Return the sentence for a recording that does not exist and is not made in this mode."""
        return f"{self.path} does not exist, and {self._why_not()}; {self.advice('once')}"

    def never_made(self) -> str:
        """Return the sentence for a recording that a test reads and that none has made."""
        return (
            f"{self.path} does not exist; it is made where a test wraps a live session,"
            f" recording.wrap(session), and runs as: {self.command}once"
        )

    def exhausted(self, held: int, number: int) -> str:
        """Return the sentence for one session more than the recording holds.

        Args:
            held: How many it holds.
            number: The number of the one that the test wraps, from 0.
        """
        sessions = f"{held or 'no'} session{'' if held == 1 else 's'}"
        return (
            f"{self.path} holds {sessions}, the test wraps number {number + 1}, and {self._why_not()};"
            f" {self.advice('new_episodes')}"
        )

    def misfit(self, number: int, recorded: str, wrapped: str) -> str:
        """Return the sentence for a session that is iterated otherwise than the recorded one.

        Args:
            number: The number of the episode, from 0.
            recorded: How the recorded one was iterated, `sync` or `async`.
            wrapped: How the one that the test wraps is.
        """
        return (
            f"session number {number + 1} of {self.path} is {recorded}, and the one that the test wraps is"
            f" {wrapped}; {self.advice('rewrite')}"
        )

    def unreadable(self, error: RecordingError) -> str:
        """Return the sentences for a recording that cannot be read."""
        return f"{error} Or {self.advice('rewrite')}"

    def cut_short(self, number: int) -> str:
        """Return the sentence for a recorded session that has no end.

        Args:
            number: The number of the episode, from 0.
        """
        return (
            f"session number {number + 1} of {self.path} has no end, as its process died or the file was cut;"
            f" {self.advice('rewrite')}"
        )

    def if_it_shall_be(self) -> str:
        """Return the sentence for a run that is not as it was recorded."""
        return f"If this is how it shall be, {self.advice('rewrite')}"

    def advice(self, mode: Mode) -> str:
        """Return what to do to have it recorded."""
        if self.wishes.in_ci:
            return f"record it on your own machine and commit it: {self.command}{mode}"
        return f"record it with: {self.command}{mode}"

    def _why_not(self) -> str:
        if self.wishes.in_ci:
            return "nothing is recorded where CI is set"
        return f"mode {self.wishes.mode} does not record it"


def command(test: str, folder: str | None) -> str:
    """Return the command that runs a test in a mode, but for the name of the mode at its end.

    Args:
        test: The test, as it is named on the command line.
        folder: What `--recording-dir` was given as, None if it was not.
    """
    words = ["pytest", test, *([f"--recording-dir={folder}"] if folder else []), "--recording-mode="]
    return shlex.join(words)
