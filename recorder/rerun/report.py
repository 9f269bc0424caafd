"""What became of the recorded calls in a re-execution."""

from __future__ import annotations

from dataclasses import dataclass

from recorder.rerun.calls import CallName


@dataclass(frozen=True, slots=True)
class Report:
    """The calls of a re-execution and of its recording, accounted for.

    Attributes:
        served: The recorded calls that were answered from the recording.
        unused: The recorded calls that nobody asked for.
        missed: The calls of this run that the recording does not hold; with `on_miss="live"` they were made.
        live: How many calls reached a model or a tool, missed or of a kind that is not served.
    """

    served: tuple[CallName, ...] = ()
    unused: tuple[CallName, ...] = ()
    missed: tuple[CallName, ...] = ()
    live: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every recorded call was asked for, and no other."""
        return not self.unused and not self.missed

    def __str__(self) -> str:
        told = [f"{len(self.served)} calls served, {self.live} live"]
        for title, calls in (("unused", self.unused), ("missed", self.missed)):
            told += [f"{title}: {call}" for call in calls]
        return "\n".join(told)
