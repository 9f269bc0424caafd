"""What a tool of an MCP server showed of its server, shown again though no server is asked."""

from __future__ import annotations

import contextvars
from typing import Any, Final

from crewai.events.base_events import BaseEvent
from crewai.events.event_bus import crewai_event_bus
from crewai.events.types.mcp_events import (
    MCPConnectionCompletedEvent,
    MCPConnectionFailedEvent,
    MCPConnectionStartedEvent,
    MCPEvent,
    MCPToolExecutionCompletedEvent,
    MCPToolExecutionFailedEvent,
    MCPToolExecutionStartedEvent,
)

from recorder.rerun.calls import RecordedCall
from recorder.rerun.seam.answers import as_emitted

_EVENTS: Final[dict[str, type[MCPEvent]]] = {
    cls.model_fields["type"].default: cls
    for cls in (
        MCPConnectionStartedEvent,
        MCPConnectionCompletedEvent,
        MCPConnectionFailedEvent,
        MCPToolExecutionStartedEvent,
        MCPToolExecutionCompletedEvent,
        MCPToolExecutionFailedEvent,
    )
}


def emit_server_events(source: object, call: RecordedCall) -> None:
    """Emit the events of the server's client that were emitted within a recorded tool call."""
    # In a context of their own, as the client runs in an event loop of its own.
    contextvars.copy_context().run(_emit, source, call)


def _emit(source: object, call: RecordedCall) -> None:
    for frame in call.within:
        cls = _EVENTS.get(frame.type)
        if cls is not None:
            own = cls.model_fields.keys() - BaseEvent.model_fields.keys()
            known: dict[str, Any] = {
                name: as_emitted(item) for name, item in frame.data.items() if name in own
            }
            crewai_event_bus.emit(source, event=cls(**known))
