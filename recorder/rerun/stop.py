"""How a re-execution is stopped: nobody may take that for a failure that a run survives."""

from __future__ import annotations

from otelstream.errors import RerunError


class RunStopped(BaseException):
    """Passes through every `except Exception`, as agents swallow those of their tools and ask again.

    Args:
        error: What is raised when the `with` block of the re-execution is left.
    """

    def __init__(self, error: RerunError) -> None:
        super().__init__(str(error))
        self.error = error
