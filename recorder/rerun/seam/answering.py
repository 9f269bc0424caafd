"""One recorded LLM call, played: the events that its provider emitted, and what it returned or raised.

Events are CrewAI's own classes; of `BaseLLM` what is meant for authors of providers is used.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from crewai.events.event_bus import crewai_event_bus
from crewai.events.types.llm_events import (
    LLMCallCompletedEvent,
    LLMCallFailedEvent,
    LLMCallStartedEvent,
    LLMCallType,
    LLMEventBase,
    LLMStreamChunkEvent,
    LLMThinkingChunkEvent,
)
from crewai.hooks.dispatch import HookAborted
from crewai.hooks.llm_hooks import model_call_hooks_already_dispatched
from crewai.llms.base_llm import BaseLLM, LLMCallBlockedError, get_current_call_id
from crewai.utilities.serialization import to_serializable
from pydantic import BaseModel

from otelstream.frame import FrameLike
from recorder.rerun.calls import RecordedCall
from recorder.rerun.seam.answers import answer_of, as_emitted, unfinished
from recorder.rerun.serving import Serving

_FORMATTING: Final = tuple(f"crewai.llms.providers.{name}." for name in ("anthropic", "bedrock", "gemini"))
"""Where messages get a form of their own before they are sent, in which nobody can compare them."""

_ENDS: Final = frozenset(("llm_call_completed", "llm_call_failed"))


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a call."""

    messages: Any
    tools: Any = None
    callbacks: Any = None
    available_functions: Any = None
    from_task: Any = None
    from_agent: Any = None
    response_model: Any = None

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
        """Return the arguments of a call, in the order and by the names of `BaseLLM.call`."""
        names = cls.__dataclass_fields__
        given = {name: value for name, value in kwargs.items() if name in names}
        return cls(**{**dict(zip(names, args, strict=False)), **given})


def started_event(llm: BaseLLM, asked: Asked) -> LLMCallStartedEvent:
    """Return the event that `BaseLLM._emit_call_started_event` emits, which emits it at once."""
    messages: Any = to_serializable(asked.messages)
    tools: Any = to_serializable(asked.tools)
    return LLMCallStartedEvent(
        messages=messages,
        tools=tools,
        callbacks=asked.callbacks,
        available_functions=asked.available_functions,
        from_task=asked.from_task,
        from_agent=asked.from_agent,
        model=llm.model,
        call_id=get_current_call_id(),
        temperature=llm.temperature,
        top_p=llm.top_p,
        max_tokens=llm._effective_max_tokens(),
        stream=llm._effective_stream(),
        seed=llm.seed,
        stop_sequences=llm.stop_sequences or None,
        frequency_penalty=llm.frequency_penalty,
        presence_penalty=llm.presence_penalty,
        n=llm.n,
    )


