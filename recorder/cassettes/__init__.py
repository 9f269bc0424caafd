"""Recordings in a test suite: which file a test has, when it is replayed and when it is made anew.

Of these files `items.py` and `reporting.py` know pytest, as `recorder.pytest_plugin` does; no other needs it.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.cassettes.cassette import Cassette
    from recorder.cassettes.config import RecordingConfig

__all__ = ["Cassette", "RecordingConfig"]

# Looked up when they are first asked for: pytest imports this package at every start, used or not.
_PLACES = {"Cassette": "cassette", "RecordingConfig": "config"}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
