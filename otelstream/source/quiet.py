"""A CrewAI program that is run by ours: it sends nothing about itself, asks nothing, and prints elsewhere."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Final

from otelstream.errors import EntryPointError

QUIET: Final[Mapping[str, str]] = {
    # crewai_core.telemetry: anonymous usage spans for CrewAI's collector. (OTEL_SDK_DISABLED would stop them
    # too, and our own export with them.)
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    # crewai.execution: traces for CrewAI's platform, sent with the user's saved login where there is one.
    "CREWAI_TRACING_ENABLED": "false",
    # crewai.events.listeners.tracing.utils: a first run collects a trace and asks, for 20 s, to share it.
    "CREWAI_TESTING": "true",
    # crewai.events.utils.console_formatter: a verbose crew asks PyPI for a newer version.
    "CREWAI_DISABLE_VERSION_CHECK": "true",
}
"""Variables under which CrewAI runs quietly."""


@contextmanager
def quiet_program() -> Iterator[None]:
    """Run a program quietly: what it prints goes to standard error, and what CrewAI stores is removed again.

    Raises:
        EntryPointError: CrewAI is not installed.
    """
    try:
        from crewai_core.printer import set_suppress_console_output
    except ModuleNotFoundError:
        raise EntryPointError(
            "a program of CrewAI's cannot be run without CrewAI; pip install 'otelstream[crewai]'."
        ) from None
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="otelstream-", ignore_cleanup_errors=True)
        )
        before = dict(os.environ)
        stack.callback(_restore, before)
        os.environ.update(QUIET, CREWAI_STORAGE_DIR=folder)
        stack.enter_context(redirect_stdout(sys.stderr))
        set_suppress_console_output(True)
        yield


def _restore(before: Mapping[str, str]) -> None:
    for name in (*QUIET, "CREWAI_STORAGE_DIR"):
        os.environ.pop(name, None)
        if name in before:
            os.environ[name] = before[name]
