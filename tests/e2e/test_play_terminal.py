"""`otelstream play` on a real terminal: keys, and a terminal that is left as it was."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.contract.programs import frame
from tests.e2e.terminal import AT_REST, OnTerminal, on_terminal
from tests.recorder.recordings import writing
from tests.recorder.timing import SECOND, record_at

UNSEEN = (False, False)
"""The modes in which keys come at once and are not echoed."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A recording of a run whose frames come once an hour, the first at once, and of one that failed."""
    path = tmp_path_factory.mktemp("play") / "slow.duckdb"
    types = ("flow_started", "tool_usage_started", "tool_usage_finished", "flow_finished")
    with writing(path) as writer:
        arrivals = [
            (number * 3_600 * SECOND, frame(number, type=each, data={"flow_name": f"Flow{number}"}))
            for number, each in enumerate(types)
        ]
        record_at(writer, 1, arrivals[:1], "failed")
        record_at(writer, 2, arrivals)
    return str(path)


def test_it_is_paused_and_goes_on(slow: str) -> None:
    """While it stands no frame comes, at whatever rate; then they come again."""
    with on_terminal("play", slow, "--rate", "1000", "--start-paused") as command:
        command.wait_for("paused at the start")
        command.wait_for("quit)\n")
        was_silent = command.is_silent(0.5)
        command.press(b"+" * 12)
        command.wait_for("rate 1024\n" * 12)
        command.press(b" ")
        command.wait_for("Flow0\n")
        command.press(b" ")
        command.wait_for("paused at 0.000s, frame 0")
        command.press(b" ")
        before = command.wait_for("Flow1")

    assert (was_silent, before.splitlines()[1]) == (True, "going on")


def test_steps_and_skips(slow: str) -> None:
    """One key is one frame, while it stands and while it runs; the session ends when there is none left."""
    with on_terminal("play", slow, "--start-paused") as command:
        command.wait_for("quit)\n")
        command.press(b".")
        command.wait_for("Flow0\n")
        was_silent = command.is_silent(0.5)
        command.press(b"s")
        command.wait_for("Flow1\n")
        command.press(b" ")
        command.wait_for("going on\n")
        command.press(b"\x1b[Cxn")
        code, rest = command.end()

    assert (was_silent, code, rest.splitlines()) == (
        True,
        0,
        [
            " 7200.000s      2  tool_usage_finished         Flow2",
            "10800.000s      3  flow_finished               Flow3",
            "completed, 4 frames, result: 'done'",
        ],
    )


def test_quitting(slow: str) -> None:
    """The rest is not played, and the terminal is as it was before."""
    with on_terminal("play", slow) as command:
        command.wait_for("Flow0\n")
        modes = command.modes()
        command.press(b"q")
        code, rest = command.end()

        assert (modes, code, rest, command.modes()) == (
            UNSEEN,
            0,
            "stopped, 1 frames, result: 'done'\n",
            AT_REST,
        )


@pytest.mark.parametrize(
    ("end", "code", "told"),
    [
        (lambda command: command.press(b"\x03"), 130, "otelstream: interrupted\n"),
        (lambda command: command.send(signal.SIGTERM), 143, ""),
    ],
    ids=["ctrl-c", "sigterm"],
)
def test_being_ended(end: Callable[[OnTerminal], None], code: int, told: str, slow: str) -> None:
    """However it is ended in the middle of a gap, the terminal is as it was before."""
    with on_terminal("play", slow) as command:
        command.wait_for("Flow0\n")
        end(command)

        assert (command.end(), command.modes()) == ((code, told), AT_REST)


def test_a_failed_run_leaves_the_terminal_as_it_was(slow: str) -> None:
    """Its exception is told, and the exit code is 1."""
    with on_terminal("play", slow, "-s", "0") as command:
        code, printed = command.end()

        assert (code, printed.splitlines()[-1], command.modes()) == (
            1,
            "otelstream: the run failed: ValueError: boom",
            AT_REST,
        )


def test_a_job_that_is_stopped(slow: str) -> None:
    """Ctrl-Z gives the terminal back as it was; no time passes until the job goes on, and keys come again."""
    with on_terminal("play", slow, "--rate", "720") as command:  # five seconds between frames
        command.wait_for("Flow0\n")
        command.press(b"\x1a")
        command.wait_for("stopped\n")
        modes = [command.modes()]
        was_silent = command.is_silent(6)
        command.press(b"\n")
        is_echoed = command.wait_for("\n")
        was_silent = was_silent and command.is_silent(1)
        modes.append(command.modes())
        command.press(b"q")

        assert (was_silent, is_echoed, modes, command.end()[0]) == (True, "", [AT_REST, UNSEEN], 0)
