"""Which re-execution the current context belongs to; threads and tasks inherit it with their context."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from recorder.rerun.serving import Serving

ACTIVE: Final[ContextVar[Serving | None]] = ContextVar("recorder_rerun", default=None)
