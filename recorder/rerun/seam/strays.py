"""Threads that are begun in a re-execution without its context: what they ask is in no recording.

Neither `threading.Thread` nor an executor hands its context on. Such threads are only remembered here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Final
from weakref import WeakKeyDictionary

from otelstream.errors import RerunError
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.serving import Serving

_begun: Final[WeakKeyDictionary[threading.Thread, Serving]] = WeakKeyDictionary()


def remembering(original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Return the stand-in for `Thread.start`, which remembers in which re-execution a thread was begun."""

    @wraps(original)
    def start(thread: threading.Thread) -> None:
        serving = ACTIVE.get()
        if serving is not None:
            _begun[thread] = serving
        original(thread)

    return start


def refuse_strays() -> None:
    """Stop the re-execution in which this thread was begun, if models may not be asked for real in it.

    Raises:
        RunStopped: They may not.
    """
    serving = _begun.get(threading.current_thread())
    if serving is None or not serving.serves("llm"):
        return
    if serving.served.on_miss == "error":
        raise serving.stop(
            RerunError(
                f"A model is asked in the thread {threading.current_thread().name}, which does not carry the"
                " context of the run, so no recording has its calls; begin its work with"
                " contextvars.copy_context().run or asyncio.to_thread, record again, or use on_miss='live'."
            )
        )
    serving.count_live()
