"""An OpenTelemetry id generator that takes ids derived from frames, and random ones for all other spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

from otelstream.span import ids

_keys: Final[ContextVar[tuple[str, str] | None]] = ContextVar("otelstream_span_keys", default=None)


class FrameIdGenerator(IdGenerator):
    """Gives spans of frames the ids derived from their frame ids, and random ids to other spans.

    Give it to your own provider (`TracerProvider(id_generator=FrameIdGenerator())`) if live traces and
    later exports of the recording shall have the same ids.
    """

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        """Return the trace id derived from the session's root frame, or a random one."""
        keys = _keys.get()
        return self._random.generate_trace_id() if keys is None else ids.trace_id(keys[0])

    def generate_span_id(self) -> int:
        """Return the span id derived from the opening frame, or a random one."""
        keys = _keys.get()
        return self._random.generate_span_id() if keys is None else ids.span_id(*keys)

    def is_trace_id_random(self) -> bool:
        """Tell that the ids are uniformly distributed, as ratio samplers expect."""
        return True


@contextmanager
def derived_from(root_key: str, key: str) -> Iterator[None]:
    """Let the next span's ids be derived from those frames, where a `FrameIdGenerator` is in use."""
    token = _keys.set((root_key, key))
    try:
        yield
    finally:
        _keys.reset(token)
