"""What a comparison finds: a verdict, and the first difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from recorder.causal import CausalPath
from recorder.diff.places import ABSENT

Verdict: TypeAlias = Literal["same", "reordered", "different"]
Kind: TypeAlias = Literal["value", "missing", "extra", "order"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where two sessions differ.

    Attributes:
        kind: `value` (a frame differs at `path`), `missing` (only the first session has the frame), `extra`
            (only the second has it), or `order` (it comes before what it follows from, or after the end of
            its scope, in one of them only).
        left: Ordinal of the frame in the first session; None where it is not there.
        right: The same in the second.
        frame_type: The frame's type, in the session that has it; `outcome` for state, result and exception,
            whose ordinal is that behind the last frame.
        scopes: Where the frame stands, as labels.
        path: JSON path in the frame, for a `value`.
        left_value: What the first session has there; `ABSENT` if nothing.
        right_value: What the second has there.
    """

    kind: Kind
    left: int | None
    right: int | None
    frame_type: str
    scopes: CausalPath
    path: str | None = None
    left_value: object = ABSENT
    right_value: object = ABSENT


@dataclass(frozen=True, slots=True)
class Diff:
    """What became of a comparison; its text says it for people.

    Attributes:
        verdict: `same`; `reordered`, if only parallel branches came in another order; or `different`.
        first: The first difference; None unless the sessions are different.
        frames: How many frames each session has.
        names: What the sessions are called.
        before: Types and labels of the frames before the first difference, with their ordinals.
    """

    verdict: Verdict
    first: Divergence | None
    frames: tuple[int, int]
    names: tuple[str, str]
    before: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        """Return the text for people."""
        from recorder.diff.text import text_of  # the text is of a Diff

        return text_of(self)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data for programs."""
        first = self.first
        return {
            "verdict": self.verdict,
            "frames": list(self.frames),
            "sessions": list(self.names),
            "first": None if first is None else _facts(first),
        }


def _facts(first: Divergence) -> dict[str, Any]:
    values = {"left_value": first.left_value, "right_value": first.right_value}
    return {
        "kind": first.kind,
        "left": first.left,
        "right": first.right,
        "frame_type": first.frame_type,
        "scopes": list(first.scopes),
        "path": first.path,
        **{name: value for name, value in values.items() if value is not ABSENT},
    }
