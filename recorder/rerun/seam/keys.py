"""Models of CrewAI's providers without a key and without a question to their servers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from crewai.llms.base_llm import BaseLLM

from recorder.rerun.seam.context import ACTIVE

PROVIDERS: Final = "crewai.llms.providers."
_KEYLESS: Final = "crewai.llms.providers.bedrock."

_estimate: Final = BaseLLM.get_input_tokens_count  # before anything stands in for it

DUMMY_KEY: Final = "sk-recorder-rerun-needs-no-key-000000000000"
"""What a model of a provider gets that was made without a key; it is never sent."""


def with_dummy_key(original: Callable[..., None]) -> Callable[..., None]:
    """Return the stand-in for `BaseLLM.__init__`."""

    @wraps(original)
    def init(llm: BaseLLM, /, **data: Any) -> None:  # noqa: ANN401  pydantic's
        module = type(llm).__module__
        serves = _serves_models() and module.startswith(PROVIDERS) and not module.startswith(_KEYLESS)
        if not serves or data.get("api_key"):
            original(llm, **data)
            return
        try:
            original(llm, **data)
        except ValueError:  # some cannot be made without, others only cannot ask
            original(llm, **{**data, "api_key": DUMMY_KEY})
        if llm.api_key is None:
            llm.api_key = DUMMY_KEY

    # By this pydantic knows that a class has no `__init__` of its own.
    init.__pydantic_base_init__ = True  # type: ignore[attr-defined]
    return init


def estimating(original: Callable[..., int]) -> Callable[..., int]:
    """Return the stand-in for `get_input_tokens_count`, for which providers ask their servers."""

    @wraps(original)
    def count(llm: BaseLLM, messages: Any, tools: Any = None, response_model: Any = None) -> int:  # noqa: ANN401  BaseLLM's
        if not (_serves_models() and type(llm).__module__.startswith(PROVIDERS)):
            return original(llm, messages, tools, response_model)
        return _estimate(llm, messages, tools, response_model)

    return count


def _serves_models() -> bool:
    serving = ACTIVE.get()
    return serving is not None and not serving.closed and "llm" in serving.served.kinds
