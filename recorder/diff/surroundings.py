"""A session without what it was started in, which two runs of the same code do not share.

A run in a flow of a server, after other runs, or in a developer's terminal is the same run.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any, Final

from otelstream.frame import FrameLike, extra_fields, with_fields
from recorder.diff.forms import Outside
from recorder.diff.runs import Run

ENVIRONMENT: Final = frozenset(("cc_env", "codex_env", "cursor_env", "default_env"))
"""Frames that name the coding agent under which CrewAI thinks it runs, told once in each context
(`crewai.utilities.env`)."""

_DATA_LINKS: Final = ("started_event_id", "triggered_by_event_id")


class Detached:
    """A run whose frames refer to nothing outside of it, and without the frames of its environment.

    Reads all frames once, for their ids.

    Args:
        run: The run as it is.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: set[int] = set()
        self._left_out: list[int] = []
        self._before: dict[str, str | None] = {}
        for ordinal, frame in enumerate(run.frames()):
            if frame.type in ENVIRONMENT:
                self._left_out.append(ordinal)
                previous = frame.previous_id
                self._before[frame.id] = self._before.get(previous or "", previous)
            else:
                self._known.add(hash(frame.id))

    @property
    def name(self) -> str:
        """What it is called."""
        return self._run.name

    @property
    def is_masked(self) -> bool:
        """Whether secrets are masked in it."""
        return self._run.is_masked

    def frames(self, first: int = 0) -> Iterator[FrameLike]:
        """Yield its frames from a place on, its outcome last if it is known."""
        for frame in self._run.frames(self._place(first)):
            if frame.type not in ENVIRONMENT:
                yield self._detached(frame)

    def ordinal_of(self, place: int) -> int:
        """Return the ordinal in the session of what comes at that place in `frames`."""
        return self._run.ordinal_of(self._place(place))

    def close(self) -> None:
        """Let go of what the run holds."""
        self._run.close()

    def _place(self, place: int) -> int:
        for left_out in self._left_out:
            place += left_out <= place
        return place

    def _detached(self, frame: FrameLike) -> FrameLike:
        data = frame.data
        links = {"parent_id": frame.parent_id, "previous_id": frame.previous_id}
        inner = {name: data[name] for name in _DATA_LINKS if data.get(name) is not None}
        new_links = {name: self._within(link) for name, link in links.items()}
        new_inner = {name: self._within(link) for name, link in inner.items()}
        if all(map(is_, (*new_links.values(), *new_inner.values()), (*links.values(), *inner.values()))):
            return frame
        return with_fields(frame, {**extra_fields(frame), **new_links, "data": {**data, **new_inner}})

    def _within(self, link: Any) -> Any:  # noqa: ANN401  a frame may hold anything
        if not isinstance(link, str):
            return link
        link = self._before.get(link, link)
        return link if hash(link) in self._known else Outside(link)
