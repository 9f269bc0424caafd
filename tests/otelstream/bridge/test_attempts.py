"""The one catch-all: a step that raises costs what it says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from otelstream.bridge.attempts import Attempts
from otelstream.bridge.counters import Losses, Reason
from otelstream.errors import RecordingError


def raising(error: BaseException) -> Callable[[], NoReturn]:
    """Return a step that raises the error."""

    def step() -> NoReturn:
        raise error

    return step


def test_a_step_that_succeeds_costs_nothing() -> None:
    """It is run once, whatever it returns, and nothing is counted."""
    losses, ran = Losses(), []
    succeeded = Attempts(losses)("spans", 3, lambda: ran.append("step"))

    assert (succeeded, ran, losses.counts()) == (True, ["step"], {})


@pytest.mark.parametrize("reason", ["spans", "recording", "export", "redaction", "logs", "metrics"])
def test_a_step_that_raises_costs_what_it_says(reason: Reason) -> None:
    """The number given is counted under the reason given."""
    losses = Losses()
    succeeded = Attempts(losses)(reason, 3, raising(ValueError("broken")))

    assert (succeeded, losses.counts()) == (False, {reason: 3})


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), MemoryError()])
def test_not_even_an_exit_gets_out(error: BaseException) -> None:
    """Whatever a function of the user's raises, the background thread goes on."""
    losses = Losses()

    assert (Attempts(losses)("redaction", 1, raising(error)), losses.counts()) == (False, {"redaction": 1})


def test_a_failure_that_costs_nothing_is_said_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    """A step without frames of its own leaves a line in the log."""
    losses = Losses()
    Attempts(losses)("recording", 0, raising(RecordingError("x.duckdb is no recording.")))

    assert (losses.counts(), caplog.messages) == (
        {},
        ["recording failed, the observed run goes on without it: x.duckdb is no recording."],
    )
