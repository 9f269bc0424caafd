"""A CrewAI model that answers from a script, with the same events as CrewAI's OpenAI provider and no network.

It emits through the helpers that `crewai.llms.base_llm` has for provider authors, in the order in which
`crewai.llms.providers.openai.completion` calls them, so frames, hooks and token counts are the real ones.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from crewai.events.types.llm_events import LLMCallType
from crewai.llms.base_llm import BaseLLM, llm_call_context
from pydantic import BaseModel, PrivateAttr

from otelstream.demo.script import (
    CallTool,
    Chunk,
    Fail,
    Reply,
    Say,
    Script,
    ScriptExhaustedError,
    Think,
    Turn,
)

if TYPE_CHECKING:
    from crewai.agents.agent_builder.base_agent import BaseAgent
    from crewai.task import Task
    from crewai.tools.base_tool import BaseTool
    from crewai.utilities.types import LLMMessage

__all__ = ["Answer", "CallTool", "Fail", "Say", "ScriptExhaustedError", "ScriptedLLM", "Think", "Turn"]

Answer: TypeAlias = str | BaseModel | list[dict[str, Any]]
"""A text, the `response_model` that the caller asked for, or tool calls that the caller must run."""

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class _Request:
    """What the caller passed to `call` or `acall`."""

    messages: str | list[LLMMessage]
    tools: list[dict[str, BaseTool]] | None
    callbacks: list[Any] | None
    available_functions: dict[str, Any] | None
    from_task: Task | None
    from_agent: BaseAgent | None
    response_model: type[BaseModel] | None


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A call under way: the request, the messages as a provider would send them, and the answering turn."""

    request: _Request
    messages: list[LLMMessage]
    reply: Reply

    def usage(self) -> dict[str, int]:
        """Count tokens the way crewai.llms.base_llm estimates them, under the OpenAI provider's keys."""
        prompt, answer = _prompt_tokens(self.messages), _tokens(self.reply.streamed())
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "cached_prompt_tokens": 0,
            "reasoning_tokens": 0,
        }


