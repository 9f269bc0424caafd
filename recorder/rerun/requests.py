"""What a call asked for, in a form that two runs of the same code share, and its digest.

Pure: takes the data of a frame that starts a call, recorded or live.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from recorder.rerun.aliases import aliased

Kind = Literal["llm", "tool"]

_MODEL_FIELDS: Final = (
    "model", "messages", "tools", "temperature", "top_p", "max_tokens", "seed", "stop_sequences",
    "frequency_penalty", "presence_penalty", "n",
)  # fmt: skip
"""Not `stream`: it changes how an answer is delivered, and differs between `kickoff` and `stream_events`."""

_TOOL_FIELDS: Final = ("tool_name", "tool_args")

_UNSPEAKABLE: Final = "raw_tool_call_parts"
"""The provider's own objects beside the same calls as JSON; of them a frame has only a `repr`."""


@dataclass(frozen=True, slots=True)
class Request:
    """What one call asked for.

    Attributes:
        kind: Whether a model or a tool was asked.
        fields: What was asked, by the names of the frame, ids and addresses replaced.
        exact: SHA-256 of the same with ids and addresses, by which equal ones are told apart; may be empty.
        digest: SHA-256 of kind and fields, in hexadecimal.
    """

    kind: Kind
    fields: Mapping[str, Any]
    exact: str = field(default="", compare=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest([self.kind, self.fields]))


def model_request(data: Mapping[str, Any]) -> Request:
    """Return the request of an LLM call, given the data of its `llm_call_started`."""
    asked = {name: data.get(name) for name in _MODEL_FIELDS}
    messages = asked["messages"]
    if isinstance(messages, list):
        asked["messages"] = [_spoken(message) for message in messages]
    elif isinstance(messages, str):  # what every provider makes of it
        asked["messages"] = [{"role": "user", "content": messages}]
    return Request("llm", aliased(asked), _digest(asked))


def tool_request(data: Mapping[str, Any]) -> Request:
    """Return the request of a tool call, given the data of its `tool_usage_started`."""
    asked = {name: data.get(name) for name in _TOOL_FIELDS}
    return Request("tool", aliased(asked), _digest(asked))


def _digest(value: Any) -> str:  # noqa: ANN401  JSON is any value
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _spoken(message: Any) -> Any:  # noqa: ANN401  a message is JSON of any shape
    if not isinstance(message, Mapping):
        return message
    return {name: item for name, item in message.items() if name != _UNSPEAKABLE}
