"""How commands shall make spans of frames: as the process's variables say."""

from __future__ import annotations

import os
import sys

from otelstream.bridge.spans import options_of
from otelstream.config import Settings
from otelstream.span.options import SpanOptions


def span_options() -> SpanOptions:
    """Return the options of the environment; what cannot be used is told on standard error."""
    settings, problems = Settings.from_environ(os.environ)
    options, more = options_of(settings)
    for problem in (*problems, *more):
        print(problem, file=sys.stderr)
    return options
