"""Frames into a DuckDB file, and the same frames out of it again."""

from otelstream.errors import FrameError, RecordingError, SessionNotFoundError
from recorder.exceptions import ReplayedError
from recorder.query import Answer
from recorder.reader import Recording
from recorder.reader import open_recording as open  # noqa: A004  `recorder.open(path)` reads as it should
from recorder.replay import areplay, replay
from recorder.session import AsyncStreamSession, StreamSession
from recorder.session_row import RecordedSession
from recorder.tail import Seen, Tail
from recorder.values import RecordedObject

__all__ = [
    "Answer",
    "AsyncStreamSession",
    "FrameError",
    "RecordedObject",
    "RecordedSession",
    "Recording",
    "RecordingError",
    "ReplayedError",
    "Seen",
    "SessionNotFoundError",
    "StreamSession",
    "Tail",
    "areplay",
    "open",
    "replay",
]
