"""Whether somebody is writing a recording, without opening it as a database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recorder.database import alone, borrowed


def is_being_written(path: Path) -> bool:
    """Tell whether a process, this one or another, has a recording open for writing.

    Raises:
        OSError: The file is missing or may not be read.
    """
    with borrowed(path) as handle:
        if handle is not None:
            return True
    if sys.platform == "win32":
        return False  # there nobody else can open it at all
    import fcntl

    with alone():  # closing a descriptor gives up every lock that this process has on the file
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False
