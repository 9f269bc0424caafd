"""CrewAI stream frames to OpenTelemetry spans and DuckDB recordings."""

import importlib
import sys
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
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

# Where each name is, looked up when it is first asked for: `recorder` imports this package for its errors and
# frames, and whoever replays a recording shall not wait 0.3 s for OpenTelemetry and the bridge.
_PLACES = {
    **dict.fromkeys(("flush", "losses", "observe", "shutdown"), "bridge"),
    **dict.fromkeys((name for name in __all__ if name.endswith("Error")), "errors"),
    "FrameIdGenerator": "export.ids",
    "Redactor": "redact",
    "SpanOptions": "span.options",
    "StreamFrame": "frame",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if "recorder" not in sys.modules:
    # Whoever observes waits here, and not in the first run, when no descriptor may be left to load a file.
    importlib.import_module(f"{__name__}.bridge")
