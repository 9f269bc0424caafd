"""Frames into a DuckDB file, and the same frames out of it again."""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otelstream.errors import (
        DivergedError,
        FrameError,
        RecordingError,
        RerunError,
        SessionNotFoundError,
    )
    from recorder.conversion import convert
    from recorder.diff import Diff, Divergence, Policy, assert_same_run, diff
    from recorder.exceptions import ReplayedError
    from recorder.query import Answer
    from recorder.reader import Recording
    from recorder.reader import open_recording as open  # noqa: A004  `recorder.open(path)` reads as it should
    from recorder.replay import areplay, replay
    from recorder.rerun import Report, Rerun, rerun
    from recorder.session import AsyncStreamSession, StreamSession
    from recorder.session_row import RecordedSession
    from recorder.tail import Seen, Tail
    from recorder.values import RecordedObject

__all__ = [
    "Answer",
    "AsyncStreamSession",
    "Diff",
    "DivergedError",
    "Divergence",
    "FrameError",
    "Policy",
    "RecordedObject",
    "RecordedSession",
    "Recording",
    "RecordingError",
    "ReplayedError",
    "Report",
    "Rerun",
    "RerunError",
    "Seen",
    "SessionNotFoundError",
    "StreamSession",
    "Tail",
    "areplay",
    "assert_same_run",
    "convert",
    "diff",
    "open",
    "replay",
    "rerun",
]

# Where each name is, looked up when it is first asked for: pytest imports this package at every start, for a
# plugin that most of its runs do not use, and shall not wait 0.5 s for DuckDB and pydantic.
_PLACES = {
    **dict.fromkeys(
        ("DivergedError", "FrameError", "RecordingError", "RerunError", "SessionNotFoundError"),
        "otelstream.errors",
    ),
    **dict.fromkeys(("areplay", "replay"), "recorder.replay"),
    **dict.fromkeys(("Diff", "Divergence", "Policy", "assert_same_run", "diff"), "recorder.diff"),
    **dict.fromkeys(("Report", "Rerun", "rerun"), "recorder.rerun"),
    **dict.fromkeys(("AsyncStreamSession", "StreamSession"), "recorder.session"),
    **dict.fromkeys(("Seen", "Tail"), "recorder.tail"),
    "Answer": "recorder.query",
    "convert": "recorder.conversion",
    "RecordedObject": "recorder.values",
    "RecordedSession": "recorder.session_row",
    "Recording": "recorder.reader",
    "ReplayedError": "recorder.exceptions",
    "open": "recorder.reader",
}
_NAMES = {"open": "open_recording"}
"""What is called otherwise at its place."""


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_PLACES[name]), _NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """A package in which `replay` stays the function, though a module of that name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
