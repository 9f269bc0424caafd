"""Where a frame stands, said without ids: the labels of the scopes around it, the same in every run.

Reads parents and names only, of a live stream or of a recorded one; must not depend on how parallel branches
interleave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from otelstream.frame import FrameLike

CausalPath = tuple[str, ...]
"""Labels of the scopes that enclose a frame, outermost first."""

ELSEWHERE: Final[CausalPath] = ("(elsewhere)",)
"""The path in a scope that began outside of the stream: in an earlier turn, or before a checkpoint."""

REMEMBERED_SCOPES: Final = 50_000
"""How many scopes are remembered that have ended, as threads outlive them; and in which nothing came yet."""

_STARTS: Final = "_started"

_LABELS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "flow_started": ("flow", ("flow_name",)),
    "method_execution_started": ("method", ("method_name",)),
    "crew_kickoff_started": ("crew", ("crew_name",)),
    "crew_train_started": ("crew", ("crew_name",)),
    "crew_test_started": ("crew", ("crew_name",)),
    # An unnamed task's `task_name` is its description, which is content: a changed prompt must not move it.
    "task_started": ("task", ("task.name", "task.agent.role")),
    "agent_execution_started": ("agent", ("agent.role",)),
    "lite_agent_execution_started": ("agent", ("agent_info.role",)),
    "agent_reasoning_started": ("reasoning", ("agent_role",)),
    "agent_evaluation_started": ("evaluation", ("agent_role",)),
    "llm_call_started": ("llm", ("model",)),
    "tool_usage_started": ("tool", ("tool_name",)),
    "mcp_tool_execution_started": ("mcp tool", ("tool_name",)),
    "mcp_connection_started": ("mcp connection", ("server_name",)),
}
"""Start type → its word, and where its name is: the first place that has one."""


class CausalPaths:
    """The paths of the frames of one stream, fed in their order of arrival.

    Siblings of one kind and name have one label, be they one after the other or parallel: a number would
    depend on which of the parallel ones came first. What tells them apart is what is in them.

    Remembers the open scopes, and of the others the last `REMEMBERED_SCOPES`. Not safe for several threads.
    """

    def __init__(self) -> None:
        self._new: dict[str, CausalPath] = {}
        self._open: dict[str, CausalPath] = {}
        self._ended: dict[str, CausalPath] = {}

    @property
    def has_open(self) -> bool:
        """Whether a scope began that has not ended."""
        return bool(self._open or self._new)

    def feed(self, frame: FrameLike) -> CausalPath:
        """Return the path of the next frame; that of a start or an end is without the scope itself."""
        path = self.inside(frame.parent_id)
        ended = frame.data.get("started_event_id")
        if isinstance(ended, str):
            scope = self._open.pop(ended, None) or self._new.pop(ended, None)
            if scope is not None:
                _remember(self._ended, ended, scope)
        if frame.type.endswith(_STARTS):
            _remember(self._new, frame.id, (*path, label_of(frame)))
        return path

    def inside(self, scope_id: str | None) -> CausalPath:
        """Return the path of what happens in the scope that a frame opened, given that frame's id.

        It is empty for None, and `ELSEWHERE` for a frame that is not known to open a scope.
        """
        if scope_id is None:
            return ()
        # Of the types that end in `_started` many open no scope (a user's own, steps): the first child tells.
        if (path := self._new.pop(scope_id, None)) is not None:
            self._open[scope_id] = path
            return path
        return self._open.get(scope_id) or self._ended.get(scope_id) or ELSEWHERE


def _remember(scopes: dict[str, CausalPath], scope_id: str, path: CausalPath) -> None:
    scopes[scope_id] = path
    if len(scopes) > REMEMBERED_SCOPES:
        del scopes[next(iter(scopes))]


def label_of(frame: FrameLike) -> str:
    """Return the label of the scope that a start frame opens: its kind, and its name where it has one."""
    word, places = _LABELS.get(frame.type, (frame.type.removesuffix(_STARTS).replace("_", " "), ()))
    for place in places:
        name: object = frame.data
        for key in place.split("."):
            name = name.get(key) if isinstance(name, Mapping) else None
        if isinstance(name, str) and name:
            return f"{word} {name}"
    return word
