"""A command on a terminal of its own, whose keys the test presses and whose modes it can see."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.e2e.runs import environment

AT_REST: Final = (True, True)
"""The modes of a terminal whose lines are edited and whose keys are echoed."""

PATIENCE_S: Final = 60.0
_JOB: Final = Path(__file__).parent / "programs" / "job.py"
_STYLES: Final = re.compile(r"\x1b\[[0-9;]*m")


class OnTerminal:
    """A command, run by a shell on a terminal, and the other end of that terminal.

    Args:
        shell: The shell.
        terminal: The end that the test reads and types into.
    """

    def __init__(self, shell: subprocess.Popen[bytes], terminal: int) -> None:
        self._shell = shell
        self._terminal = terminal
        self._output = ""
        self.wait_for("job ")
        self.pid = int(self.wait_for("\n"))

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._terminal, keys)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        os.kill(self.pid, number)

    def wait_for(self, text: str) -> str:
        """Wait until a text is printed; return what was printed before it, since the last time."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self._output:
            assert time.monotonic() < deadline, f"{text!r} does not come, but {self._output!r}"
            self._read(0.1)
        before, _, self._output = self._output.partition(text)
        return before

    def is_silent(self, seconds: float) -> bool:
        """Tell whether it prints nothing more for so long."""
        self._read(seconds)
        return not self._output

    def modes(self) -> tuple[bool, bool]:
        """Whether lines are edited, and whether keys are echoed."""
        local = termios.tcgetattr(self._terminal)[3]
        return bool(local & termios.ICANON), bool(local & termios.ECHO)

    def end(self) -> tuple[int, str]:
        """Wait for its end; return its exit code, and what it printed since the last time."""
        deadline = time.monotonic() + PATIENCE_S
        while self._shell.poll() is None:
            assert time.monotonic() < deadline, f"it does not end; it printed {self._output!r}"
            self._read(0.05)
        self._read(0)
        return self._shell.returncode, self._output

    def kill(self) -> None:
        """End it in any case."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _read(self, seconds: float) -> None:
        while select.select([self._terminal], [], [], seconds)[0]:
            try:
                got = os.read(self._terminal, 65_536)
            except OSError:  # everybody at the other end is gone
                return
            self._output += _STYLES.sub("", got.decode()).replace("\r\n", "\n")
            seconds = 0.0


@contextmanager
def on_terminal(*arguments: str) -> Iterator[OnTerminal]:
    """Run `otelstream` with its standard input, output and error on a terminal that it controls."""
    terminal, other_end = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, str(_JOB), "-m", "otelstream.cli", *arguments],
        env=environment({"TERM": "xterm", "COLUMNS": "200"}),
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    with ExitStack() as stack:
        for end in (terminal, other_end):
            stack.callback(os.close, end)
        stack.callback(shell.wait)
        stack.callback(shell.kill)
        command = OnTerminal(shell, terminal)
        stack.callback(command.kill)
        yield command
