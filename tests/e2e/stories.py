"""Runs written down as a person would tell them: a crew, an agent in it, its calls, tools and guardrails.

Frames are chained and dated as the runtime does it. Chance comes from a seed: the same seed is the same run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from otelstream.frame import StreamFrame
from otelstream.testing import Script

MODELS: Final = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash")
TOOLS: Final = ("search_web", "read_page", "run_sql", "lookup_fact")
KB: Final = 1_000

_WORDS: Final = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "wizards",
    "measure",
)


class RunError(Exception):
    """What a scripted run fails with; its scopes fail with it, from the inside out."""


class Story:
    """One run, told scope by scope; what it holds is drawn from its seed.

    Args:
        seed: Where chance comes from.
    """

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._script = Script(step_ms=0.4)
        self._calls = 0

    @property
    def frames(self) -> list[StreamFrame]:
        """All frames so far, those of its branches too."""
        return self._script.frames

    @contextmanager
    def flow(self, name: str) -> Iterator[None]:
        """A flow around what follows."""
        with self._scope("flow_started", "flow_finished", "flow_failed", flow_name=name):
            yield

    @contextmanager
    def method(self, name: str, flow: str) -> Iterator[None]:
        """A method of a flow around what follows."""
        types = (f"method_execution_{what}" for what in ("started", "finished", "failed"))
        with self._scope(*types, flow_name=flow, method_name=name):
            yield

    @contextmanager
    def crew(self, name: str) -> Iterator[None]:
        """A crew around what follows."""
        types = (f"crew_kickoff_{what}" for what in ("started", "completed", "failed"))
        with self._scope(*types, crew_name=name):
            yield

    @contextmanager
    def agent(self, role: str, task: str, model: str = MODELS[0]) -> Iterator[None]:
        """A task and the agent that does it around what follows."""
        llm = {
            "model": model,
            "api_key": "sk-not-a-real-key-of-anybody",
            "base_url": "https://llm.example/v1",
        }
        agent = {"id": f"agent-{role}", "role": role, "goal": self.text(3 * KB), "llm": llm, "tools": []}
        tasks = {"task": {"name": task, "description": self.text(2 * KB)}, "task_id": f"task-{task}"}
        with (
            self._scope("task_started", "task_completed", "task_failed", **tasks),
            self._scope(
                "agent_execution_started", "agent_execution_completed", "agent_execution_error", agent=agent
            ),
        ):
            yield

    @contextmanager
    def turn(self, conversation: str) -> Iterator[None]:
        """A turn of a chat around what follows."""
        # To the runtime it is no scope: no frame names it as its parent.
        told = {"flow_name": "SupportChat", "session_id": conversation}
        self._script.emit("conversation_turn_started", **told)
        yield
        self._script.emit("conversation_turn_completed", **told)

    def chat(
        self, model: str = MODELS[0], *, chunks: int = 20, prompt_bytes: int = KB, stall_ms: float = 0
    ) -> None:
        """Call a model: a prompt, a wait for the first token, an answer in pieces, its usage."""
        call = self._started(model, prompt_bytes)
        for number in range(chunks):
            self._script.wait(stall_ms if number == chunks // 2 else self._draw.uniform(2, 30))
            self._script.emit(
                "llm_stream_chunk", chunk=f"{self._draw.choice(_WORDS)} ", call_type="llm_call", **call
            )
        usage = {"prompt_tokens": prompt_bytes // 4, "completion_tokens": max(chunks, 1)}
        self._script.end(
            "llm_call_completed",
            model=model,
            usage=usage,
            finish_reason="stop",
            response=self.text(5 * chunks),
            **call,
        )

    def failing_chat(self, error: str, model: str = MODELS[0]) -> None:
        """Call a model that answers with an error.

        Raises:
            RunError: Always, with the error's text.
        """
        call = self._started(model, KB)
        self._script.end("llm_call_failed", model=model, error=error, **call)
        raise RunError(error)

    def tool(self, name: str, *, attempt: int = 1, error: str = "", output_bytes: int = 200) -> None:
        """Execute a tool, which takes its time and then answers or fails."""
        call = {"tool_name": name, "tool_args": {"query": self.text(40)}, "run_attempts": attempt}
        self._script.start("tool_usage_started", **call)
        self._script.wait(self._draw.lognormvariate(5, 1))
        if error:
            self._script.end("tool_usage_error", error=error, **call)
        else:
            self._script.end("tool_usage_finished", output=self.text(output_bytes), from_cache=False, **call)

    def guardrail(self, *, attempt: int, success: bool) -> None:
        """Let a guardrail judge what an agent said."""
        guard = {"guardrail_type": "LLMGuardrail", "retry_count": attempt}
        self._script.start("llm_guardrail_started", **guard)
        self._script.wait(self._draw.uniform(1, 5))
        self._script.end("llm_guardrail_completed", success=success, result=self.text(100), **guard)

    def fork(self) -> Story:
        """Return a parallel branch that starts here: it has scopes of its own, and draws on its own."""
        branch = Story(self._draw.randrange(2**32))
        branch._script = self._script.fork()
        branch._calls = 1_000 * self._draw.randrange(1, 10**6)
        return branch

    def text(self, size: int) -> str:
        """Return words that have about that many characters."""
        line = " ".join(self._draw.choices(_WORDS, k=50)) + ". "
        return (line * (size // len(line) + 1))[:size]

    def _started(self, model: str, prompt_bytes: int) -> dict[str, str]:
        self._calls += 1
        call = {"call_id": f"call-{self._calls}"}
        messages = [
            {"role": "system", "content": "You are careful and calm."},
            {"role": "user", "content": self.text(prompt_bytes)},
        ]
        self._script.start("llm_call_started", model=model, messages=messages, stream=True, **call)
        self._script.wait(self._draw.lognormvariate(6, 0.7))  # 400 ms, more or less
        return call

    @contextmanager
    def _scope(self, start: str, end: str, failed: str, **data: Any) -> Iterator[None]:  # noqa: ANN401  payloads
        self._script.start(start, **data)
        try:
            yield
        except RunError as error:
            self._script.end(failed, error=str(error), **data)
            raise
        self._script.end(end, **data)
