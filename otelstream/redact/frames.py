"""One frame without the secrets that stand in it alone; `stream` knows of those that go over several.

The ids stay: frames name each other by them, also inside of `data`, and the runtime draws them at random.
"""

from __future__ import annotations

from typing import Any

from otelstream.frame import FrameLike, extra_fields, with_fields
from otelstream.redact.redactor import Redactor


def redacted_frame(
    frame: FrameLike, redactor: Redactor | None, data: dict[str, Any] | None = None
) -> FrameLike:
    """Return a frame without secrets: itself if it holds none, otherwise a copy.

    Args:
        frame: The frame.
        redactor: The rules; None returns the frame.
        data: What is masked in place of its own `data`.
    """
    if redactor is None:
        return frame
    extra = extra_fields(frame)
    before = (frame.type, frame.channel, frame.namespace, frame.data, extra)
    after = (
        redactor.mask_name(frame.type),
        redactor.mask_name(frame.channel),
        redactor.redact(frame.namespace),
        redactor.redact(frame.data if data is None else data),
        redactor.redact(extra) if extra else extra,
    )
    if all(new is old for new, old in zip(after, before, strict=True)):
        return frame
    kind, channel, namespace, masked, unknown = after
    known = {"type": kind, "channel": channel, "namespace": namespace, "data": masked}
    return with_fields(frame, {**unknown, **known})
