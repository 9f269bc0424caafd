"""What is odd about a frame, by name; a healthy stream has none of it, and none of it changes the tree."""

from __future__ import annotations

from collections.abc import Iterator

from otelstream.frame import FrameLike, timestamp_ns
from otelstream.span import rules
from otelstream.span.model import AnomalyName
from otelstream.span.rules import Role, Rule
from otelstream.span.scopes import OpenSpan, Scope, Scopes


class Order:
    """Whether frames come in the order of their `seq` and of their clock."""

    def __init__(self) -> None:
        self.latest_ns = 0
        self._seq: int | None = None

    def oddities(self, frame: FrameLike) -> Iterator[AnomalyName]:
        """Yield what is odd about the next frame's number and time."""
        now = timestamp_ns(frame)
        if now < self.latest_ns:
            yield "clock_backwards"
        else:
            self.latest_ns = now
        if frame.seq is None:
            return
        if self._seq is not None and frame.seq <= self._seq:
            yield "seq_backwards"
        self._seq = frame.seq


def of_place(
    frame: FrameLike, rule: Rule, enclosing: Scope | None, scopes: Scopes, root: OpenSpan
) -> Iterator[AnomalyName]:
    """Yield what is odd about where a frame says that it stands; the root's own start is not asked."""
    known = scopes.place_of(frame.previous_id) is not None
    if frame.previous_id is not None and not known:
        yield "dangling_previous"
    if frame.parent_id is None:
        yield from _of_parentless(rule, known, _runtime_scope(enclosing), root)
        return
    claimed = scopes.opened_by(frame.parent_id)
    if claimed is None:
        yield "dangling_parent"
    elif not claimed.is_open:
        yield "frame_after_end"
    elif rule.role is not Role.CLOSE and claimed is not _runtime_scope(enclosing):
        yield "wrong_parent"


def _of_parentless(rule: Rule, known: bool, around: Scope | None, root: OpenSpan) -> Iterator[AnomalyName]:
    if not known and not _is_flow_of_turn(rule, root):
        yield "no_parent"
    elif known and around is not None and rule.role is not Role.CLOSE:
        yield "wrong_parent"
    elif known and around is None and rule.role is Role.OPEN and root.over:
        yield "frame_after_end"  # a second thing at the top, after the first


def _is_flow_of_turn(rule: Rule, root: OpenSpan) -> bool:
    # The runtime starts the flow of a chat turn in a context of its own.
    return rule.role is Role.OPEN and rule.kind is rules.FLOW and root.kind is rules.TURN


def _runtime_scope(scope: Scope | None) -> Scope | None:
    while scope is not None and scope.pair.start not in rules.RUNTIME_STARTS:
        scope = scope.parent
    return scope
