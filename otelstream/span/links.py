"""What a span follows without being its child: in its own session, and in earlier ones."""

from __future__ import annotations

from collections.abc import Iterator

from otelstream.frame import FrameLike
from otelstream.span import rules
from otelstream.span.model import Follow, Link
from otelstream.span.scalars import mapping, text
from otelstream.span.scopes import OpenSpan, Scopes


def links_of(frame: FrameLike, parent: OpenSpan | None, scopes: Scopes) -> Iterator[Link]:
    """Yield the links of the span that a frame opens: to what triggered it, and to what came just before.

    Neither goes to its parent or an ancestor, nor to what one of those links to already.
    """
    above = set() if parent is None else set(parent.ancestry())
    linked = {key for span in above for key in span.linked_to} | {span.key for span in above}
    trigger = scopes.place_of(frame.data.get("triggered_by_event_id"))
    if trigger is not None and trigger.span.key not in linked:
        linked.add(trigger.span.key)
        yield Link(trigger.span.key, "triggered_by")
    previous = scopes.place_of(frame.previous_id)
    if previous is not None and previous.span.key not in linked:
        yield Link(previous.span.key, "previous")


def follows(frame: FrameLike, kind: rules.Kind, parent: OpenSpan | None, root: OpenSpan) -> Follow | None:
    """Return what an opening frame says of earlier sessions that this one continues, None for nothing.

    The turns of a conversation share its `session_id`; a flow that is resumed or restored after a checkpoint
    keeps its `state.id`, which its methods tell.
    """
    if kind is rules.TURN and parent is None:
        conversation = text(frame.data.get("session_id"))
        return Follow(root.key, "conversation", conversation) if conversation else None
    if kind is rules.METHOD and parent is root and root.kind is rules.FLOW:
        flow_id = text(mapping(frame.data.get("state")).get("id"))
        return Follow(root.key, "resumed", flow_id) if flow_id else None
    return None
