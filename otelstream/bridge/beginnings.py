"""Recorded runs started again: a fresh flow for each run, one flow for all turns of a conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from pydantic import BaseModel

from otelstream.bridge.invocations import FlowRun, Invocation, ModelCall, Turn, UnrepeatableError
from otelstream.errors import EntryPointError
from otelstream.source.entrypoint import EntryPoint
from otelstream.source.performing import Model, Mode, name_of
from recorder import RecordedObject

Begin: TypeAlias = Callable[[], Any]
"""Starts a run, and returns its session."""


@dataclass(slots=True)
class _Conversation:
    """A conversation so far: its flow, and how many messages it has."""

    flow: Any
    messages: int


class Beginnings:
    """Starts recorded runs again, as they were started.

    Args:
        app: What is started.

    Raises:
        EntryPointError: It is a flow that exists already, or makes no flow and no model.
    """

    def __init__(self, app: EntryPoint) -> None:
        self._app = app
        self._conversations: dict[str, _Conversation] = {}
        made = app.make()
        self._name = name_of(made)
        self._is_model = isinstance(made, Model)
        if app.is_object and not self._is_model:
            raise EntryPointError(
                f"{app.name} is one flow, and each recorded run needs one of its own; name its class, or a"
                " function that makes one."
            )

    def begin(self, invocation: Invocation, mode: Mode, result: object) -> Begin:
        """Return what starts a run as a recorded one was started.

        Args:
            invocation: How that was.
            mode: Whether its session was an asynchronous one.
            result: What it gave.

        Raises:
            UnrepeatableError: It is a run of something else, or of a conversation that is not known so far.
            EntryPointError: The flow cannot be made.
        """
        if isinstance(invocation, ModelCall) is not self._is_model or not (
            self._is_model or invocation.name == self._name
        ):
            kind = "a call of the model" if isinstance(invocation, ModelCall) else "a run of the flow"
            raise UnrepeatableError(f"it is {kind} {invocation.name}, and {self._app.name} is {self._name}")
        if isinstance(invocation, Turn):
            flow = self._flow_of(invocation)
            return partial(flow.stream_turn, invocation.message, session_id=invocation.conversation)
        app: Any = self._app.make()
        if isinstance(invocation, FlowRun):
            start = app.astream if mode == "async" else app.stream_events
            return partial(start, inputs=dict(invocation.inputs) or None)
        return partial(
            app.stream_events,
            invocation.messages,
            tools=invocation.tools,
            response_model=_response_model(result),
        )

    def ended(self, turn: Turn, messages: int | None) -> None:
        """Take note of the end of a turn.

        Args:
            turn: The turn.
            messages: How many the conversation has now; None if it went on otherwise than recorded, so that
                no further turn can be compared.
        """
        if messages is None:
            self._conversations.pop(turn.conversation, None)
        else:
            self._conversations[turn.conversation].messages = messages

    def _flow_of(self, turn: Turn) -> Any:  # noqa: ANN401  a conversational flow of CrewAI's
        if turn.earlier == 0:
            self._conversations[turn.conversation] = _Conversation(self._app.make(), 0)
        known = self._conversations.get(turn.conversation)
        if known is None or known.messages != turn.earlier:
            raise UnrepeatableError(
                f"it is a later turn of the conversation {turn.conversation}, and the turns before it were"
                " not all executed again as they were recorded"
            )
        return known.flow


def _response_model(result: object) -> type[BaseModel] | None:
    """Return the class that a call was asked for: that of its answer."""
    if isinstance(result, RecordedObject):
        raise UnrepeatableError(
            f"its answer was a {result.class_path}, which today's code does not load; import it in the app"
        )
    return type(result) if isinstance(result, BaseModel) else None
