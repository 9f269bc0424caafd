"""What a scripted model answers, turn by turn, cut into the chunks that a provider would stream.

Plain values only: this module knows the shape of OpenAI's tool calls, and nothing of CrewAI.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from otelstream.errors import OtelstreamError

_WORD = re.compile(r"\S+\s*|\s+")
_ARGUMENT_PIECE = re.compile(r".{1,12}")
_DIGITS_OF_AN_ID = 24


class ScriptExhaustedError(OtelstreamError):
    """A model was called more often than its script has turns."""


@dataclass(frozen=True, slots=True)
class Say:
    """The model answers with this text, streamed word by word."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """The model answers with this text, after having streamed what it thought before."""

    thought: str
    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """The model asks for one tool call; a tuple of these asks for several in one turn."""

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Fail:
    """The call raises the exception, after having streamed what the model `said` until then.

    Each repetition takes a turn of its own: CrewAI repeats a call whose error looks like a rate limit
    (crewai.llms.retry), and an agent repeats a failed task `max_retry_limit` times (crewai.agent.core).
    """

    exception: Exception
    said: str = ""


Turn: TypeAlias = Say | Think | CallTool | tuple[CallTool, ...] | Fail


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a streamed answer: text, a thought, or a tool call with the arguments received so far."""

    text: str
    tool_call: dict[str, Any] | None = None
    is_thought: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One turn of a script, taken for one call."""

    turn: Turn
    response_id: str

    @property
    def text(self) -> str:
        """The words of the answer; empty where the model only calls tools."""
        match self.turn:
            case Say(text=text) | Think(text=text) | Fail(said=text):
                return text
        return ""

    def tool_calls(self) -> list[dict[str, Any]]:
        """The tool calls as OpenAI spells them, with ids derived from the response id."""
        calls = self.turn if isinstance(self.turn, tuple) else (self.turn,)
        return [
            {
                "id": stable_id("call_", self.response_id, index),
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
                "index": index,
            }
            for index, call in enumerate(calls)
            if isinstance(call, CallTool)
        ]

    def chunks(self) -> Iterator[Chunk]:
        """Yield the answer piece by piece; what is no thought joins to the whole."""
        if isinstance(self.turn, Think):
            for word in _WORD.findall(self.turn.thought):
                yield Chunk(word, is_thought=True)
        for word in _WORD.findall(self.text):
            yield Chunk(word)
        for call in self.tool_calls():
            yield from _tool_call_chunks(call)

    def streamed(self) -> str:
        """Return everything the model generates: its thoughts, its words, its tool calls' arguments."""
        return "".join(chunk.text for chunk in self.chunks())


class Script:
    """Hands out its turns one by one, each once, to whichever thread asks next."""

    def __init__(self, model: str, turns: Sequence[Turn]) -> None:
        self._model = model
        self._turns = tuple(turns)
        self._taken = 0
        self._lock = threading.Lock()

    def take(self) -> Reply:
        """Return the next turn, with a response id that is the same in every run.

        Raises:
            ScriptExhaustedError: All turns were taken.
        """
        with self._lock:
            number = self._taken
            if number >= len(self._turns):
                raise ScriptExhaustedError(
                    f"The script of {self._model!r} has {len(self._turns)} turn(s), and one more call came: "
                    "give it a turn for every call."
                )
            self._taken += 1
        turn = self._turns[number]
        return Reply(turn, stable_id("chatcmpl-", self._model, number, turn))


def stable_id(prefix: str, *parts: object) -> str:
    """Return an id that looks like the provider's, and depends on the parts alone."""
    return prefix + hashlib.sha256(repr(parts).encode()).hexdigest()[:_DIGITS_OF_AN_ID]


def _tool_call_chunks(call: dict[str, Any]) -> Iterator[Chunk]:
    # OpenAI names the function first, with empty arguments, and then streams the arguments.
    name, arguments = call["function"]["name"], call["function"]["arguments"]
    received = ""
    for piece in ("", *_ARGUMENT_PIECE.findall(arguments)):
        received += piece
        yield Chunk(piece, {**call, "function": {"name": name, "arguments": received}})
