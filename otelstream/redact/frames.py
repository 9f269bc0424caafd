"""One frame without the secrets that stand in it alone; `stream` knows of those that go over several."""

from __future__ import annotations

from otelstream.frame import FrameLike, with_data
from otelstream.redact.redactor import Redactor


def redacted_frame(frame: FrameLike, redactor: Redactor | None) -> FrameLike:
    """Return a frame without secrets: itself if it holds none, otherwise a copy."""
    if redactor is None:
        return frame
    data, namespace = redactor.redact(frame.data), redactor.redact(frame.namespace)
    if data is frame.data and namespace is frame.namespace:
        return frame
    return with_data(frame, data, namespace)
