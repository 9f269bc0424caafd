"""Objects that parallel branches share, as frames show them: a frame may show an older or a newer state.

A flow's methods share its state, and the tasks of a crew the crew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recorder.diff.forms import Forms
from recorder.diff.places import ABSENT, Path, Place, Same, are_alike
from recorder.diff.reading import Rereader
from recorder.diff.side import Side

_STATE: Final = ("data", "state")
# All agents and tasks of the crew, and what they are doing; their own frames tell it, too.
_CREWS: Final = (("data", "agent", "crew"), ("data", "task", "agent", "crew"))
_CREW: Final = "crew_kickoff_started"
_METHODS: Final = ("method_execution_", "flow_")


class Snapshots:
    """The states of shared objects in the frames of one scope, in both sessions.

    Args:
        forms: How values are compared.
        sides: Both sessions.
        readers: Their frames.
        scopes: Ordinals of the frames that opened the scope.
    """

    def __init__(
        self, forms: Forms, sides: Sequence[Side], readers: Sequence[Rereader], scopes: tuple[int, int]
    ) -> None:
        self._forms = forms
        self._is_crew = sides[0].types[scopes[0]] == _CREW
        self._states = [
            [data["state"] for at in _in_flow(side, scope) if "state" in (data := reader.frame(at).data)]
            for side, reader, scope in zip(sides, readers, scopes, strict=True)
        ]

    def explain(self, place: Place, same: Same) -> bool:
        """Tell whether a difference is what parallel branches do to each other.

        Each side's value of a state must also be seen in the other session, at another time. A crew of
        parallel tasks is shown in the midst of what they do, which need not be seen twice.
        """
        if place.path[:2] != _STATE:
            return self._is_crew and any(place.path[: len(crew)] == crew for crew in _CREWS)
        key = next((step for step in reversed(place.path) if isinstance(step, str)), "")
        mine, others = ([_at(state, place.path[2:]) for state in states] for states in self._states)
        return any(are_alike(self._forms, (each, place.right), key, same) for each in mine) and any(
            are_alike(self._forms, (place.left, each), key, same) for each in others
        )


def _in_flow(side: Side, flow: int) -> list[int]:
    """Return the frames of a flow and of its methods themselves, in the order of arrival."""
    members = side.members.get(flow, ())
    inner = [at for method in members for at in side.members.get(method, ())]
    return sorted(at for at in (*members, *inner) if side.types[at].startswith(_METHODS))


def _at(value: object, path: Path) -> object:
    for step in path:
        is_index = isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value)
        if not is_index and not (isinstance(value, dict) and step in value):
            return ABSENT
        value = value[step]  # type: ignore[index]  # it is one of the two
    return value
