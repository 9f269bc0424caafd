"""The one catch-all: what goes wrong in a stage is counted, said once, and never reaches the program."""

from __future__ import annotations

from collections.abc import Callable

from otelstream.bridge.counters import Losses, Reason


class Attempts:
    """Runs steps that may fail.

    Args:
        losses: Where failures are counted.
    """

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    def __call__(self, reason: Reason, lost: int, step: Callable[[], object]) -> bool:
        """Run a step; return whether it succeeded. If it raises, what it cost is counted.

        Args:
            reason: Which count its loss adds to.
            lost: How many frames (for `export`: spans) are lost if it fails.
            step: The step.
        """
        try:
            step()
        except BaseException as error:  # noqa: BLE001  not even `sys.exit` of a user's function may end our thread
            self._losses.failed(reason, lost, error)
            return False
        return True
