"""The values that recorded calls return, out of frames that hold them in CrewAI's lossy JSON.

Pure: frames in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from otelstream.errors import RerunError
from otelstream.frame import FrameLike
from otelstream.span.literals import EVENT_CUT, MESSAGE_CUTS, restored
from recorder.rerun.calls import RecordedCall

_OBJECT_CUTS: Final = (3, 4)
"""Those of a response that was an object: flattened once before on its own, one level higher than a list."""


class ServedText(str):
    """What a tool returned, as the agent saw it: no tool may format it a second time."""

    __slots__ = ()


class _Call(dict[str, Any]):
    """A tool call that is read as a mapping or by attributes, as the objects of providers are."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  JSON
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def answer_of(data: Mapping[str, Any], model: type[BaseModel] | None, *, as_text: bool) -> Any:  # noqa: ANN401  any
    """Return what an LLM call returned.

    Args:
        data: The data of its `llm_call_completed`.
        model: The class of the object that was asked for.
        as_text: Whether the provider returns such an object as its JSON text.
    """
    response = data.get("response")
    if isinstance(response, list):
        return [_tool_call(item) for item in restored(response, MESSAGE_CUTS)]
    if isinstance(response, Mapping):
        response = restored(response, _OBJECT_CUTS)
    if model is None or as_text or response is None:
        return response
    try:
        validate = model.model_validate_json if isinstance(response, str) else model.model_validate
        return validate(response)
    except ValidationError:
        return response  # then the provider had failed to read it, too


def as_emitted(value: Any) -> Any:  # noqa: ANN401  JSON is any value
    """Return the value of a field of an event of which a frame has this JSON."""
    return restored(value, EVENT_CUT)


def output_of(call: RecordedCall) -> Any:  # noqa: ANN401  a tool's
    """Return what a recorded tool call returned, a text as `ServedText`; None without a result."""
    end = end_of(call)
    if end is None or end.type != "tool_usage_finished":
        return None
    output = as_emitted(end.data.get("output"))
    return ServedText(output) if isinstance(output, str) else output


def end_of(call: RecordedCall) -> FrameLike | None:
    """Return the frame that ended a tool call."""
    return next((step for step in call.steps if step.type.startswith("tool_usage_")), None)


def unfinished(call: RecordedCall) -> RerunError:
    """Return the error for a call of which the recording has no end."""
    return RerunError(
        f"{call.name} has no answer in the recording, which ends before it; rerun a complete session."
    )


def _tool_call(item: Any) -> Any:  # noqa: ANN401  JSON
    # Providers return objects, but for streamed calls of OpenAI's and those of Bedrock.
    if not isinstance(item, dict) or "index" in item or "toolUseId" in item:
        return item
    return _Call({name: _tool_call(part) for name, part in item.items()})
