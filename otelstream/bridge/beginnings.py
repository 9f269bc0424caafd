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
from otelstream.source.performing import Mode, Model, name_of
from recorder import RecordedObject

Begin: TypeAlias = Callable[[], Any]
"""Starts a run, and returns its session."""


@dataclass(slots=True)
class _Conversation:
    """A conversation so far: its flow, and how many messages it has."""

    flow: Any
    messages: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the app makes: a flow or a model, and its name."""

    name: str
    is_model: bool


class Beginnings:
    """Starts recorded runs again, as they were started.

    Args:
        app: What is started. It is made when the first run begins, and not before.

    Raises:
        EntryPointError: It is one flow, that exists already.
    """

    def __init__(self, app: EntryPoint) -> None:
        self._app = app
        self._kind: _Kind | None = None
        self._conversations: dict[str, _Conversation] = {}
        if app.is_object and not isinstance(app.found, Model):
            raise EntryPointError(
                f"{app.name} is one flow, and each recorded run needs one of its own; name its class, or a"
                " function that makes one."
            )

    def begin(self, invocation: Invocation, mode: Mode, result: object) -> Begin:
        """Return what starts a run as a recorded one was started.

        Calling it may raise as this does, and `EntryPointError` if the flow cannot be made.

        Args:
            invocation: How that was.
            mode: Whether its session was an asynchronous one.
            result: What it gave.

        Raises:
            UnrepeatableError: It is a run of something else, or of a conversation that is not known so far.
        """
        if self._kind is not None:
            self._refuse_others(self._kind, invocation)
        if isinstance(invocation, Turn):
            return partial(self._turn, invocation)
        if isinstance(invocation, FlowRun):
            return partial(self._flow_run, invocation, mode)
        return partial(self._model_call, invocation, _response_model(result))

    def _turn(self, turn: Turn) -> Any:  # noqa: ANN401  a session of CrewAI's
        if turn.earlier == 0:
            self._conversations[turn.conversation] = _Conversation(self._made(turn), 0)
        known = self._conversations.get(turn.conversation)
        if known is None or known.messages != turn.earlier:
            raise UnrepeatableError(
                f"it is a later turn of the conversation {turn.conversation}, and the turns before it were"
                " not all executed again as they were recorded"
            )
        return known.flow.stream_turn(turn.message, session_id=turn.conversation)

    def _flow_run(self, run: FlowRun, mode: Mode) -> Any:  # noqa: ANN401  a session of CrewAI's
        flow = self._made(run)
        start = flow.astream if mode == "async" else flow.stream_events
        return start(inputs=dict(run.inputs) or None)

    def _model_call(self, call: ModelCall, response_model: type[BaseModel] | None) -> Any:  # noqa: ANN401  as above
        model = self._made(call)
        return model.stream_events(call.messages, tools=call.tools, response_model=response_model)

    def _made(self, invocation: Invocation) -> Any:  # noqa: ANN401  a flow or a model of CrewAI's
        made = self._app.make()
        self._kind = _Kind(name_of(made), is_model=isinstance(made, Model))
        self._refuse_others(self._kind, invocation)
        return made

    def _refuse_others(self, kind: _Kind, invocation: Invocation) -> None:
        is_call = isinstance(invocation, ModelCall)
        if is_call is not kind.is_model or not (is_call or invocation.name == kind.name):
            what = "a call of the model" if is_call else "a run of the flow"
            raise UnrepeatableError(f"it is {what} {invocation.name}, and {self._app.name} is {kind.name}")

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


def _response_model(result: object) -> type[BaseModel] | None:
    """Return the class that a call was asked for: that of its answer."""
    if isinstance(result, RecordedObject):
        raise UnrepeatableError(
            f"its answer was a {result.class_path}, which today's code does not load; import it in the app"
        )
    return type(result) if isinstance(result, BaseModel) else None
