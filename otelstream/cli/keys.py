"""Keys of a terminal as they are pressed, without Enter; the terminal is left as it was, however one leaves.

Where standard input and output are no terminal, or the terminal is another job's, nothing is read.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Final, Protocol

from typing_extensions import Self

from otelstream.cli.terminal import wait_for_reader

if sys.platform != "win32":
    import termios
    import tty

_KEY: Final = re.compile(rb"\x1b(?:[\[O][0-9;]*[@-~])?|.", re.DOTALL)


class Keys(Protocol):
    """Where keys come from."""

    def wait(self, seconds: float) -> list[bytes]:
        """Return the keys that were pressed, at the latest after so many seconds.

        Raises:
            BrokenPipeError: Nobody reads the output any more.
        """


class NoKeys:
    """No terminal: none comes."""

    def wait(self, seconds: float) -> list[bytes]:
        """Wait so many seconds, or until nobody reads the output any more."""
        wait_for_reader(seconds)
        return []


class TerminalKeys:
    """The keys that are pressed on a terminal, between `with` and its end.

    Args:
        terminal: Its file descriptor.

    Attributes:
        standing: What is entered while the job is stopped by Ctrl-Z.
    """

    def __init__(self, terminal: int) -> None:
        self.standing: Callable[[], AbstractContextManager[object]] = nullcontext
        self._terminal = terminal
        self._modes = termios.tcgetattr(terminal)
        self._is_set = False

    def __enter__(self) -> Self:
        self._take()
        if _is_main() and signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            signal.signal(signal.SIGTSTP, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        if _is_main() and signal.getsignal(signal.SIGTSTP) == self._stop:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    def wait(self, seconds: float) -> list[bytes]:
        """Return the keys that were pressed, at the latest after so many seconds.

        A terminal that is gone is as if `q` were pressed.
        """
        if not self._take():
            wait_for_reader(seconds)
            return []
        readable, _, _ = select.select([self._terminal], [], [], seconds)
        if not readable:
            return []
        try:
            typed = os.read(self._terminal, 1024)
        except OSError:
            typed = b""
        return _KEY.findall(typed) or [b"q"]

    def _take(self) -> bool:
        """Have keys come at once and unseen; return False while the terminal is another job's."""
        if not _is_ours(self._terminal):
            return False
        if not self._is_set:
            tty.setcbreak(self._terminal, termios.TCSADRAIN)
            self._is_set = True
        return True

    def _give_back(self) -> None:
        if self._is_set:
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._modes)
            self._is_set = False

    def _stop(self, number: int, _: FrameType | None) -> None:
        """Stop as by the signal's own action, with the terminal as it was, and go on some time later."""
        with self.standing():
            self._give_back()
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_kill(threading.get_ident(), number)
            signal.signal(number, self._stop)


def terminal_of_keys() -> int | None:
    """Return the file descriptor of the terminal that standard input and output are, None without one."""
    try:
        is_one = sys.platform != "win32" and sys.stdin.isatty() and sys.stdout.isatty()
        return sys.stdin.fileno() if is_one else None
    except (AttributeError, OSError, ValueError):  # closed, or no file
        return None


def _is_ours(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True  # it controls no job


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
