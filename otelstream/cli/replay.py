"""`otelstream replay`: a recorded session again, as its consumer saw it."""

from __future__ import annotations

import recorder
from otelstream.cli.arguments import AsJson, RecordingPath, SessionName
from otelstream.cli.ending import ending_of, tell
from otelstream.cli.opening import opened
from otelstream.cli.watch import watch


def replay(recording: RecordingPath, session: SessionName = "last", *, as_json: AsJson = False) -> None:
    """Replay a session: print its text as it was streamed, then its result. Exit code 1 if the run failed."""
    with opened(recording) as reading:
        recorded = reading.session(session)
    stream = recorder.replay(recorded.file, recorded.start.session_id)
    tell(ending_of(stream, watch(stream, quiet=as_json)), as_json=as_json)
