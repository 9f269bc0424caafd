"""How a re-execution is stopped: no handler of the program or of CrewAI may take it for a failure to survive."""

from __future__ import annotations

from otelstream.errors import RerunError


class RunStopped(BaseException):  # noqa: N818  it ends a run and is no error that a program should handle
    """Passes through every `except Exception`, as agents swallow those of their tools and ask again.

    Args:
        error: What is raised when the `with` block of the re-execution is left.
    """

    def __init__(self, error: RerunError) -> None:
        super().__init__(str(error))
        self.error = error
