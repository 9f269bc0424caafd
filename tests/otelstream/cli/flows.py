"""What `otelstream run` may be pointed at: flows of golden frames, and things that are none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from otelstream.frame import StreamFrame
from recorder import StreamSession
from tests.e2e.runs import golden, session


class Tea:
    """A flow that streams the golden crew and returns its inputs."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> StreamSession[object]:
        """Start a run."""
        return session(result=inputs or "tea")


class NoTea:
    """A flow that fails after all its frames."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> StreamSession[object]:
        """Start a run."""
        return session(error=ValueError("there is no tea"))


class SlowTea:
    """A flow that streams one frame after the other for longer than anybody waits."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> StreamSession[object]:
        """Start a run."""

        def run() -> Iterator[StreamFrame]:
            for frame in golden():
                yield frame
                time.sleep(1)

        return StreamSession(sync_iterator=run())


class QuietTea:
    """A flow that gives no result."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> StreamSession[object]:
        """Start a run."""
        return StreamSession(sync_iterator=iter(golden()))


class Kettle:
    """A class that cannot be made without an argument."""

    stream_events = Tea.stream_events

    def __init__(self, litres: int) -> None:
        self.litres = litres


class Model:
    """Streams, but what it is given are messages, as with an LLM of CrewAI's."""

    def stream_events(self, messages: str) -> StreamSession[object]:
        """Start a call."""
        return session()


class Crate:
    """Says that it streams, and returns a list."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> list[int]:
        """Return no session."""
        return [1]


def make_tea() -> Tea:
    """Make a flow."""
    return Tea()


def break_pot() -> Tea:
    """Fail to make a flow."""
    raise ValueError("the pot is broken")


made = Tea()
cups = 3
