"""SIGTERM: what was observed is committed and exported before the process ends as it would have ended anyway.

Only where the program leaves the signal to the system: a handler of its own stays, and one that it sets later
replaces ours.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


def flush_on_sigterm(shutdown: Callable[[], object], timeout_s: float) -> bool:
    """Run `shutdown` when SIGTERM comes, then let the signal end the process; return whether that is set up.

    It is not where the program handles or ignores the signal, and not outside the main thread, in which alone
    Python sets signal handlers.

    Args:
        shutdown: Commits and exports; it may take locks that the interrupted thread holds.
        timeout_s: Seconds to wait for it.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False

    def handle(number: int, _: FrameType | None) -> None:
        # In a thread of its own: the main thread was interrupted anywhere, maybe with one of our locks held.
        thread = threading.Thread(target=shutdown, name="otelstream-sigterm", daemon=True)
        thread.start()
        thread.join(timeout_s)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, handle)
    return True
