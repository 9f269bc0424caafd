"""What stands in for `call` and `acall` of models: asks the recording, and the model if nothing is served."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

from crewai.events.event_bus import crewai_event_bus
from crewai.events.event_context import get_current_parent_id
from crewai.llms.base_llm import BaseLLM, llm_call_context
from crewai.llms.retry import run_with_rate_limit_retry

from recorder.rerun.seam.answering import Answer, Asked, started_event
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.seam.patches import Wrap
from recorder.rerun.seam.strays import refuse_strays
from recorder.rerun.serving import Serving

METHODS: Final = ("call", "acall")

_making: Final[ContextVar[object]] = ContextVar("recorder_rerun_making", default=None)
"""The model that is being asked for real: its class may call that of its base."""


class _NotRecordedError(Exception):
    """The call is to be made."""


def serving_calls(name: str) -> Wrap:
    """Return what makes the stand-in for a model's `call` or `acall`."""
    return _serving_async if name == "acall" else _serving_sync


def _serving_sync(original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @wraps(original)
    def call(llm: BaseLLM, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  BaseLLM's
        serving = ACTIVE.get()
        if serving is None:
            refuse_strays()
        if serving is None or _making.get() is llm:
            return original(llm, *args, **kwargs)
        if serving.serves("llm"):
            try:
                signature.bind(llm, *args, **kwargs)  # what the model does not take is an error here, too
                return _serve(serving, llm, Asked.of(args, kwargs))
            except _NotRecordedError:
                pass
        serving.count_live()
        token = _making.set(llm)
        try:
            return original(llm, *args, **kwargs)
        finally:
            _making.reset(token)

    return call


def _serving_async(original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @wraps(original)
    async def acall(llm: BaseLLM, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  BaseLLM's
        serving = ACTIVE.get()
        if serving is None:
            refuse_strays()
        if serving is None or _making.get() is llm:
            return await original(llm, *args, **kwargs)
        if serving.serves("llm"):
            signature.bind(llm, *args, **kwargs)
            await asyncio.sleep(0)  # parallel branches take turns, as they would at a provider
            try:
                return _serve(serving, llm, Asked.of(args, kwargs))
            except _NotRecordedError:
                pass
        serving.count_live()
        token = _making.set(llm)
        try:
            return await original(llm, *args, **kwargs)
        finally:
            _making.reset(token)

    return acall


def _serve(serving: Serving, llm: BaseLLM, asked: Asked) -> Any:  # noqa: ANN401  BaseLLM's
    # A rate limit is followed by another attempt inside of the same call; only the waiting is left out.
    return run_with_rate_limit_retry(_Attempts(serving, llm, asked), sleep=lambda _: None)


class _Attempts:
    """Answers one call, attempt by attempt, each from a recorded call of its own."""

    def __init__(self, serving: Serving, llm: BaseLLM, asked: Asked) -> None:
        self._serving, self._llm, self._asked = serving, llm, asked
        self._failed: Exception | None = None

    def __call__(self) -> Any:  # noqa: ANN401  BaseLLM's
        with llm_call_context():
            started = started_event(self._llm, self._asked)
            data: Any = started.to_json()
            again = self._failed is not None
            recorded = self._serving.model_call(data, get_current_parent_id(), again=again)
            if recorded is None:
                raise self._failed or _NotRecordedError
            crewai_event_bus.emit(self._llm, event=started)
            try:
                return Answer(self._serving, self._llm, self._asked, recorded).give()
            except Exception as error:
                self._failed = error
                raise