class Answer:
    """One recorded call, played.

    Args:
        serving: The re-execution.
        llm: The model that is asked.
        asked: What it is asked.
        recorded: The call that answers.
    """

    def __init__(self, serving: Serving, llm: BaseLLM, asked: Asked, recorded: RecordedCall) -> None:
        self._serving, self._llm, self._asked, self._recorded = serving, llm, asked, recorded
        self._steps = deque(recorded.steps)
        self._messages: list[Any] = []

    def give(self) -> Any:  # noqa: ANN401  BaseLLM's
        """Emit what was emitted, and return or raise what was returned or raised."""
        self._ask_hooks()
        failed = False
        while self._steps:
            step = self._steps.popleft()
            if step.type == "tool_usage_started":
                result = self._tool(step)
                if result is not None:
                    return result
            elif step.type == "llm_call_completed":
                return self._completed(step)
            else:
                failed = step.type == "llm_call_failed"
                self._emit(step)
        if not failed:
            raise self._serving.stop(unfinished(self._recorded))
        raise self._serving.served.failures.of_model(self._recorded)

    def _ask_hooks(self) -> None:
        if model_call_hooks_already_dispatched():  # by the agent, whose messages came with the call
            return
        try:
            self._messages = _formatted(self._llm, self._asked.messages)
            before = self._as_frame()
            self._llm._invoke_before_llm_call_hooks(self._messages, self._asked.from_agent)
            if not type(self._llm).__module__.startswith(_FORMATTING):
                self._serving.check_messages(self._recorded, before, self._as_frame())
        except (HookAborted, LLMCallBlockedError) as denial:
            self._emit_failures()
            if not any(step.type == "llm_call_failed" for step in self._recorded.steps):
                self._llm._emit_call_denied_event(denial, self._asked.from_task, self._asked.from_agent)
            raise
        except Exception:  # messages that no provider takes, or a hook that failed
            self._emit_failures()
            raise

    def _as_frame(self) -> Any:  # noqa: ANN401  JSON
        messages: Any = to_serializable(self._messages)
        shown: Any = LLMCallCompletedEvent(
            messages=messages, response=None, call_type=LLMCallType.LLM_CALL, call_id=""
        ).to_json()
        return shown["messages"]

    def _completed(self, step: FrameLike) -> Any:  # noqa: ANN401  BaseLLM's
        usage = as_emitted(step.data.get("usage"))
        if isinstance(usage, dict):
            self._llm._track_token_usage_internal(usage)
        self._emit(step)
        model = self._asked.response_model or getattr(self._llm, "response_format", None)
        model = model if isinstance(model, type) and issubclass(model, BaseModel) else None
        answer = answer_of(step.data, model, as_text=self._llm.is_litellm)
        if not isinstance(answer, str) or step.data.get("call_type") == "tool_call":
            return answer
        try:
            return self._llm._invoke_after_llm_call_hooks(self._messages, answer, self._asked.from_agent)
        except Exception:
            self._emit_failures()
            raise

    def _tool(self, step: FrameLike) -> Any:  # noqa: ANN401  a tool's
        """Run a tool that the model runs itself; whether its body runs is for the tool's stand-in to say."""
        asked = self._asked
        result = self._llm._handle_tool_execution(
            function_name=str(step.data.get("tool_name")),
            function_args=as_emitted(step.data.get("tool_args")) or {},
            available_functions=asked.available_functions or {},
            from_task=asked.from_task,
            from_agent=asked.from_agent,
        )
        if self._steps and self._steps[0].type in _ENDS:
            self._steps.popleft()  # emitted with it
        return result

    def _emit_failures(self) -> None:
        for step in self._recorded.steps:
            if step.type == "llm_call_failed":
                self._emit(step)

    def _emit(self, step: FrameLike) -> None:
        make = _EVENTS.get(step.type)
        if make is not None:
            about = {
                "from_task": self._asked.from_task,
                "from_agent": self._asked.from_agent,
                "call_id": get_current_call_id(),
                "model": step.data.get("model"),
            }
            event: LLMEventBase = make[0](
                **about, **{name: as_emitted(step.data.get(name)) for name in make[1]}
            )
            crewai_event_bus.emit(self._llm, event=event)


_EVENTS: Final[dict[str, tuple[type[LLMEventBase], tuple[str, ...]]]] = {
    "llm_stream_chunk": (LLMStreamChunkEvent, ("chunk", "tool_call", "call_type", "response_id")),
    "llm_thinking_chunk": (LLMThinkingChunkEvent, ("chunk", "response_id")),
    "llm_call_completed": (
        LLMCallCompletedEvent,
        ("messages", "response", "call_type", "usage", "finish_reason", "response_id"),
    ),
    "llm_call_failed": (LLMCallFailedEvent, ("error",)),
}
"""Frame type → the event that it came from, and the fields that are its own."""


def _formatted(llm: BaseLLM, messages: Any) -> list[Any]:  # noqa: ANN401  BaseLLM's
    if isinstance(messages, list) and any("files" in message for message in messages):
        return [dict(message) for message in messages]  # formatting might upload them
    return list(llm._format_messages(messages))
