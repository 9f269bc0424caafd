"""The states that a flow showed while it ran: a racing method may have seen an older or a newer one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recorder.diff.forms import Forms
from recorder.diff.places import ABSENT, Path, Place, Same, are_alike
from recorder.diff.reading import Rereader
from recorder.diff.side import Side

_STATE: Final = ("data", "state")


class Snapshots:
    """The states in the frames of one flow, in both sessions.

    Args:
        forms: How values are compared.
        sides: Both sessions.
        readers: Their frames.
        flows: Ordinals of the frames that opened the flow.
    """

    def __init__(
        self, forms: Forms, sides: Sequence[Side], readers: Sequence[Rereader], flows: tuple[int, int]
    ) -> None:
        self._forms = forms
        self._states = [
            [reader.frame(at).data.get(_STATE[1]) for at in _in_flow(side, flow)]
            for side, reader, flow in zip(sides, readers, flows, strict=True)
        ]

    def explain(self, place: Place, same: Same) -> bool:
        """Tell whether each side's value was also to be seen in the other, at another time."""
        if place.path[:2] != _STATE:
            return False
        key = next((step for step in reversed(place.path) if isinstance(step, str)), "")
        mine, others = ([_at(state, place.path[2:]) for state in states] for states in self._states)
        return any(are_alike(self._forms, (each, place.right), key, same) for each in mine) and any(
            are_alike(self._forms, (place.left, each), key, same) for each in others
        )


def _in_flow(side: Side, flow: int) -> list[int]:
    """Return the frames of a flow and of its methods themselves, in the order of arrival."""
    members = side.members.get(flow, ())
    methods = [each for each in members if side.types[each] == "method_execution_started"]
    ends = [
        at
        for method in methods
        for at in side.members.get(method, ())
        if side.types[at].startswith("method_")
    ]
    return sorted({*(at for at in members if side.types[at].startswith(("method_", "flow_"))), *ends})


def _at(value: object, path: Path) -> object:
    for step in path:
        is_index = isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value)
        if not is_index and not (isinstance(value, dict) and step in value):
            return ABSENT
        value = value[step]  # type: ignore[index]  # it is one of the two
    return value
