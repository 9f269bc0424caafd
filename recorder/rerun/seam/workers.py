"""Threads and tasks of CrewAI's end by themselves when a run is stopped, so that nobody waits for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import wraps
from types import ModuleType, SimpleNamespace
from typing import Any

from otelstream.errors import RerunError
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.serving import Serving
from recorder.rerun.stop import RunStopped


def raising_in_streams(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the stand-in for `create_frame_generator`: what stopped the run is raised by the stream."""

    @wraps(original)
    def create(state: Any, run: Callable[[], Any], output: Any) -> Any:  # noqa: ANN401  CrewAI's
        serving = ACTIVE.get()

        def run_to_end() -> Any:  # noqa: ANN401  CrewAI's
            _check(serving)
            try:
                return run()
            except RunStopped as stopped:
                raise stopped.error from None

        return original(state, run_to_end, output)

    return create


def raising_in_async_streams(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the stand-in for `create_async_frame_generator`, as above."""

    @wraps(original)
    def create(state: Any, run: Callable[[], Awaitable[Any]], output: Any) -> Any:  # noqa: ANN401  CrewAI's
        serving = ACTIVE.get()

        async def run_to_end() -> Any:  # noqa: ANN401  CrewAI's
            _check(serving)
            try:
                return await run()
            except RunStopped as stopped:
                raise stopped.error from None

        return original(state, run_to_end, output)

    return create


def ending_threads(original: ModuleType) -> SimpleNamespace:
    """Return the stand-in for a module's `threading`, whose threads end as if they were done when stopped.

    A stream may have been made before the re-execution, and then only its thread is begun in it. What
    stopped the run is remembered, and raised where the block is left.
    """

    class EndingThread(original.Thread):  # type: ignore[misc, name-defined]  # of whatever stands there now
        def run(self) -> None:
            with suppress(RunStopped):
                super().run()

    return SimpleNamespace(**{**vars(original), "Thread": EndingThread})


def ending_tasks(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the stand-in for `Task._execute_task_async`, whose future would never be done."""

    @wraps(original)
    def execute(task: Any, agent: Any, context: Any, tools: Any, future: Future[Any]) -> None:  # noqa: ANN401  CrewAI's
        try:
            original(task, agent, context, tools, future)
        except RunStopped as stopped:
            future.set_exception(stopped)

    return execute


def _check(serving: Serving | None) -> None:
    # CrewAI starts a run when its stream is first asked for a frame, which would be a run for real by then.
    if serving is not None and serving.closed:
        raise RerunError(
            "The stream was made in a re-execution that is over; consume it inside of its `with` block."
        )
