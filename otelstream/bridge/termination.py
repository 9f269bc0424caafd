"""SIGTERM: what was observed is committed and exported before the process ends as it would have ended anyway.

Only where the program leaves the signal to the system: a handler of its own stays, and one that it sets later
replaces ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


class Termination:
    """Flushes once when SIGTERM comes, and then lets the signal end the process.

    Python runs handlers in the main thread, which may be inside a call that takes long. So a thread of ours
    learns of the signal by Python's wakeup descriptor, if nobody else has that, and ends the process itself.

    Args:
        shutdown: Commits and exports; it may take locks that the interrupted thread holds.
        timeout_s: Seconds to wait for it.
    """

    def __init__(self, shutdown: Callable[[], object], timeout_s: float) -> None:
        self._shutdown = shutdown
        self._timeout_s = timeout_s
        self._begun = threading.Lock()
        self._pipe: tuple[int, int] | None = None
        self._watcher = threading.Thread()

    def install(self) -> bool:
        """Handle SIGTERM from now on; return whether that is so.

        It is not where the program handles or ignores the signal, and not outside the main thread, in which
        alone Python sets signal handlers.

        Raises:
            OSError: It is handled, but nobody watches for it, as no descriptors are left.
            RuntimeError: The same, as no thread can be started.
        """
        if threading.current_thread() is not threading.main_thread():
            return False
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return False
        signal.signal(signal.SIGTERM, self._handle)
        self._watch()
        return True

    def uninstall(self) -> None:
        """Let the watching thread end, so that it is not in the way of the interpreter's own end."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None and threading.current_thread() is threading.main_thread():
            _unset_wakeup(pipe[1])
            os.close(pipe[1])
            self._watcher.join(1)

    def forget_after_fork(self) -> None:
        """In a forked child: what wakes the parent must not be written to, and nobody watches here."""
        pipe, self._pipe = self._pipe, None
        self._begun = threading.Lock()
        if pipe is not None and threading.current_thread() is threading.main_thread():
            _unset_wakeup(pipe[1])
            if signal.getsignal(signal.SIGTERM) == self._handle:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)  # its own pipeline installs its own

    def _watch(self) -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        previous = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        if previous != -1:  # an event loop's: it needs it more
            signal.set_wakeup_fd(previous)
            os.close(read)
            os.close(write)
            return
        watcher = threading.Thread(target=self._wait, args=(read,), name="otelstream-sigterm", daemon=True)
        try:
            watcher.start()
        except RuntimeError:
            _unset_wakeup(write)
            os.close(read)
            os.close(write)
            raise
        self._pipe, self._watcher = (read, write), watcher

    def _wait(self, read: int) -> None:
        while numbers := os.read(read, 64):
            if signal.SIGTERM in numbers and signal.getsignal(signal.SIGTERM) == self._handle:
                self._end()
        os.close(read)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        # In a thread of its own: the main thread was interrupted anywhere, maybe with one of our locks held.
        thread = threading.Thread(target=self._end, name="otelstream-sigterm", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads can be had: the one that watches is told too
            thread = self._watcher
        if thread.is_alive():
            thread.join(self._timeout_s)
        _die()

    def _end(self) -> None:
        with self._begun:  # the second to come waits until the first has ended the process
            thread = threading.Thread(target=self._shutdown, name="otelstream-shutdown", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._shutdown()
            else:
                thread.join(self._timeout_s)
            _die()


def _unset_wakeup(descriptor: int) -> None:
    previous = signal.set_wakeup_fd(-1)
    if previous != descriptor:
        signal.set_wakeup_fd(previous)


def _die() -> None:
    # `signal.signal` is for the main thread only, which may not be able to run it.
    ctypes.CDLL(None).signal(signal.SIGTERM, 0)
    os.kill(os.getpid(), signal.SIGTERM)
