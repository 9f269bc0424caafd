"""Settings under which CrewAI runs quietly: nothing sent, nothing asked, nothing printed."""

from __future__ import annotations

import os
from importlib.metadata import version

from otelstream.source.quiet import QUIET


def quiet_environment() -> None:
    """Make CrewAI quiet in this process; call it before the first import of CrewAI.

    Variables that are already set keep their value. CrewAI keeps its files (the outputs of the last tasks) in
    `~/.cache/otelstream-demo`, and its panels stay away in the current context and those copied from it.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("CREWAI_STORAGE_DIR", _storage_directory())
    # Flows print their panels whether verbose or not; only this context variable stops them.
    from crewai_core.printer import set_suppress_console_output

    set_suppress_console_output(True)


def _storage_directory() -> str:
    # crewai_core.paths: without it, the files go to a folder named like the working directory. It must be
    # absolute, because crewai.memory.storage.lancedb_storage takes a relative one from the working directory,
    # and no two releases share one, because an older release cannot read a newer one's file.
    return os.path.expanduser(f"~/.cache/otelstream-demo/crewai-{version('crewai')}")
