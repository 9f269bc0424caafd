"""CrewAI stream frames to OpenTelemetry spans and DuckDB recordings."""

__version__ = "0.1.0"

from otelstream.bridge import flush, losses, observe, shutdown
from otelstream.errors import (
    EntryPointError,
    ExportError,
    FrameError,
    OtelstreamError,
    RecordingError,
    SessionNotFoundError,
)
from otelstream.export.ids import FrameIdGenerator
from otelstream.frame import StreamFrame
from otelstream.redact import Redactor
from otelstream.span.options import SpanOptions

__all__ = [
    "EntryPointError",
    "ExportError",
    "FrameError",
    "FrameIdGenerator",
    "OtelstreamError",
    "RecordingError",
    "Redactor",
    "SessionNotFoundError",
    "SpanOptions",
    "StreamFrame",
    "__version__",
    "flush",
    "losses",
    "observe",
    "shutdown",
]
