"""Whether somebody is writing a recording, without opening it as a database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recorder.database import alone, borrowed
from recorder.names import READING, is_text
from recorder.text.locks import is_locked


def is_being_written(path: Path) -> bool:
    """Tell whether a process, this one or another, has a recording open for writing.

    Raises:
        OSError: The file is missing or may not be read.
    """
    if is_text(path):
        return is_locked(path)
    with borrowed(path) as handle:
        if handle is not None:
            return True
    if sys.platform == "win32":
        return False  # there nobody else can open it at all
    import fcntl

    # Closing a descriptor gives up every lock of this process on the file, which it may have begun to write.
    with alone(), borrowed(path) as handle:
        if handle is not None:
            return True
        descriptor = os.open(path, READING)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False