class ScriptedLLM(BaseLLM):
    """A model whose answers are known beforehand: each call, from whichever thread, takes the next turn.

    Chunk events appear where the call streams (`stream=True`, or under `stream_events`), and only there.
    """

    _script: Script = PrivateAttr()
    _delay: float = PrivateAttr()

    def __init__(
        self,
        turns: Sequence[Turn],
        *,
        model: str = "scripted",
        delay: float = 0.0,
        **settings: Any,  # noqa: ANN401 (fields of BaseLLM, each of its own type)
    ) -> None:
        """Make a model that knows its answers.

        Args:
            turns: What to answer, one turn per call.
            model: The name under which the calls appear.
            delay: Seconds to wait after each chunk, so that a person can watch.
            **settings: Fields of `crewai.llms.base_llm.BaseLLM`, such as `stream`, `api_key`, `temperature`.
        """
        super().__init__(model=model, **{"provider": "scripted", **settings})
        self._script = Script(model, turns)
        self._delay = delay

    def call(  # noqa: PLR0913 (the signature is BaseLLM's)
        self,
        messages: str | list[LLMMessage],
        tools: list[dict[str, BaseTool]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Task | None = None,
        from_agent: BaseAgent | None = None,
        response_model: type[BaseModel] | None = None,
    ) -> Answer:
        """Answer with the next turn: its text, its tool calls, or its exception."""
        request = _Request(
            messages, tools, callbacks, available_functions, from_task, from_agent, response_model
        )
        with self._exchange(request) as exchange:
            for chunk in self._streamed(exchange):
                self._emit_chunk(exchange, chunk)
                time.sleep(self._delay)
            return self._finish(exchange)

    async def acall(  # noqa: PLR0913 (the signature is BaseLLM's)
        self,
        messages: str | list[LLMMessage],
        tools: list[dict[str, BaseTool]] | None = None,
        callbacks: list[Any] | None = None,
        available_functions: dict[str, Any] | None = None,
        from_task: Task | None = None,
        from_agent: BaseAgent | None = None,
        response_model: type[BaseModel] | None = None,
    ) -> Answer:
        """Answer as `call` does, giving way to the event loop after each chunk."""
        request = _Request(
            messages, tools, callbacks, available_functions, from_task, from_agent, response_model
        )
        with self._exchange(request) as exchange:
            for chunk in self._streamed(exchange):
                self._emit_chunk(exchange, chunk)
                await asyncio.sleep(self._delay)
            return self._finish(exchange)

    def supports_function_calling(self) -> bool:
        """Make CrewAI's agents pass their tools natively (crewai.utilities.agent_utils)."""
        return True

    def get_context_window_size(self) -> int:
        """Return a size that keeps agents from summarising a short demo."""
        return 128_000

    def get_input_tokens_count(
        self,
        messages: str | list[LLMMessage],
        tools: list[dict[str, BaseTool]] | None = None,
        response_model: type[BaseModel] | None = None,
    ) -> int:
        """Estimate as BaseLLM does, without its warning that this is an estimate."""
        del tools, response_model
        return _tokens(messages) if isinstance(messages, str) else _prompt_tokens(messages)

    @contextmanager
    def _exchange(self, request: _Request) -> Iterator[_Exchange]:
        with llm_call_context():
            try:
                yield self._begin(request)
            except Exception as error:
                self._emit_call_failed_event(
                    error=f"Scripted call failed: {error}",
                    from_task=request.from_task,
                    from_agent=request.from_agent,
                )
                raise

    def _begin(self, request: _Request) -> _Exchange:
        self._emit_call_started_event(
            messages=request.messages,
            tools=request.tools,
            callbacks=request.callbacks,
            available_functions=request.available_functions,
            from_task=request.from_task,
            from_agent=request.from_agent,
        )
        messages = self._format_messages(request.messages)
        if not self._invoke_before_llm_call_hooks(messages, request.from_agent):
            raise ValueError("LLM call blocked by before_llm_call hook")
        return _Exchange(request, messages, self._script.take())

    def _streamed(self, exchange: _Exchange) -> Iterator[Chunk]:
        return exchange.reply.chunks() if self._effective_stream() else iter(())

    def _emit_chunk(self, exchange: _Exchange, chunk: Chunk) -> None:
        if chunk.is_thought:
            self._emit_thinking_chunk_event(
                chunk=chunk.text,
                from_task=exchange.request.from_task,
                from_agent=exchange.request.from_agent,
                response_id=exchange.reply.response_id,
            )
            return
        self._emit_stream_chunk_event(
            chunk=chunk.text,
            from_task=exchange.request.from_task,
            from_agent=exchange.request.from_agent,
            tool_call=chunk.tool_call,
            call_type=LLMCallType.TOOL_CALL if chunk.tool_call else None,
            response_id=exchange.reply.response_id,
        )

    def _finish(self, exchange: _Exchange) -> Answer:
        if isinstance(exchange.reply.turn, Fail):
            raise exchange.reply.turn.exception
        self._track_token_usage_internal(exchange.usage())
        calls = exchange.reply.tool_calls()
        if not calls:
            return self._finish_text(exchange)
        if not exchange.request.available_functions:
            self._emit_completed(exchange, calls, LLMCallType.TOOL_CALL)
            return calls
        return self._run_tools(exchange, exchange.request.available_functions)

    def _finish_text(self, exchange: _Exchange) -> Answer:
        text = self._apply_stop_words(exchange.reply.text)
        model = exchange.request.response_model
        parsed = model.model_validate_json(text) if model else None
        self._emit_completed(exchange, text, LLMCallType.LLM_CALL)
        if parsed is not None:
            return parsed
        return self._invoke_after_llm_call_hooks(exchange.messages, text, exchange.request.from_agent)

    def _run_tools(self, exchange: _Exchange, functions: dict[str, Any]) -> Answer:
        # As in the provider: the first tool that returns something is the answer of the whole call.
        for call in exchange.reply.tool_calls():
            result = self._handle_tool_execution(
                function_name=call["function"]["name"],
                function_args=json.loads(call["function"]["arguments"]),
                available_functions=functions,
                from_task=exchange.request.from_task,
                from_agent=exchange.request.from_agent,
            )
            if result is not None:
                return result
        return self._finish_text(exchange)

    def _emit_completed(self, exchange: _Exchange, response: object, call_type: LLMCallType) -> None:
        self._emit_call_completed_event(
            response=response,
            call_type=call_type,
            from_task=exchange.request.from_task,
            from_agent=exchange.request.from_agent,
            messages=exchange.messages,
            usage=exchange.usage(),
            finish_reason="tool_calls" if exchange.reply.tool_calls() else "stop",
            response_id=exchange.reply.response_id,
        )


def _prompt_tokens(messages: list[LLMMessage]) -> int:
    return _tokens("".join(str(message.get("content") or "") for message in messages))


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
