"""How a recorded run was started, read from its first frames, so that it can be started again. Pure.

What a frame does not hold exactly is never made up: such a run is refused with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from otelstream.errors import OtelstreamError
from otelstream.frame import FrameLike
from otelstream.redact import PLACEHOLDER
from otelstream.span.literals import EVENT_CUT, MESSAGE_CUTS, restored


class UnrepeatableError(OtelstreamError):
    """A recorded run cannot be started again from what its recording holds."""


@dataclass(frozen=True, slots=True)
class FlowRun:
    """A flow that was given inputs.

    Attributes:
        name: The flow's.
        inputs: By name; empty if it was given none.
    """

    name: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a conversation.

    Attributes:
        name: The flow's.
        conversation: Its session id.
        message: What the user said.
        earlier: How many messages the conversation had before.
    """

    name: str
    conversation: str
    message: str
    earlier: int


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call of a model outside of any flow.

    Attributes:
        name: The model's.
        messages: A text, or messages.
        tools: The descriptions of the tools that it was given, if any.
    """

    name: str
    messages: Any
    tools: Any


Invocation: TypeAlias = FlowRun | Turn | ModelCall


def invocation_of(frames: Iterable[FrameLike]) -> Invocation:
    """Return how the run of these frames was started; no more of them are read than it takes.

    Raises:
        UnrepeatableError: They do not say it, or what they say is masked or cut.
    """
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise UnrepeatableError("it holds no frame")
    read = _READERS.get(first.type)
    if read is None:
        raise UnrepeatableError(
            f"it begins with {first.type}; only runs from their start are re-executed, not resumed ones"
        )
    return read(first, remaining)


def _flow_run(first: FrameLike, _: Iterator[FrameLike]) -> FlowRun:
    inputs = first.data.get("inputs")
    given = inputs if isinstance(inputs, Mapping) else {}
    return FlowRun(
        _text(first, "flow_name"), {key: _whole(value, (str(key),)) for key, value in given.items()}
    )


def _turn(first: FrameLike, remaining: Iterator[FrameLike]) -> Turn:
    for frame in remaining:
        if frame.type == "conversation_message_added" and frame.data.get("role") == "user":
            message, earlier = frame.data.get("content"), frame.data.get("message_index")
            if not isinstance(message, str) or not isinstance(earlier, int):
                raise UnrepeatableError("the message of its user is no text")
            _refuse_masked(message, "the message of its user")
            return Turn(_text(first, "flow_name"), _text(first, "session_id"), message, earlier)
    raise UnrepeatableError("it holds no message of a user")


def _model_call(first: FrameLike, _: Iterator[FrameLike]) -> ModelCall:
    data = first.data
    if data.get("available_functions"):
        raise UnrepeatableError("the functions that its call was given are not in the recording")
    messages = restored(data.get("messages"), MESSAGE_CUTS)
    _refuse_masked(messages, "its prompt")
    return ModelCall(_text(first, "model"), messages, restored(data.get("tools"), MESSAGE_CUTS))


_READERS: Final[Mapping[str, Callable[[FrameLike, Iterator[FrameLike]], Invocation]]] = {
    "flow_started": _flow_run,
    "conversation_turn_started": _turn,
    "llm_call_started": _model_call,
}


def _text(frame: FrameLike, key: str) -> str:
    found = frame.data.get(key)
    if not isinstance(found, str):
        raise UnrepeatableError(f"its first frame, {frame.type}, has no {key}")
    return found


def _whole(value: object, where: tuple[str, ...]) -> object:
    """Return an input with what CrewAI flattened read back.

    Raises:
        UnrepeatableError: A part of it is masked, or an object of which there is only a description.
    """
    name = ".".join(where)
    if len(where) == EVENT_CUT[0]:
        _refuse_masked(value, f"its input {name!r}")
        whole = restored(value, (0,))
        if isinstance(value, str) and whole is value:
            raise UnrepeatableError(
                f"of its input {name!r} the recording holds only a description: {value:.80}"
            )
        return whole
    if isinstance(value, Mapping):
        return {key: _whole(item, (*where, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item, (*where, str(index))) for index, item in enumerate(value)]
    _refuse_masked(value, f"its input {name!r}")
    return value


def _refuse_masked(value: object, what: str) -> None:
    if _is_masked(value):
        raise UnrepeatableError(
            f"{what} holds a secret that is masked in the recording ({PLACEHOLDER}); what is masked cannot be"
            " given to the program again"
        )


def _is_masked(value: object) -> bool:
    if isinstance(value, str):
        return PLACEHOLDER in value
    if isinstance(value, Mapping):
        return any(map(_is_masked, value.values()))
    return isinstance(value, list | tuple) and any(map(_is_masked, value))
