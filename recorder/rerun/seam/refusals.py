"""What leaves the process, or asks a person, and is in no recording: refused in one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from otelstream.errors import RerunError
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.seam.patches import Wrap

MEMORY: Final = "memory cannot be served from a recording, which holds no stored memories"
KNOWLEDGE: Final = "knowledge cannot be served from a recording, which holds no documents"
EMBEDDINGS: Final = "embeddings cannot be served from a recording, which holds no vectors"
HUMAN: Final = "human input cannot be served from a recording"
A2A: Final = "a remote agent (A2A) cannot be served from a recording"
INSTRUCTOR: Final = (
    "an answer by way of Instructor cannot be served from a recording, which has no frame of it"
)
MCP: Final = "the tools of an MCP server cannot be listed from a recording"

_ADVICE: Final = "; leave it out of the run, or use on_miss='live'."

ROWS: Final[tuple[tuple[str, str, tuple[str, ...], str], ...]] = (
    (
        "crewai.memory.unified_memory",
        "Memory",
        ("remember", "remember_many", "recall", "extract_memories"),
        MEMORY,
    ),
    (
        "crewai.knowledge.knowledge",
        "Knowledge",
        ("query", "aquery", "add_sources", "aadd_sources"),
        KNOWLEDGE,
    ),
    (
        "crewai.rag.embeddings.factory",
        "",
        ("build_embedder_from_dict", "build_embedder_from_provider"),
        EMBEDDINGS,
    ),
    (
        "crewai.core.providers.human_input",
        "SyncHumanInputProvider",
        ("_prompt_input", "_prompt_input_async"),
        HUMAN,
    ),
    ("crewai.flow.runtime", "Flow", ("_run_human_feedback_step", "ask"), HUMAN),
    ("crewai.hooks.llm_hooks", "LLMCallHookContext", ("request_human_input",), HUMAN),
    ("crewai.hooks.tool_hooks", "ToolCallHookContext", ("request_human_input",), HUMAN),
    ("crewai.agent.core", "Agent", ("get_mcp_tools",), MCP),
    ("crewai.utilities.internal_instructor", "InternalInstructor", ("__init__",), INSTRUCTOR),
    ("crewai.a2a.utils.delegation", "", ("aexecute_a2a_delegation",), A2A),
)
"""Module, class or nothing, functions, and what to say of them."""


def refusing(what: str) -> Wrap:
    """Return what makes the stand-in for a function that cannot be served."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def refuse(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  CrewAI's
            _check(what)
            return original(*args, **kwargs)

        @wraps(original)
        async def refuse_async(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  CrewAI's
            _check(what)
            return await original(*args, **kwargs)

        return refuse_async if inspect.iscoroutinefunction(original) else refuse

    return wrap


def _check(what: str) -> None:
    serving = ACTIVE.get()
    if serving is None:
        return
    serves_models = serving.serves("llm")  # raises if the run was stopped
    if what is INSTRUCTOR and not serves_models:
        return
    if serving.served.on_miss == "error":
        raise serving.stop(RerunError(f"{what[0].upper()}{what[1:]}{_ADVICE}"))
    serving.count_live()
