"""The one place where content is masked: secrets found by key name, by shape or by value become `REDACTED`.

Pure: no I/O, no clock, no environment. What holds no secret comes back as the same object.
"""

from otelstream.redact.environment import secret_values
from otelstream.redact.frames import redacted_frame
from otelstream.redact.keys import MIN_VALUE_LENGTH, is_secret_key
from otelstream.redact.pairs import PLACEHOLDER
from otelstream.redact.redactor import MAX_DEPTH, Json, Redactor
from otelstream.redact.stream import Released, StreamRedactor, redacted

__all__ = [
    "MAX_DEPTH",
    "MIN_VALUE_LENGTH",
    "PLACEHOLDER",
    "Json",
    "Redactor",
    "Released",
    "StreamRedactor",
    "is_secret_key",
    "redacted",
    "redacted_frame",
    "secret_values",
]
