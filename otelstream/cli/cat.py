"""`otelstream cat`: the frames of a session, as NDJSON."""

from __future__ import annotations

import recorder
from otelstream.cli.arguments import RecordingPath, SessionName
from otelstream.frame import frame_json


def cat(recording: RecordingPath, session: SessionName = "last") -> None:
    """Print the frames of a session, one JSON object per line, as CrewAI writes them."""
    with recorder.open(recording) as opened:
        for frame in opened.frames(opened.session(session)):
            print(frame_json(frame))
