"""`otelstream cat`: the frames of a session, as NDJSON."""

from __future__ import annotations

from otelstream.cli.arguments import RecordingPath, SessionName
from otelstream.cli.opening import opened
from otelstream.frame import frame_json


def cat(recording: RecordingPath, session: SessionName = "last") -> None:
    """Print the frames of a session, one JSON object per line, as CrewAI writes them."""
    with opened(recording) as reading:
        for frame in reading.frames(reading.session(session)):
            print(frame_json(frame))
