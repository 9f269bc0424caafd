"""One of the two sessions, read once: what of each frame is needed to align and to compare it, in few bytes.

Frames themselves are not held; those that turn out to differ are read again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from otelstream.frame import FrameLike
from recorder.causal import label_of
from recorder.diff.forms import Forms, Outside

ROOT: Final = -1
"""Stands for the scope around what is in none."""

ELSEWHERE: Final = -2
"""Stands for all scopes that began outside of the session."""

NOBODY: Final = -1
"""The ordinal of a frame that is not there."""

_LINKS: Final = 3


@dataclass(slots=True)
class Side:
    """A session in short; every attribute has an item for each frame, by its ordinal.

    Attributes:
        digests: Hashes of what is compared, without ids.
        own: Hash of the frame's id.
        links: Hashes of the ids of parent, previous and start frame, three for each frame, 0 without one.
        ids: Hashes of all ids in the frames, one frame after the other.
        offsets: Where the ids of a frame begin, and one item more.
        types: Types.
        labels: Labels of start frames, by ordinal.
        positions: Ordinals by the hash of the frame's id, the last of several.
        scope: Ordinal of the frame that opened the scope that the frame is in (its own, for an end).
        previous: Ordinal of the frame before it in its context; one that comes later counts.
        members: What is in each scope, in the order of arrival.
        content: Hash of a frame with all that is in its scope, whatever the order of parallel branches.
    """

    digests: array[int] = field(default_factory=lambda: array("q"))
    own: array[int] = field(default_factory=lambda: array("q"))
    links: array[int] = field(default_factory=lambda: array("q"))
    ids: array[int] = field(default_factory=lambda: array("q"))
    offsets: array[int] = field(default_factory=lambda: array("q", [0]))
    types: list[str] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    scope: array[int] = field(default_factory=lambda: array("q"))
    previous: array[int] = field(default_factory=lambda: array("q"))
    members: dict[int, array[int]] = field(default_factory=dict)
    content: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        """Return how many frames it has."""
        return len(self.own)

    def ids_of(self, ordinal: int) -> array[int]:
        """Return the hashes of the ids in a frame."""
        return self.ids[self.offsets[ordinal] : self.offsets[ordinal + 1]]

    def links_of(self, ordinal: int) -> array[int]:
        """Return the hashes of the ids of parent, previous and start frame."""
        return self.links[_LINKS * ordinal : _LINKS * (ordinal + 1)]

    def scopes_of(self, ordinal: int) -> list[int]:
        """Return the scopes that a frame is in, innermost first."""
        found: list[int] = []
        scope = self.scope[ordinal]
        while scope >= 0:
            found.append(scope)
            scope = self.scope[scope]
        return found

    def path_of(self, ordinal: int) -> tuple[str, ...]:
        """Return the labels of the scopes that a frame is in, outermost first."""
        return tuple(
            self.labels[scope] for scope in reversed(self.scopes_of(ordinal)) if scope in self.labels
        )

    def ended_at(self, scope: int) -> int:
        """Return the ordinal of the last frame that ends a scope, `NOBODY` if it was left open."""
        mine = self.own[scope]
        ends = (each for each in reversed(self.members.get(scope, ())) if self.links_of(each)[2] == mine)
        return next(ends, NOBODY)


def side_of(frames: Iterable[FrameLike], forms: Forms) -> Side:
    """Return a session in short.

    Takes about 500 bytes a frame.
    """
    side = Side()
    names: dict[str, str] = {}
    for ordinal, frame in enumerate(frames):
        digest = forms.digest(frame)
        side.digests.append(digest.value)
        side.ids.extend(map(hash, digest.ids))
        side.offsets.append(len(side.ids))
        own = hash(frame.id)
        side.own.append(own)
        side.positions.setdefault(own, ordinal)
        side.links.extend(
            map(_link, (frame.parent_id, frame.previous_id, frame.data.get("started_event_id")))
        )
        side.types.append(names.setdefault(frame.type, frame.type))
        if frame.type.endswith("_started"):
            side.labels[ordinal] = label_of(frame)
    _place(side)
    _weigh(side)
    return side


def _link(frame_id: object) -> int:
    return hash(frame_id) if isinstance(frame_id, str) and type(frame_id) is not Outside else 0


def _place(side: Side) -> None:
    """Put every frame into its scope: an end into the one that it ends, others into that of their parent."""
    position = side.positions.get
    for ordinal in range(len(side)):
        parent, previous, started = side.links_of(ordinal)
        scope = position(started, ordinal)
        if scope >= ordinal:  # no end, or of something that did not begin before it
            scope = position(parent, ordinal)
        if scope >= ordinal:
            scope = ELSEWHERE if parent else ROOT
        side.scope.append(scope)
        side.previous.append(position(previous, NOBODY))
        side.positions[side.own[ordinal]] = ordinal  # of several of one id the last one before is meant
        side.members.setdefault(scope, array("q")).append(ordinal)


def _weigh(side: Side) -> None:
    side.content.extend(side.digests)
    for ordinal in range(len(side) - 1, -1, -1):
        members = side.members.get(ordinal)
        if members is not None:
            # A sum, as parallel members come in any order; what each follows tells the order within a branch.
            total = sum(hash((side.content[each], before(side, each))) for each in members)
            side.content[ordinal] = hash((side.digests[ordinal], total))


def before(side: Side, ordinal: int) -> int:
    """Return the digest of the frame before another in its context, 0 without one."""
    previous = side.previous[ordinal]
    return side.digests[previous] if previous >= 0 else 0
