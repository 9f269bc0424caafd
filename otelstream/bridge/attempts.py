"""The one catch-all: what goes wrong in a stage is counted, said once, and never reaches the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from otelstream.bridge.counters import Losses, Reason

T = TypeVar("T")


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

    def say(self, sentence: str, cause: str) -> None:
        """Log a sentence, once for each cause: nothing is lost yet."""
        self._losses.say(sentence, cause)

    def each(
        self,
        reason: Reason,
        items: Iterable[T],
        step: Callable[[T], object],
        failed: Callable[[], object] = int,
    ) -> None:
        """Run a step for every item. Each for which it raises counts as one frame lost.

        Args:
            reason: Which count their loss adds to.
            items: The items; one that fails does not keep the next ones from their turn.
            step: The step.
            failed: Called after each failure, before the next item has its turn; must not raise.
        """
        remaining = iter(items)
        while True:
            try:
                for item in remaining:
                    step(item)
            except BaseException as error:  # noqa: BLE001, PERF203  as above; once per failure, not per item
                self._losses.failed(reason, 1, error)
                failed()
            else:
                return
