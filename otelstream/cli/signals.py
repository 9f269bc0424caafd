"""SIGTERM and SIGHUP in commands that only read: they end as by `sys.exit`, so that their copies are removed.

Commands that record are left to the recording, which ends a process by such a signal in its own way.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGTERM,) if sys.platform == "win32" else (signal.SIGTERM, signal.SIGHUP)
_came: Final[list[int]] = []


def leave_on_signals() -> None:
    """Let the signals end the command, unless somebody has decided otherwise (`nohup`)."""
    _came.clear()
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _leave)


def exit_code_of_signal() -> int | None:
    """Leave the signals to the system again; return the exit code if one has come, as shells have it."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is _leave:
                signal.signal(number, signal.SIG_DFL)
    return 128 + _came[0] if _came else None


def _leave(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # the second one does not wait
    _came.append(number)
    sys.exit(128 + number)
